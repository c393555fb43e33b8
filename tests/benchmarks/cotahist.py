"""Imports beside a floor and a bare parse: `python -m tests.benchmarks.cotahist [--records N] [--help]`.

Prints one JSON object, or Markdown. Processor time of this process and of its children, in turn, round by round; with
`--wall` the time that one waits, of which a second core takes a part. The floor compresses (zlib 6) and hashes
(SHA-256) the lines of each ticker, chains the very bodies that an import leaves (BLAKE3) and commits them, in one
process. The peers read the columns that an import reads, and keep them; an import also checks every line, judges every
session, keeps the file's own lines as evidence, and has it all on disk, chained, when it ends; the command brings the
read models up to date too.
"""

import hashlib
import importlib.util
import os
import resource
import shutil
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from contextlib import ExitStack, nullcontext
from datetime import date
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click
import lmdb
import msgspec

from ledger.chain import GENESIS, links
from ledger.codec import decode_as, decode_envelope
from ledger.events import FetchSucceeded
from ledger.ingest.providers import evidence
from ledger.ingest.providers.cotahist import file, layout, reading
from ledger.ingest.providers.cotahist.identity import identity
from ledger.ingest.providers.cotahist.importing import Importer
from ledger.ingest.providers.cotahist.intake import Selection
from ledger.ingest.rules.held import Held
from ledger.market.sessions import sessions
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Window
from scripts.exchange_month import month_lines
from tests.benchmarks.measure import Ratio, Timing, in_turn, over, ratio
from tests.support.cli import command, environment
from tests.support.cotahist import made, quotes
from tests.support.memory import peak_anonymous_bytes

YEAR = 2025
NOW_US = 1_770_000_000_000_000
NOW = {"B3_LEDGER_NOW": "2026-02-02T02:40:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9", "LOG_LEVEL": "ERROR"}
JOB = bytes(16)
READ, LOGGED, FLOOR, PANDAS, POLARS = "read", "import into the log", "floor", "pandas.read_fwf", "polars"
COMMAND = "main import-cotahist"
PEERS = (PANDAS, POLARS)
EVENTS_A_COMMIT = 2_000
DAY_CODES = 400
SPOT, ALL = Selection(), Selection(market="all")
COLUMNS = {
    "day": (2, 10), "code": (12, 24), "market": (24, 27), "open": (56, 69), "high": (69, 82), "low": (82, 95),
    "close": (108, 121), "shares": (152, 170), "factor": (210, 217),
}  # fmt: skip


def spent_s() -> float:
    """Return the processor time of this process and of its children that have ended, in seconds."""
    found = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in found)


def read(path: Path) -> int:
    """Check every line, to the trailer, and read the prices of every ticker's quote, a line at a time."""
    with file.opened(path) as text:
        lines = (line for batch in text.batches() for _, line in batch)
        return sum(1 for line in lines if isinstance(identity(line), str) and layout.quote(line))


def imported(path: Path, folder: Path, *, wanted: Selection) -> int:
    """Import the file into a new ledger in `folder`, without read models."""
    shutil.rmtree(folder, ignore_errors=True)
    home = LedgerHome(folder)
    create_ledger(home, kind="real", software="benchmark", now=lambda: NOW_US, lock_timeout_s=5)
    with EventLog(home, now=lambda: NOW_US) as log, ExitStack() as held, file.opened(path) as text:
        found = reading.read(text, wanted, held, lambda some, _: nullcontext(some))
        contents = found.intake.contents(found.text, started_at=NOW_US, finished_at=NOW_US)
        importer = Importer(
            contents, job_id=JOB, log=log, held=lambda *_: Held({}), threshold_percent=10, lock_timeout_s=5
        )
        return sum(1 for _ in found.run(importer))


def by_command(paths: Iterable[Path], folder: Path, *, wanted: Selection, fresh: bool = True) -> None:
    """Run the whole command on the files, into a new ledger in `folder`, or the one there."""
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    words = command("import-cotahist", *map(os.path.abspath, paths), "--market", wanted.market)
    done = _run(words, folder)
    assert done in {0, 1}, done


