"""What a daily run costs beside that of another tree: `python -m tests.benchmarks.daily --against PATH`.

Both trees, in turn, evening by evening, ask a Yahoo on loopback for the same tickers, with a year held. What is
compared is the processor time of each run, its children included. Prints one JSON object.
"""

import itertools
import os
import random
import statistics
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from string import ascii_uppercase

import click
import msgspec

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.benchmarks.one_object import print_measured
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import YahooServer

HERE = Path(__file__).parents[2]
FIRST_RUN = date(2025, 3, 5)
HELD_DAYS = 365
EVENING = time(23, 30)
DAILY_CODES = frozenset({0, 1})
LONGEST_S = 1_800.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of processor time per evening of `ours` and `theirs`, and ours over theirs.

    `evenings` has the ratio of each evening; `ratio` that of their sums, `median` that of the middle evening.
    `bytes_a_day` is what this tree's `health` says at the end.
    """

    tickers: int
    ours_s: float
    theirs_s: float
    ratio: float
    median: float
    evenings: tuple[float, ...]
    bytes_a_day: int | None


class Contestant:
    """A tree of this program, and the ledger that it keeps."""

    def __init__(self, tree: Path, folder: Path, *, url: str, tickers: list[str], jobs: int) -> None:
        self.tree, self.folder, self.seconds = tree, folder, list[float]()
        folder.mkdir()
        (folder / "tickers.txt").write_text("\n".join(tickers))
        self._words = ("--tickers-file", "tickers.txt", "--jobs", str(jobs), "--format", "json")
        # As installed: pip compiles what it installs, whatever this shell says of byte code.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        self._environment = {**kept, "PYTHONPATH": str(tree), "YAHOO_BASE_URL": url, "LOG_LEVEL": "WARNING"}
        rooms = [str(tree / name) for name in ("ledger", "projections", "cli")]
        subprocess.run([sys.executable, "-m", "compileall", "-q", *rooms], env=self._environment, check=True)

    def evening(self, day: date) -> float:
        """Run the daily job on the evening of `day`; return the processor time that it took."""
        return self._run(self._words, day)

    def bytes_a_day(self, day: date) -> int | None:
        """Return what `health` says that the ledger grows by."""
        self._run(("health", "--format", "json"), day)
        said = msgspec.json.decode((self.folder / "stdout").read_bytes())
        return None if said.get("bytes_a_day") is None else round(said["bytes_a_day"])

    def _run(self, words: tuple[str, ...], day: date) -> float:
        environment = {**self._environment, "B3_LEDGER_NOW": f"{day}T{EVENING}Z"}
        command = [sys.executable, "-m", "cli", *words]
        with (self.folder / "stdout").open("wb") as out, (self.folder / "stderr").open("wb") as err:
            process = subprocess.Popen(command, cwd=self.folder, env=environment, stdout=out, stderr=err)
            _, status, usage = os.wait4(process.pid, 0)
        code = process.returncode = os.waitstatus_to_exitcode(status)
        if code not in DAILY_CODES and "health" not in words:
            raise click.ClickException(f"got exit {code} of {self.tree}, want a run: {_end(self.folder / 'stderr')}")
        return usage.ru_utime + usage.ru_stime


def _end(path: Path) -> str:
    return path.read_text(errors="replace")[-500:]


def evenings(last: int, *, weekdays: bool) -> Iterator[date]:
    """Yield the days of `last` daily runs after the first one: each session, or each weekday as a cron has them."""
    span = Window(FIRST_RUN + timedelta(days=1), FIRST_RUN + timedelta(days=2 * last + 30))
    days = iter(sessions(span))
    if weekdays:
        every = (span.start + timedelta(days=number) for number in range((span.end - span.start).days))
        days = (day for day in every if day.weekday() < 5)
    return itertools.islice(days, last)


def serve(server: YahooServer, tickers: list[str], last: int) -> None:
    """Give the server a quiet walk of each ticker, from a year before the first run to the last one."""
    span = Window(FIRST_RUN - timedelta(days=HELD_DAYS), FIRST_RUN + timedelta(days=2 * last + 30))
    days = sessions(span)
    rng = random.Random(1)
    for number, ticker in enumerate(tickers):
        server.series[ticker] = make_series(days, seed=number, close=rng.choice((3.0, 20.0, 80.0)))


def measure(folder: Path, against: Path, *, tickers: int, last: int, weekdays: bool, jobs: int) -> Report:
    """Return the figures of `last` evenings."""
    letters = itertools.product(ascii_uppercase, ascii_uppercase, "345")
    names = [f"AB{''.join(one)}.SA" for one in itertools.islice(letters, tickers)]
    with YahooServer() as server:
        serve(server, names, last)
        ours, theirs = (
            Contestant(tree, folder / name, url=server.url, tickers=names, jobs=jobs)
            for name, tree in (("ours", HERE), ("theirs", against.resolve()))
        )
        day = FIRST_RUN
        for each in (ours, theirs):
            server.now = datetime.combine(day, EVENING, UTC)
            each.evening(day)
        for number, day in enumerate(evenings(last, weekdays=weekdays)):
            server.now = datetime.combine(day, EVENING, UTC)
            for each in (ours, theirs) if number % 2 else (theirs, ours):
                each.seconds.append(each.evening(day))
        grown = ours.bytes_a_day(day)
    pairs = tuple(mine / other for mine, other in zip(ours.seconds, theirs.seconds, strict=True))
    return Report(
        tickers=tickers,
        ours_s=round(statistics.mean(ours.seconds), 3),
        theirs_s=round(statistics.mean(theirs.seconds), 3),
        ratio=round(sum(ours.seconds) / sum(theirs.seconds), 3),
        median=round(statistics.median(pairs), 3),
        evenings=tuple(round(pair, 3) for pair in pairs),
        bytes_a_day=grown,
    )


@click.command()
@click.option("--against", type=click.Path(exists=True, file_okay=False, path_type=Path), required=True)
@click.option("--tickers", type=click.IntRange(1, 2_000), default=300, show_default=True)
@click.option("--evenings", "last", type=click.IntRange(min=1), default=6, show_default=True)
@click.option("--weekdays", is_flag=True, help="Run on every weekday, holidays too, as cron does.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True)
def main(*, against: Path, tickers: int, last: int, weekdays: bool, jobs: int) -> None:
    """Measure daily runs of this tree beside those of the tree at PATH, and print one JSON object."""
    print_measured(partial(measure, against=against, tickers=tickers, last=last, weekdays=weekdays, jobs=jobs))


if __name__ == "__main__":
    main()
