"""A synthetic COTAHIST year beside a bare parse of it: `python -m tests.benchmarks.cotahist [--records N]`.

Prints one JSON object. The peers read the columns that an import reads, and keep them; an import also checks every
line, judges every session, keeps the file's own lines as evidence, and has it all on disk, chained, when it ends.
"""

import importlib.util
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from ledger.ingest.providers.cotahist import file, layout
from ledger.ingest.providers.cotahist.identity import identity
from ledger.ingest.providers.cotahist.importing import Importer
from ledger.ingest.providers.cotahist.intake import Intake, Selection
from ledger.ingest.providers.cotahist.spool import Spool
from ledger.ingest.rules.held import Held
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.benchmarks.measure import Timing, in_turn
from tests.support.cli import command, environment
from tests.support.cotahist import made, quotes
from tests.support.memory import peak_anonymous_bytes

YEAR = 2025
NOW_US = 1_770_000_000_000_000
JOB = bytes(16)
READ, PANDAS, POLARS = "read", "pandas.read_fwf", "polars"
PEERS = (PANDAS, POLARS)
COLUMNS = {
    "day": (2, 10), "code": (12, 24), "market": (24, 27), "open": (56, 69), "high": (69, 82), "low": (82, 95),
    "close": (108, 121), "shares": (152, 170), "factor": (210, 217),
}  # fmt: skip


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured; rates are records a second of the whole file, medians of the rounds."""

    records: int
    file_bytes: int
    records_a_second: dict[str, float]
    spread: dict[str, float]
    import_peak_anonymous_bytes: int


def read(path: Path) -> int:
    """Check every line, to the trailer, and read the prices of every ticker's quote."""
    with file.opened(path) as text:
        lines = (line for batch in text.batches() for _, line in batch)
        return sum(1 for line in lines if isinstance(identity(line), str) and layout.quote(line))


def imported(path: Path, folder: Path, *, wanted: Selection) -> int:
    """Import the file into a new ledger in `folder`."""
    shutil.rmtree(folder, ignore_errors=True)
    home = LedgerHome(folder)
    create_ledger(home, kind="real", software="benchmark", now=lambda: NOW_US, lock_timeout_s=5)
    with EventLog(home, now=lambda: NOW_US) as log, Spool() as spool, file.opened(path) as text:
        intake = Intake(wanted)
        intake.fill(spool, text, text.batches())
        contents = intake.contents(text, started_at=NOW_US, finished_at=NOW_US)
        importer = Importer(
            contents, job_id=JOB, log=log, held=lambda *_: Held({}), threshold_percent=10, lock_timeout_s=5
        )
        return sum(1 for _ in importer.run(spool))


def by_pandas(path: Path) -> object:
    """Parse the file by `pandas.read_fwf`."""
    import pandas as pd

    spans = list(COLUMNS.values())
    return pd.read_fwf(path, colspecs=spans, names=list(COLUMNS), skiprows=1, encoding="latin-1", dtype=str)


def by_polars(path: Path) -> object:
    """Parse the file by polars: whole lines, then their columns."""
    import polars as pl

    lines = pl.read_csv(
        path, has_header=False, skip_rows=1, separator="\x01", quote_char=None, encoding="latin1", new_columns=["line"]
    )
    sliced = [pl.col("line").str.slice(first, last - first).alias(name) for name, (first, last) in COLUMNS.items()]
    return lines.select(sliced)


def contest(folder: Path, *, records: int, rounds: int) -> tuple[dict[str, Timing], int]:
    """Return what everybody took over one file of `records` quotes made in `folder`, and an import's peak memory."""
    path = made(folder / "COTAHIST_A2025.TXT", quotes(records=records, year=YEAR, seed=1), year=YEAR)
    contestants: dict[str, Callable[[], object]] = {
        READ: lambda: read(path),
        "import, spot": lambda: imported(path, folder / "spot", wanted=Selection()),
        "import, all": lambda: imported(path, folder / "all", wanted=Selection(market="all")),
        PANDAS: lambda: by_pandas(path),
    }
    if importlib.util.find_spec(POLARS):
        contestants[POLARS] = lambda: by_polars(path)
    timings = in_turn(contestants, units=records, unit="records", rounds=rounds)
    peak = peak_anonymous_bytes(command("import-cotahist", path.name), cwd=folder, env=environment(), codes=(0, 1))
    return timings, peak


def measure(folder: Path, *, records: int, rounds: int) -> Report:
    """Return the figures of `contest`."""
    timings, peak = contest(folder, records=records, rounds=rounds)
    return Report(
        records=records,
        file_bytes=(folder / "COTAHIST_A2025.TXT").stat().st_size,
        records_a_second={name: round(timing.rate) for name, timing in timings.items()},
        spread={name: round(timing.spread, 3) for name, timing in timings.items()},
        import_peak_anonymous_bytes=peak,
    )


@click.command()
@click.option("--records", type=click.IntRange(min=1), default=500_000, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
def main(records: int, rounds: int) -> None:
    """Measure an import and print one JSON object."""
    with tempfile.TemporaryDirectory(prefix="b3-ledger-bench-", dir=".") as name:
        report = measure(Path(name), records=records, rounds=rounds)
    click.echo(msgspec.json.format(msgspec.json.encode(report)).decode())


if __name__ == "__main__":
    main()
