"""Rules that hold one session against its neighbours. Pure.

They look at the series as it will be once the answer is accepted, and report only where
a session that is new or revised takes part: what was held already was judged when it came.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from typing import Self

import msgspec

from ledger.ingest.rules import actions, catalogue, row_rules
from ledger.ingest.rules.held import Held, alike
from ledger.ingest.rules.sifting import Sifted
from ledger.market import sessions
from ledger.market.price import price_text
from ledger.values import Action, Bar, Basis, Finding, RawBar, Window

_FAR_BELOW_SLIP = 2  # as a factor: what moved by less is off by no UNIT_FACTOR, whatever is tolerated
_ROUNDING_MICROS = 0.5  # how far off an exact price may be for having been made one


class JudgedSeries(msgspec.Struct, frozen=True):
    """A series as it will be: sessions oldest first, which days are new or revised, and every known action.

    `places` are where those days are among the sessions. `learned` are the days of actions that were not held before
    the answer.
    """

    bars: tuple[Bar, ...]
    fresh: frozenset[date]
    actions: tuple[Action, ...]
    basis: Basis
    places: tuple[int, ...]
    learned: frozenset[date] = frozenset()

    @classmethod
    def after(cls, held: Held, fresh: Sequence[Bar], answered: Sequence[Action], basis: Basis) -> Self:
        """Return what is held with the new and revised sessions and the actions of the answer in it."""
        new = {bar.date: bar for bar in fresh}
        bars = {**held.bars, **new}
        days = sorted(bars)
        return cls(
            bars=tuple([bars[day] for day in days]),
            fresh=frozenset(new),
            actions=actions.in_force(held.actions, answered),
            basis=basis,
            places=tuple([bisect_left(days, day) for day in sorted(new)]),
            learned=frozenset([action.ex_date for action in answered if action not in held.actions]),
        )


def flagged(series: JudgedSeries, sifted: Sifted, answered: Iterable[RawBar]) -> Iterator[Finding]:
    """Yield what JUMP, RANGE, SPLIT_SUSPECT, UNIT_100X and ADJ find; ADJ reads the `answered` rows too. O(sessions).

    Of the series what is not plain is looked at, and the days of actions.
    """
    bars = series.bars
    acted = _acted(series) if series.actions or series.learned else set[int]()
    for place in sorted(acted.union(sifted.steps)) if acted else sifted.steps:
        previous, bar = bars[place - 1], bars[place]
        if place in acted or _spread(previous.close, bar.close) > catalogue.JUMP_FACTOR:
            yield from jump(previous, bar, series)
    for place in sifted.sessions:
        yield from session_range(bars[place])
    # A session between two steps that are not plain: one that is new takes part in each of them.
    for place in sorted({*sifted.steps, *(step - 1 for step in sifted.steps)}) if sifted.steps else ():
        if 0 < place < len(bars) - 1:
            yield from unit_slip(*bars[place - 1 : place + 2])
    yield from adjustments(series, sifted, answered)


def _acted(series: JudgedSeries) -> set[int]:
    """Return the places of sessions that actions took effect on, where something new takes part in the step to them."""
    bars, places = series.bars, series.places
    # No step from a new session on is due to an action before it.
    start = bars[max(places[0] - 1, 0)].date if places else date.max
    later = {action.ex_date for action in series.actions if action.ex_date > start}
    if not later and not series.learned:
        return set()
    days = [bar.date for bar in bars]
    acted, learned = ({bisect_left(days, day) for day in known} for known in (later, series.learned))
    new = {*places, *(place + 1 for place in places)}
    return {place for place in acted & new | learned if 0 < place < len(days)}


@catalogue.applies(catalogue.STALE, catalogue.STALE_IDLE)
def stale(series: JudgedSeries, *, traded: bool) -> Iterator[Finding]:
    """Yield one STALE per run of sessions that repeat each other, `traded` or not, dated by its last. O(sessions).

    A run without trades is flagged, one with the same volume each day warned of.
    """
    rule, bars, stop = catalogue.STALE if traded else catalogue.STALE_IDLE, series.bars, 0
    for place in series.places:
        bar = bars[place]
        if place < stop or traded is not (bar.volume > 0):
            continue
        start, stop = place, place + 1
        while start and alike(bars[start - 1], bar):
            start -= 1
        while stop < len(bars) and alike(bars[stop], bar):
            stop += 1
        if (count := stop - start) >= catalogue.STALE_SESSIONS:
            detail = f"got {count} sessions alike from {bars[start].date}, want at most {catalogue.STALE_SESSIONS - 1}"
            yield Finding(rule.id, bars[stop - 1].date, detail)


@catalogue.applies(catalogue.GAP)
def gaps(due: Window, known: Collection[date]) -> Iterator[Finding]:
    """Yield GAP for each session `due` of which no bar is `known`. O(days)."""
    for day in [day for day in sessions.sessions(due) if day not in known]:
        if sessions.covers(day):
            yield Finding(catalogue.GAP.id, day, "got no bar, want one for the session")


@catalogue.applies(catalogue.CALENDAR_END)
def off_calendar(days: Collection[date]) -> Iterator[Finding]:
    """Yield one warning for all of `days` that the calendar table does not know."""
    outside = [day for day in days if not sessions.covers(day)]
    if outside:
        detail = f"got {len(outside)} days from {min(outside)} outside the calendar, want days that it covers"
        yield Finding(catalogue.CALENDAR_END.id, None, detail)


@catalogue.applies(catalogue.JUMP, catalogue.SPLIT_SUSPECT)
def jump(previous: Bar, bar: Bar, series: JudgedSeries) -> Iterator[Finding]:
    """Yield what JUMP and SPLIT_SUSPECT find in the step from one session to the next.

    An action explains its own size and no more: what it leaves over is judged.
    """
    between = actions.between(series.actions, after=previous.date, until=bar.date)
    expected = actions.explained(previous.close, between, series.basis)
    spread = _spread(expected, bar.close)
    ratios = list(_like_splits(expected, bar, between))
    if not ratios and spread <= catalogue.JUMP_FACTOR:
        return
    got = f"got close {price_text(bar.close)} after {price_text(previous.close)}"
    if spread > catalogue.JUMP_FACTOR:
        beside = f" beside {len(between)} action{'s' * (len(between) != 1)}" if between else ""
        yield Finding(catalogue.JUMP.id, bar.date, f"{got}{beside}, want within a factor of {catalogue.JUMP_FACTOR}")
    yield from (
        Finding(catalogue.SPLIT_SUSPECT.id, bar.date, f"{got}, want no step like a split of {ratio}")
        for ratio in ratios
    )


@catalogue.applies(catalogue.RANGE)
def session_range(bar: Bar) -> Sequence[Finding]:
    """Return what RANGE finds in how far high and low lie from open and close of their own session."""
    above, below = bar.high / max(bar.open, bar.close), min(bar.open, bar.close) / bar.low
    if above <= catalogue.JUMP_FACTOR and below <= catalogue.JUMP_FACTOR:
        return ()
    beside = f"beside open {price_text(bar.open)} and close {price_text(bar.close)}"
    return [
        Finding(
            catalogue.RANGE.id,
            bar.date,
            f"got {name} {price_text(price)} {beside}, want within a factor of {catalogue.JUMP_FACTOR}",
        )
        for name, factor, price in (("high", above, bar.high), ("low", below, bar.low))
        if factor > catalogue.JUMP_FACTOR
    ]


def _like_splits(expected: float, bar: Bar, between: Sequence[Action]) -> Iterator[str]:
    """Yield each ratio of a split, old shares first, that the step from the `expected` close is near to."""
    spread, fell = _spread(expected, bar.close), bar.close < expected
    listed = actions.size(between)
    size = max(listed, 1 / listed)
    # A small one must be told from an ordinary day: near to it is within a third of it, and from the open on.
    near = min(catalogue.SPLIT_TOLERANCE, size ** (1 / 3))
    opening = _spread(expected, bar.open) if (bar.open < expected) is fell else 1.0
    steps = (spread,) if size > catalogue.JUMP_FACTOR else (spread, opening)
    if size > 1 and all(_spread(step, size) <= near for step in steps):
        yield actions.ratio_text(between)
        return
    for whole in catalogue.SPLIT_SIZES:
        if spread > catalogue.JUMP_FACTOR and _spread(spread, whole) <= catalogue.SPLIT_TOLERANCE:
            yield f"1 to {whole}" if fell else f"{whole} to 1"


@catalogue.applies(catalogue.UNIT_100X)
def unit_slip(before: Bar, bar: Bar, after: Bar) -> Sequence[Finding]:
    """Return what UNIT_100X finds in a session between its neighbours."""
    if bar.close < _FAR_BELOW_SLIP * before.close and before.close < _FAR_BELOW_SLIP * bar.close:
        return ()
    up = bar.close > before.close
    steps = [_spread(bar.close, beside.close) for beside in (before, after)]
    slipped = all(_spread(step, catalogue.UNIT_FACTOR) <= catalogue.UNIT_TOLERANCE for step in steps)
    if not slipped or up is not (bar.close > after.close):
        return ()
    beside = f"{price_text(before.close)} and {price_text(after.close)}"
    detail = f"got close {price_text(bar.close)} between {beside}, want the same unit on all three days"
    return [Finding(catalogue.UNIT_100X.id, bar.date, detail)]


@catalogue.applies(catalogue.ADJ)
def adjustments(series: JudgedSeries, sifted: Sifted, answered: Iterable[RawBar]) -> Iterator[Finding]:
    """Yield what ADJ finds: in adjusted closes, in their steps, and in those that cannot be held.

    A bar has no adjusted close where `answered`, the rows it was read from, has one that cannot be held.
    """
    bars = series.bars
    for place in sifted.steps:
        fault = _step_fault(bars[place - 1], bars[place], series.actions)
        if fault is not None:
            yield Finding(catalogue.ADJ.id, bars[place].date, fault)
    for place in sifted.sessions:
        bar = bars[place]
        if bar.adj_close is None:
            continue
        if bar.adj_close <= 0:
            yield Finding(catalogue.ADJ.id, bar.date, f"got adj_close {price_text(bar.adj_close)}, want above 0")
        if bar.adj_close > bar.close * catalogue.ADJ_TOLERANCE + _ROUNDING_MICROS:
            got = f"got adj_close {price_text(bar.adj_close)}"
            yield Finding(catalogue.ADJ.id, bar.date, f"{got}, want at most close {price_text(bar.close)}")
    unheld = {bars[place].date for place in sifted.unadjusted if bars[place].adj_close is None}
    for raw in answered if unheld else ():
        if raw.adj_close is not None and raw.date in unheld and row_rules.micros(raw.adj_close) is None:
            yield Finding(catalogue.ADJ.id, raw.date, f"got adj_close {raw.adj_close}, want a number")


def _step_fault(previous: Bar, bar: Bar, known: tuple[Action, ...]) -> str | None:
    """Return what is wrong where adj_close/close falls, or rises with no action to explain it."""
    if not previous.adj_close or not bar.adj_close or previous.adj_close < 0 or bar.adj_close < 0:
        return None
    before, after = previous.adj_close / previous.close, bar.adj_close / bar.close
    tolerance = catalogue.ADJ_TOLERANCE + _ROUNDING_MICROS / previous.adj_close + _ROUNDING_MICROS / bar.adj_close
    if _spread(before, after) <= tolerance:
        return None
    if after < before:
        return f"got adj_close/close {after:.6f} after {before:.6f}, want no fall"
    if not actions.between(known, after=previous.date, until=bar.date):
        return f"got adj_close/close {after:.6f} after {before:.6f}, want no step"
    return None


def _spread(a: float, b: float) -> float:
    return max(a, b) / min(a, b)
