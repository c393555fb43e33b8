"""Sessions that are missing from a series. Pure."""

from collections.abc import Collection, Iterator
from datetime import date

import msgspec

from ledger.ingest.providers import registry
from ledger.market import sessions
from ledger.market.series import Series
from ledger.market.ticker import expiry
from ledger.values import LedgerKind, Window
from projections.fold.tables import Tables
from projections.queries import history


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A session of B3 that the series lacks.

    `asked` accepted answers over the day did not bring it, the first at `since` and the last at `last_asked`
    (microseconds UTC; None where there was none). `rejected` when the last of them had a row that a rule rejected.
    `rejected_answers` more were rejected as a whole, the last at `last_rejected`.
    `behind` when no later session is held: the series has not reached it.
    """

    date: date
    asked: int
    since: int | None
    last_asked: int | None
    rejected: bool
    rejected_answers: int
    last_rejected: int | None
    behind: bool


class DueSessions(msgspec.Struct, frozen=True):
    """Which sessions a series ought to hold: from the first one held to `until`, inclusive.

    `since` is the first session that the series is known to lack, where it lies before the first one held.
    None is due after `ended`, the day on which the series ended, nor after the contract of the series.
    Of a provider whose `files` are brought none is due after them: in one of their days that has no row of the series
    there was no trade, and what they do not cover is missing, as is a row that was rejected.
    """

    until: date
    since: date | None = None
    ended: date = date.max
    files: tuple[Window, ...] = ()


def uncovered(files: Collection[Window]) -> Iterator[date]:
    """Yield the sessions between the first and the last of the files' days that none of them covers."""
    if not files:
        return
    ends = Window(min(days.start for days in files), max(days.end for days in files))
    covered = {day for days in files for day in sessions.sessions(days)}
    yield from (day for day in sessions.sessions(ends) if day not in covered and sessions.covers(day))


def last_due(kind: LedgerKind, now_us: int) -> date:
    """Return the last session that a ledger of `kind` ought to hold: the newest final one, or a recording's last."""
    recording = registry.recording(kind)
    return sessions.last_final_session(now_us) if recording is None else recording.last_day


def gaps(tables: Tables, series: Series, due: DueSessions, position: int | None = None) -> Iterator[Gap]:
    """Yield the sessions that are `due` and missing, oldest first; costs the series' versions."""
    coverage = history.coverage(tables, series, position)
    if not coverage.held:
        return
    last = max(coverage.held)
    first = min(coverage.held)
    by_hand = registry.brought_by_hand(series.provider)
    until = max((days.end for days in due.files), default=last) if by_hand else due.until
    ended = min(due.ended, expiry(series.ticker) or due.ended)
    for day in sessions.sessions(Window(min(first, due.since or first), min(max(last, until), ended))):
        if day in coverage.held or not sessions.covers(day):
            continue
        missed, rejections = coverage.missed.get(day), coverage.rejected.get(day)
        refused = rejections is not None or (missed is not None and missed.rejected)
        if by_hand and not refused and any(days.start <= day <= days.end for days in due.files):
            continue
        yield Gap(
            date=day,
            asked=0 if missed is None else missed.asked,
            since=None if missed is None else missed.since,
            last_asked=None if missed is None else missed.last,
            rejected=missed is not None and missed.rejected,
            rejected_answers=0 if rejections is None else rejections.answers,
            last_rejected=None if rejections is None else rejections.last,
            behind=day > last,
        )