def _run(words: list[str], folder: Path) -> int:
    # As installed: pip compiles what it installs, whatever this shell says of byte code.
    env = {**environment(NOW), "DATA_DIR": os.path.abspath(folder)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return subprocess.run(words, env=env, capture_output=True, check=False).returncode


class Stored(NamedTuple):
    """What an import left: the lines of each ticker, and the bodies of all events."""

    lines: list[bytes]
    bodies: list[bytes]


def stored(folder: Path) -> Stored:
    """Return what the ledger in `folder` holds."""
    found = Stored([], [])
    with EventLog(LedgerHome(folder), now=lambda: NOW_US, readonly=True) as log:
        for record in log.read(1):
            found.bodies.append(record.body)
            envelope = decode_envelope(record.seq, record.body)
            if envelope.type == FetchSucceeded.TAG:
                found.lines.append(evidence.body(decode_as(envelope, FetchSucceeded).answer))
    return found


def floor(left: Stored, folder: Path) -> None:
    """Compress and hash the same lines, chain and commit the same bodies."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for lines in left.lines:
        zlib.compress(lines)
        hashlib.sha256(lines).digest()
    with lmdb.open(os.fspath(folder), map_size=8 * 1024**3) as env:
        prev, seq, waiting = GENESIS, 0, iter(left.bodies)
        while some := list(islice(waiting, EVENTS_A_COMMIT)):
            chained = links(prev, some)
            with env.begin(write=True) as txn:
                items = [(seq + place).to_bytes(8, "big") for place in range(len(some))]
                values = [link + body for link, body in zip(chained, some, strict=True)]
                txn.cursor().putmulti(list(zip(items, values, strict=True)), append=True)
            prev, seq = chained[-1], seq + len(some)


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


class Rounds(NamedTuple):
    """How often each contestant takes its turn, and the clock that times it."""

    count: int
    clock: Callable[[], float]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One file and what was measured of it: medians in seconds, ratios round by round."""

    name: str
    records: int
    tickers: int
    seconds: dict[str, float]
    ratios: tuple[Ratio, ...]


def case(name: str, path: Path, folder: Path, *, wanted: Selection, rounds: Rounds, times_floor: float) -> Case:
    """Return what an import of the file at `path` takes beside the floor and the peers."""
    records = path.stat().st_size // 247 - 2
    tickers = imported(path, folder / "log", wanted=wanted)
    left = stored(folder / "log")
    contestants: dict[str, Callable[[], object]] = {
        FLOOR: lambda: floor(left, folder / "floor"),
        LOGGED: lambda: imported(path, folder / "log", wanted=wanted),
        COMMAND: lambda: by_command([path], folder / "command", wanted=wanted),
    }
    if importlib.util.find_spec(POLARS):
        contestants[POLARS] = lambda: by_polars(path)
    timings = in_turn(contestants, units=1, unit="files", rounds=rounds.count, clock=rounds.clock)
    ratios = [
        ratio(timings, FLOOR, LOGGED, what=f"{name}: {LOGGED} / floor"),
        ratio(timings, FLOOR, COMMAND, what=f"{name}: {COMMAND} / floor, at most {times_floor:g}"),
    ]
    if POLARS in timings:
        ratios.append(ratio(timings, POLARS, LOGGED, what=f"{name}: {LOGGED} / polars"))
        ratios.append(ratio(timings, POLARS, COMMAND, what=f"{name}: {COMMAND} / polars"))
    seconds = {one.name: round(one.median_s, 3) for one in timings.values()}
    return Case(name=name, records=records, tickers=tickers, seconds=seconds, ratios=tuple(ratios))


def a_day(folder: Path, *, years: int, codes: int, rounds: Rounds) -> Case:
    """Return what a day's file takes onto so many years held of each of so many codes, beside the floor."""
    home = folder / "years"
    for year in range(YEAR - years, YEAR):
        days = len(sessions(Window(date(year, 1, 1), date(year, 12, 31))))
        path = made(folder / "A.TXT", quotes(records=days * codes, year=year, seed=1), year=year)
        by_command([path], home, wanted=ALL, fresh=False)
    days = sessions(Window(date(YEAR, 1, 1), date(YEAR, 12, 31)))
    every = list(quotes(records=len(days) * codes, year=YEAR, seed=1))
    waiting = iter(
        made(folder / f"D{day:%d%m%Y}.TXT", every[place * codes : (place + 1) * codes], year=YEAR)
        for place, day in enumerate(days)
    )
    first = next(waiting)
    tickers = imported(first, folder / "log", wanted=ALL)
    left = stored(folder / "log")
    contestants: dict[str, Callable[[], object]] = {
        FLOOR: lambda: floor(left, folder / "floor"),
        LOGGED: lambda: imported(first, folder / "log", wanted=ALL),
        COMMAND: lambda: by_command([next(waiting)], home, wanted=ALL, fresh=False),
    }
    timings = in_turn(contestants, units=1, unit="files", rounds=rounds.count, clock=rounds.clock)
    seconds = {one.name: round(one.median_s, 3) for one in timings.values()}
    seconds["over the floor, at most 0.6"] = round(over(timings, COMMAND, FLOOR), 3)
    return Case(name=f"a day onto {years} years", records=codes, tickers=tickers, seconds=seconds, ratios=())


def contest(folder: Path, *, records: int, rounds: int) -> tuple[dict[str, Timing], int]:
    """Return what everybody took over one file of `records` quotes made in `folder`, and an import's peak memory."""
    path = made(folder / "COTAHIST_A2025.TXT", quotes(records=records, year=YEAR, seed=1), year=YEAR)
    contestants: dict[str, Callable[[], object]] = {
        READ: lambda: read(path),
        "import, spot": lambda: imported(path, folder / "spot", wanted=SPOT),
        "import, all": lambda: imported(path, folder / "all", wanted=ALL),
        PANDAS: lambda: by_pandas(path),
    }
    if importlib.util.find_spec(POLARS):
        contestants[POLARS] = lambda: by_polars(path)
    timings = in_turn(contestants, units=records, unit="records", rounds=rounds)
    return timings, peak_bytes(path, folder)


def peak_bytes(path: Path, folder: Path) -> int:
    """Return the most memory of its own that the whole command holds over the file at `path`."""
    shutil.rmtree(folder / "dados", ignore_errors=True)
    words = command("import-cotahist", os.path.abspath(path), "--market", "all")
    return peak_anonymous_bytes(words, cwd=folder, env=environment(NOW), codes=(0, 1))


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured; `year_peak_anonymous_bytes` None where no year was asked for."""

    cases: tuple[Case, ...]
    timed: str
    year_records: int
    year_peak_anonymous_bytes: int | None

    def markdown(self) -> str:
        """Return it as tables."""
        names = list(dict.fromkeys(name for one in self.cases for name in one.seconds))
        rows = [[f"{self.timed}, s", "records", "tickers", *names], ["---"] * (3 + len(names))]
        rows += [
            [one.name, str(one.records), str(one.tickers), *(str(one.seconds.get(name, "")) for name in names)]
            for one in self.cases
        ]
        ratios = [["ratio", "median", "rounds"], ["---"] * 3]
        ratios += [
            [each.what, f"{each.median:.2f}", ", ".join(f"{value:.2f}" for value in each.rounds)]
            for one in self.cases
            for each in one.ratios
        ]
        tables = ["\n".join(f"| {' | '.join(row)} |" for row in table) for table in (rows, ratios)]
        if self.year_peak_anonymous_bytes is not None:
            peak = f"{self.year_peak_anonymous_bytes / 1e6:.1f} MB"
            tables.append(f"A year of {self.year_records:,} records: {peak} of its own at most (at most 300 MB).")
        return "\n\n".join(tables)


@click.command()
@click.option("--records", type=click.IntRange(min=1), default=500_000, show_default=True, help="Of the year.")
@click.option("--papers", type=click.IntRange(min=1), default=1_750, show_default=True, help="Of the month.")
@click.option("--years", type=click.IntRange(min=0), default=10, show_default=True, help="Held before the day.")
@click.option("--whole-year", type=click.IntRange(min=0), default=1_700_000, show_default=True, help="For memory.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--wall", is_flag=True, help="What one waits for, on a machine with nothing else on it.")
@click.option("--markdown", is_flag=True)
def main(*, rounds: int, wall: bool, markdown: bool, **sizes: int) -> None:
    """Measure imports and print what they took."""
    records, papers, years, whole_year = (sizes[name] for name in ("records", "papers", "years", "whole_year"))
    timed = Rounds(rounds, time.perf_counter if wall else spent_s)
    with tempfile.TemporaryDirectory(prefix="b3-ledger-bench-", dir=".") as name:
        folder = Path(name)
        path = made(folder / "COTAHIST_A2025.TXT", quotes(records=records, year=YEAR, seed=1), year=YEAR)
        measure = partial(case, folder=folder, rounds=timed)
        cases = [
            measure("a year, spot", path, wanted=SPOT, times_floor=2),
            measure("a year, all", path, wanted=ALL, times_floor=2),
        ]
        path = made(folder / "M.TXT", month_lines(date(YEAR, 3, 1), papers=papers, seed=1, every_kind=True))
        cases.append(measure("a month of many codes, all", path, wanted=ALL, times_floor=3))
        if years:
            cases.append(a_day(folder, years=years, codes=DAY_CODES, rounds=timed))
        peak = None
        if whole_year:
            path = made(folder / "Y.TXT", quotes(records=whole_year, year=YEAR, seed=1), year=YEAR)
            peak = peak_bytes(path, folder)
        report = Report(
            cases=tuple(cases),
            timed="wall time" if wall else "processor time",
            year_records=whole_year,
            year_peak_anonymous_bytes=peak,
        )
    click.echo(report.markdown() if markdown else msgspec.json.format(msgspec.json.encode(report)).decode())


if __name__ == "__main__":
    main()
