"""Sessions that are missing from a series. Pure."""

from collections.abc import Iterator
from datetime import date

import msgspec

from ledger.ingest.providers import registry
from ledger.market import sessions
from ledger.market.series import Series
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


def last_due(kind: LedgerKind, now_us: int) -> date:
    """Return the last session that a ledger of `kind` ought to hold: the newest final one, or a recording's last."""
    recording = registry.recording(kind)
    return sessions.last_final_session(now_us) if recording is None else recording.last_day


def gaps(
    tables: Tables,
    series: Series,
    until: date,
    position: int | None = None,
    *,
    since: date | None = None,
    ended: date = date.max,
) -> Iterator[Gap]:
    """Yield the sessions missing from the first one held to `until`, oldest first; costs the series' versions.

    `since` is the first session that the series is known to lack, where it lies before the first one held.
    None is due after `ended`.
    """
    coverage = history.coverage(tables, series, position)
    if not coverage.held:
        return
    last = max(coverage.held)
    first = min(coverage.held)
    for day in sessions.sessions(Window(min(first, since or first), min(max(last, until), ended))):
        if day in coverage.held or not sessions.covers(day):
            continue
        missed, rejections = coverage.missed.get(day), coverage.rejected.get(day)
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
