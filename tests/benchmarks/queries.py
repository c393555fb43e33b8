"""`main sql` beside DuckDB over the export of the same rows: `python -m tests.benchmarks.queries [--records N]`.

Whole commands, their start-up included, over an imported year of the exchange's; one JSON object, seconds of the
processor. The peer is a program that imports DuckDB and asks the Parquet files that `main export --fields` wrote: what
it reads was held against the log when it was exported, which `main sql` does each time.
"""

import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click
import msgspec

from tests.benchmarks.one_object import print_measured
from tests.support.cli import REPOSITORY, environment

QUERIES = {
    "one aggregate": "select count(*), sum({}) from {}",
    "one ticker": "select count(*), sum({}) from {} where ticker = 'ZAAA3.SA'",
    "one session": "select count(*), sum({}) from {} where date = date '2025-06-03'",
}
SUMMED = {"market": "value", "prices": "close"}
PEER = "import sys, duckdb; print(duckdb.sql(sys.argv[1]).fetchall())"
YEAR = 2025


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of the processor in the median round, by relation and question."""

    records: int
    main: dict[str, float]
    duckdb: dict[str, float]


def spent(words: Sequence[str], cwd: Path) -> float:
    """Run a program to its good end and return the seconds of the processor that it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([sys.executable, *words], cwd=cwd, env=environment({}), capture_output=True, check=False)
    assert done.returncode in {0, 1}, done.stderr  # 1: an import flags what the invented market does
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def prepare(folder: Path, records: int) -> None:
    """Make a ledger of an invented year and its export."""
    make = (str(REPOSITORY / "scripts/make_cotahist.py"), "--records", str(records), "--year", str(YEAR), "--out")
    spent((*make, "COTAHIST.ZIP"), folder)
    spent(("-m", "cli", "import-cotahist", "COTAHIST.ZIP", "--market", "all", "--clock-ok"), folder)
    spent(("-m", "cli", "export", "--format", "parquet", "--fields", "--out", "lake"), folder)


def measure(folder: Path, *, records: int, rounds: int) -> Report:
    """Return the figures, each side in turn."""
    prepare(folder, records)
    taken: dict[str, tuple[list[float], list[float]]] = {}
    for _ in range(rounds):
        for relation, column in SUMMED.items():
            for name, query in QUERIES.items():
                ours, theirs = taken.setdefault(f"{relation}, {name}", ([], []))
                ours.append(spent(("-m", "cli", "sql", query.format(column, relation)), folder))
                files = f"'lake/{relation}/**/*.parquet'"
                theirs.append(spent(("-c", PEER, query.format(column, files)), folder))
    main, duckdb = ({name: round(statistics.median(of[side]), 2) for name, of in taken.items()} for side in range(2))
    return Report(records=records, main=main, duckdb=duckdb)


@click.command()
@click.option("--records", type=click.IntRange(min=100_000), default=500_000, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
def main(records: int, rounds: int) -> None:
    """Measure and print one JSON object."""
    print_measured(partial(measure, records=records, rounds=rounds))


if __name__ == "__main__":
    main()
