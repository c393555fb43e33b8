"""What the exchange's own prices show of a paper: its bars as traded, and its count of changes of rights. Pure."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from ledger.market.sessions import sessions
from ledger.values import Bar, Window


class RightsCount(NamedTuple):
    """How many changes of rights an ISIN has seen (DISMES); `is_nominal` where the session is marked as an update."""

    isin: str
    changes: int | None
    is_nominal: bool = False


class RightsStep(NamedTuple):
    """Between the sessions `before` and `day`, neighbours on the tape, rights changed so many times.

    A paper does not trade every day: the change may be of any day after `before`, up to `day`.
    """

    before: date
    day: date
    changes: int

    @property
    def is_dated(self) -> bool:
        """Whether it can be of one session alone."""
        return self._between == 1

    def days_apart(self) -> int:
        """Return on how many days at least rights changed: as many as changes, where there were so many sessions."""
        return min(self.changes, self._between)

    @property
    def _between(self) -> int:
        return max(len(sessions(Window(self.before, self.day))) - 1, 1)


class Tape:
    """Bars by day, and how often rights had changed, session by session; both in the order of days."""

    def __init__(
        self, bars: Mapping[date, Bar] | None = None, counts: Mapping[date, RightsCount] | None = None
    ) -> None:
        self.bars = bars or {}
        self._counts = counts or {}

    @cached_property
    def days(self) -> list[date]:
        """The sessions that have a bar."""
        return sorted(self.bars)

    @cached_property
    def _counted(self) -> list[date]:
        return [day for day, one in self._counts.items() if one.changes is not None]

    def steps(self) -> Iterator[RightsStep]:
        """Yield where rights changed; an update in name alone is no change."""
        for before, day in pairwise(self._counted):
            if (changes := self._changed(before, day)) is not None and changes > 0:
                yield RightsStep(before, day, changes)

    def denies(self, day: date) -> bool:
        """Return whether no right changed on `day`, by the counts of the sessions before and after it."""
        at = bisect_left(self._counted, day)
        return 0 < at < len(self._counted) and self._changed(self._counted[at - 1], self._counted[at]) == 0

    def _changed(self, before: date, day: date) -> int | None:
        """Return how often rights changed between two sessions; None where they count different things."""
        one, other = self._counts[before], self._counts[day]
        if one is other and one.changes is not None:
            return 0  # nearly every two neighbours: they have one count between them
        if one.isin != other.isin or one.changes is None or other.changes is None or other.changes < one.changes:
            return None
        apart = other.changes - one.changes
        return apart - 1 if apart and other.is_nominal else apart


NO_TAPE = Tape({}, {})
