"""Which of the sessions that an answer changes the rules have to look at: nearly all of them are plain. Pure.

A session is plain where it lies within bounds that are stricter than those of every rule, so that none can find
anything in it. What is not plain the rules themselves judge, by their own bounds.
"""

from collections.abc import Iterable, Sequence
from typing import Self

import msgspec

from ledger.values import Bar

PLAIN_FACTOR = 1.25  # of two prices: below what JUMP, RANGE, UNIT_100X and any listed split begin at
PLAIN_PART = 20_000  # of an adjusted close: a step by less than so small a part is none to ADJ


class Sifted(msgspec.Struct, frozen=True):
    """Places in a series: of sessions whose step from the one before is not plain, and of new ones that are not.

    `idle` are the new sessions without trades, `unadjusted` those without an adjusted close. `alike` is whether any
    session has the close and the volume of the one before it.
    """

    steps: Sequence[int]
    sessions: Sequence[int]
    idle: Sequence[int]
    unadjusted: Sequence[int]
    alike: bool

    @classmethod
    def everything(cls, bars: Sequence[Bar], places: Sequence[int]) -> Self:
        """Return that all is to be looked at which is new at `places`, and beside it."""
        return cls(taking_part(places, len(bars)), places, places, places, alike=True)


def sift(bars: Sequence[Bar], places: Sequence[int]) -> Sifted:
    """Return what is to be looked at of `bars`, oldest first, of which those at `places` are new. O(places)."""
    steps, alike = _steps(bars, taking_part(places, len(bars)))
    return Sifted(steps, *_sessions(bars, places), alike)


def goes_on_plainly(before: Bar, fresh: Sequence[Bar]) -> bool:
    """Return whether nothing of `fresh` sessions is to be looked at, of which the first follows the one `before` it."""
    bars, places = (before, *fresh), range(1, 1 + len(fresh))
    steps, alike = _steps(bars, places)
    return not (steps or alike or any(_sessions(bars, places)))


def taking_part(places: Sequence[int], count: int) -> list[int]:
    """Return the place of each session that is new or follows a new one, of `count`, the first of all apart."""
    return [place for place in sorted({*places, *(place + 1 for place in places)}) if 0 < place < count]


def _sessions(bars: Sequence[Bar], places: Iterable[int]) -> tuple[list[int], list[int], list[int]]:
    """Return which of the sessions at `places` are not plain, which have no trades, and which no adjusted close."""
    looked_at, idle, unadjusted = list[int](), list[int](), list[int]()
    for place in places:
        bar = bars[place]
        close, adjusted = bar.close, bar.adj_close
        top, bottom = (close, bar.open) if close > bar.open else (bar.open, close)
        if adjusted is None:
            unadjusted.append(place)
        if (
            bar.high > top * PLAIN_FACTOR
            or bottom > bar.low * PLAIN_FACTOR
            or (adjusted is not None and not 0 < adjusted <= close)
        ):
            looked_at.append(place)
        if bar.volume <= 0:
            idle.append(place)
    return looked_at, idle, unadjusted


def _steps(bars: Sequence[Bar], places: Iterable[int]) -> tuple[list[int], bool]:
    looked_at, alike = list[int](), False
    for place in places:
        before, bar = bars[place - 1], bars[place]
        was, close = before.close, bar.close
        if close > was * PLAIN_FACTOR or was > close * PLAIN_FACTOR or not _goes_on(before, bar):
            looked_at.append(place)
        if close == was and bar.volume == before.volume:
            alike = True
    return looked_at, alike


def _goes_on(before: Bar, bar: Bar) -> bool:
    """Return whether the ratio of adjusted close to close stays what it was, as far as there is one."""
    was, adjusted = before.adj_close, bar.adj_close
    if was is None or adjusted is None or (was == before.close and adjusted == bar.close):
        return True
    one, other = was * bar.close, adjusted * before.close
    return one > 0 and other > 0 and abs(one - other) * PLAIN_PART < min(one, other)
