"""The audit beside a bare loop over the same answers: `python -m tests.benchmarks.audit [--tickers N] [--evenings N]`.

Prints one JSON object. The ledgers are as runs leave them, by the judge and the readers of the runs: one with a look at
the whole range about once a month, as a default configuration makes them, and one of the evenings in between alone. The
loop unzips each answer, takes its SHA-256 and parses its JSON, and judges nothing. An imported year is audited on its
own. `--looks short` or `--looks mixed` measures one of them.
"""

import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from zlib import decompress

import click
import msgspec

from ledger.codec import decode_envelope
from ledger.events import FetchSucceeded
from ledger.log_source import LogSource
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Answer
from projections.audit.audit import audit_log, audit_shared
from projections.audit.report import AuditReport
from tests.benchmarks import cotahist
from tests.benchmarks.measure import Timing, in_turn, ratio
from tests.benchmarks.one_object import print_measured
from tests.support import evenings
from tests.support.cli import command, environment
from tests.support.cotahist import made, quotes
from tests.support.memory import peak_anonymous_bytes

ONE, TWO, BARE = "audit, one process", "audit, two processes", "bare loop"
MIXED, SHORT, BOTH = "mixed", "short", "both"
NOW_US = 1_900_000_000_000_000


class Answered(msgspec.Struct, frozen=True):
    """Evidence, read as far as its answer."""

    answer: Answer


class AuditedEvenings(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of evenings: rates in the median round, of processor time or `waited`; ratios by rounds."""

    events: int
    answers: int
    rows: int
    events_a_second: dict[str, float]
    events_a_second_waited: dict[str, float]
    spread: dict[str, float]
    to_the_bare_loop: tuple[float, ...]
    two_to_one: tuple[float, ...]
    peak_anonymous_bytes: int


class AuditedYear(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured of an imported year: the rate in the median round, of processor time."""

    rows: int
    rows_a_second: float
    spread: float


class Audited(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was measured, of all that was asked for."""

    mixed: AuditedEvenings | None = None
    short: AuditedEvenings | None = None
    imported: AuditedYear | None = None


def opened(home: LedgerHome) -> EventLog:
    """Return the ledger, open for reading."""
    return EventLog(home, now=lambda: NOW_US, readonly=True, check=False)


def bare(log: LogSource, parse: Callable[[bytes], object]) -> int:
    """Unzip, hash and parse every answer."""
    decode, answers = msgspec.msgpack.Decoder(Answered).decode, 0
    for record in log.read():
        envelope = decode_envelope(record.seq, record.body)
        if envelope.type == FetchSucceeded.TAG:
            answer = decode(envelope.data).answer
            body = decompress(answer.body)
            assert sha256(body).digest() == answer.sha256
            parse(body)
            answers += 1
    return answers


def contest(
    home: LedgerHome, *, parse: Callable[[bytes], object], rounds: int
) -> tuple[AuditReport, dict[str, Timing], dict[str, Timing]]:
    """Return what the audit finds of the ledger, and what it takes: beside the loop, and two processes beside one.

    The former is processor time, which a neighbour on the machine does not change; the latter is what one waits for.
    """
    with opened(home) as log:
        size, report = log.head().size, audit_log(log)
    assert ("same", ()) == (report.verdict, report.not_derived)

    def alone(run: Callable[[LogSource], object]) -> object:
        with opened(home) as log:
            return run(log)

    def shared() -> None:
        assert report == audit_shared(lambda: opened(home), size)

    one: dict[str, Callable[[], object]] = {ONE: lambda: alone(audit_log)}
    looped: dict[str, Callable[[], object]] = {BARE: lambda: alone(lambda log: bare(log, parse))}
    timings = in_turn(one | looped, units=size, unit="events", rounds=rounds, clock=time.process_time)
    return report, timings, in_turn(one | {TWO: shared}, units=size, unit="events", rounds=rounds)


def imported(folder: Path, *, records: int) -> LedgerHome:
    """Return the home of a ledger into which a synthetic year of the whole market was imported."""
    path = made(folder / "COTAHIST_A2025.TXT", quotes(records=records, year=cotahist.YEAR, seed=1), year=cotahist.YEAR)
    cotahist.imported(path, folder / "imported", wanted=cotahist.Selection(market="all"))
    return LedgerHome(folder / "imported")


def of_evenings(folder: Path, *, tickers: int, nights: int, rounds: int, refresh_days: int) -> AuditedEvenings:
    """Return the figures of evenings that look at the whole range so often."""
    home = evenings.make(folder / "dados", tickers=tickers, evenings=nights, refresh_days=refresh_days)
    report, beside, waited = contest(home, parse=msgspec.json.decode, rounds=rounds)
    return AuditedEvenings(
        events=report.events,
        answers=report.derived["answers"],
        rows=report.derived["bars"],
        events_a_second={name: round(timing.rate) for name, timing in beside.items()},
        events_a_second_waited={name: round(timing.rate) for name, timing in waited.items()},
        spread={name: round(timing.spread, 3) for name, timing in (beside | {TWO: waited[TWO]}).items()},
        to_the_bare_loop=ratio(beside, ONE, BARE, what="audit").rounds,
        two_to_one=ratio(waited, TWO, ONE, what="audit").rounds,
        peak_anonymous_bytes=peak_of(folder),
    )


def of_a_year(folder: Path, *, records: int, rounds: int) -> AuditedYear:
    """Return the figures of an imported year."""
    year, taken, _ = contest(imported(folder, records=records), parse=bytes.splitlines, rounds=rounds)
    rows = year.derived["bars"]
    return AuditedYear(rows=rows, rows_a_second=round(rows / taken[ONE].median_s), spread=round(taken[ONE].spread, 3))


def peak_of(folder: Path) -> int:
    """Return the most anonymous memory of one process of `main audit` over the ledger in `folder`."""
    return peak_anonymous_bytes(command("audit"), cwd=folder, env=environment())


@click.command()
@click.option("--tickers", type=click.IntRange(min=1), default=50, show_default=True)
@click.option("--evenings", "nights", type=click.IntRange(min=1), default=200, show_default=True)
@click.option("--looks", type=click.Choice([MIXED, SHORT, BOTH]), default=BOTH, show_default=True)
@click.option("--records", type=click.IntRange(min=0), default=200_000, show_default=True, help="Of the imported year.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, show_default=True)
def main(tickers: int, nights: int, looks: str, records: int, rounds: int) -> None:
    """Measure the audit and print one JSON object."""

    def measured(folder: Path) -> Audited:
        found: dict[str, AuditedEvenings] = {
            one: of_evenings(folder / one, tickers=tickers, nights=nights, rounds=rounds, refresh_days=days)
            for one, days in ((MIXED, evenings.REFRESH_DAYS), (SHORT, 0))
            if looks in {one, BOTH}
        }
        year = of_a_year(folder, records=records, rounds=rounds) if records else None
        return Audited(**found, imported=year)

    print_measured(measured)


if __name__ == "__main__":
    main()
