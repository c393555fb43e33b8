"""Which of several files about one day stands: the one made last, whenever it was imported. Pure.

A file is made anew with corrections, and a month's or a year's gathers its days. What a person imports last may be the
oldest of them, so the day that a file was made decides, then how little it covers.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import get_args

import msgspec

from ledger.values import Coverage, Rank, Window

_WIDE_TO_NARROW: tuple[Coverage, ...] = tuple(reversed(get_args(Coverage)))


class RankedAnswer(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An accepted answer over `window`, whose days but the `absent` ones it knows; `rank` None where it has none."""

    seq: int
    rank: Rank | None
    window: Window
    absent: tuple[date, ...]  # found withdrawn, rejected, or not final by then


def rank_of(made_on: date, window: Window) -> Rank:
    """Return the rank of a file made on that day whose dates inside begin and end as `window` does."""
    start, end = window.start, window.end
    if start == end:
        return Rank(made_on, "day")
    return Rank(made_on, "month" if (start.year, start.month) == (end.year, end.month) else "year")


def outranks(held: Rank | None, other: Rank | None) -> bool:
    """Return whether what is `held` stands against the `other`: of equal ranks the last imported stands."""
    return held is not None and (other is None or _order(held) > _order(other))


def of_days(first_held: Mapping[date, int], answers: Iterable[RankedAnswer]) -> dict[date, Rank]:
    """Return the rank of each held day that has one: the highest among `answers` that know the day.

    `first_held` has, for each day, the seq of the decision that first gave it a bar: what came before it decided
    nothing of the day.
    """
    found: dict[date, Rank] = {}
    for answer in answers:
        if answer.rank is None:
            continue
        start, end = answer.window.start, answer.window.end
        for day, seq in first_held.items():
            known = seq <= answer.seq and start <= day <= end and day not in answer.absent
            if known and not outranks(found.get(day), answer.rank):
                found[day] = answer.rank
    return found


def _order(rank: Rank) -> tuple[date, int]:
    return rank.made_on, _WIDE_TO_NARROW.index(rank.coverage)
