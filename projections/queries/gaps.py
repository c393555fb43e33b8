"""Sessions that ought to be held and are not. Pure."""

from collections.abc import Iterator
from datetime import date

import msgspec

from ledger.events import Window
from ledger.market import sessions
from ledger.market.series import Series
from projections.fold.tables import Tables
from projections.queries import history
from projections.queries.history import Standing


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A session of B3 that the series lacks.

    `asked` accepted answers over the day did not bring it, the first at `since` and the last at `last_asked`
    (microseconds UTC; None where there was none). `rejected` when the last of them had a row that a rule refused.
    `rejected_answers` more were rejected as a whole, the last at `last_rejected`.
    `behind` when no later session is held: the series has not come that far.
    """

    date: date
    asked: int
    since: int | None
    last_asked: int | None
    rejected: bool
    rejected_answers: int
    last_rejected: int | None
    behind: bool


def gaps(tables: Tables, series: Series, until: date, position: int | None = None) -> Iterator[Gap]:
    """Yield the sessions missing from the first one held to `until`, oldest first; costs the series' versions."""
    standing = history.standing(tables, series, position)
    if not standing.held:
        return
    last = max(standing.held)
    for day in sessions.sessions(Window(min(standing.held), max(last, until))):
        if day in standing.held or not sessions.covers(day):
            continue
        yield _gap(standing, day, behind=day > last)


def _gap(standing: Standing, day: date, *, behind: bool) -> Gap:
    missed, rejections = standing.missed.get(day), standing.rejected.get(day)
    return Gap(
        date=day,
        asked=0 if missed is None else missed.asked,
        since=None if missed is None else missed.since,
        last_asked=None if missed is None else missed.last,
        rejected=missed is not None and missed.rejected,
        rejected_answers=0 if rejections is None else rejections.answers,
        last_rejected=None if rejections is None else rejections.last,
        behind=behind,
    )
