"""One series decision by decision: what was held by then, and which sessions had been asked for in vain. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date

import msgspec

from ledger.market import sessions
from ledger.market.series import Series
from ledger.values import Window
from projections.fold.tables import Tables
from projections.models import prices
from projections.models.decisions import Decision, decisions
from projections.models.prices import Version


class Missed(msgspec.Struct, frozen=True, kw_only=True):
    """A session that accepted answers did not bring though it was final: how often, and from when to when.

    `rejected` when the last such answer had a row for it, which a rule rejected.
    """

    asked: int
    since: int
    last: int
    rejected: bool


class Rejections(msgspec.Struct, frozen=True):
    """Answers over a final session that were rejected as a whole: how many, and when the last one was."""

    answers: int
    last: int


class Coverage:
    """Which days of a series are held between two decisions; one that is not may be missed, rejected or both."""

    def __init__(self) -> None:
        self.held: dict[date, Version] = {}
        self.missed: dict[date, Missed] = {}
        self.rejected: dict[date, Rejections] = {}

    def take(self, decision: Decision, made: Collection[Version]) -> None:
        """Advance past `decision`, which made the versions `made`."""
        for version in made:
            if version.bar is not None:
                self.held[version.date] = version
                self.missed.pop(version.date, None)
                self.rejected.pop(version.date, None)
        if decision.verdict == "superseded":
            return  # its job asked for a wider one
        # The sessions that its answer could have brought.
        last = min(decision.window.end, sessions.last_final_session(decision.recorded_at))
        for day in sessions.sessions(Window(decision.window.start, last)):
            if day in self.held or day in decision.partial or not sessions.covers(day):
                continue
            at, missed, rejected = decision.recorded_at, self.missed.get(day), self.rejected.get(day)
            if decision.accepted:
                self.missed[day] = Missed(
                    asked=1 if missed is None else missed.asked + 1,
                    since=at if missed is None else missed.since,
                    last=at,
                    rejected=day in decision.rejected,
                )
            else:
                self.rejected[day] = Rejections(1 if rejected is None else rejected.answers + 1, at)


def steps(
    tables: Tables, series: Series, position: int | None = None
) -> Iterator[tuple[Coverage, Decision, tuple[Version, ...]]]:
    """Yield each decision of [0, position) with the versions it made, by day, and the coverage before it.

    The coverage changes with the iteration. Costs the series' versions and the sessions of each decision's window.
    """
    before = Coverage()
    for decision, made in _made(tables, series, position):
        yield before, decision, made
        before.take(decision, made)


def coverage(tables: Tables, series: Series, position: int | None = None) -> Coverage:
    """Return the coverage of the series once `position` events are read (None: all); costs what `steps` does."""
    found = Coverage()
    for decision, made in _made(tables, series, position):
        found.take(decision, made)
    return found


def _made(tables: Tables, series: Series, position: int | None) -> Iterator[tuple[Decision, tuple[Version, ...]]]:
    by_seq = defaultdict(list)
    for version in prices.versions(tables, series):
        by_seq[version.seq].append(version)
    for decision in decisions(tables, series, position):
        yield decision, tuple(by_seq.get(decision.seq, ()))
