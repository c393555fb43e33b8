"""The rules of version 1 that hold one session against its neighbours. Pure."""

from collections.abc import Collection, Iterator
from datetime import date
from itertools import groupby, pairwise

import msgspec

from ledger.ingest.rules.v1 import actions, catalogue
from ledger.ingest.rules.v1.actions import Action1
from ledger.market import sessions
from ledger.market.price import price_text
from ledger.values import Bar, Basis, Finding, Window

_ROUNDING_MICROS = 0.5  # how far off an exact price may be for having been made one


class Series1(msgspec.Struct, frozen=True):
    """Sessions oldest first, the days among them that are new or revised, and every known action."""

    bars: tuple[Bar, ...]
    fresh: frozenset[date]
    actions: tuple[Action1, ...]
    basis: Basis


def flagged(series: Series1) -> Iterator[Finding]:
    """Yield what JUMP, SPLIT_SUSPECT, UNIT_100X and ADJ say. O(sessions)."""
    for previous, bar in pairwise(series.bars):
        if not series.fresh.isdisjoint((previous.date, bar.date)):
            yield from _jump(previous, bar, series)
            yield from _adjustment_step(previous, bar, series)
    for before, bar, after in zip(series.bars, series.bars[1:], series.bars[2:], strict=False):
        if series.fresh.isdisjoint((before.date, bar.date, after.date)):
            continue
        up, steps = bar.close > before.close, [_spread(bar.close, beside.close) for beside in (before, after)]
        slipped = all(_spread(step, catalogue.UNIT_FACTOR) <= catalogue.UNIT_TOLERANCE for step in steps)
        if slipped and up is (bar.close > after.close):
            got = f"got close {price_text(bar.close)} between {price_text(before.close)} and {price_text(after.close)}"
            yield Finding(catalogue.UNIT_100X, bar.date, f"{got}, want the same unit on all three days")
    for bar in series.bars:
        if bar.date not in series.fresh or bar.adj_close is None:
            continue
        got = f"got adj_close {price_text(bar.adj_close)}"
        if bar.adj_close <= 0:
            yield Finding(catalogue.ADJ, bar.date, f"{got}, want above 0")
        if bar.adj_close > bar.close * catalogue.ADJ_TOLERANCE + _ROUNDING_MICROS:
            yield Finding(catalogue.ADJ, bar.date, f"{got}, want at most close {price_text(bar.close)}")


def stale(series: Series1) -> Iterator[Finding]:
    """Yield one STALE a run of sessions that repeat each other, dated by its last. O(sessions)."""
    for _, run in groupby(series.bars, key=lambda bar: (bar.open, bar.high, bar.low, bar.close, bar.volume)):
        days = [bar.date for bar in run]
        if len(days) >= catalogue.STALE_SESSIONS and not series.fresh.isdisjoint(days):
            detail = f"got {len(days)} sessions alike from {days[0]}, want at most {catalogue.STALE_SESSIONS - 1}"
            yield Finding(catalogue.STALE, days[-1], detail)


def gaps(answered: Collection[date], held: Collection[date]) -> Iterator[Finding]:
    """Yield GAP for each session that neither the answer nor the ledger has, between days that they have.

    Looked for from the last day held before the answer to the answer's last. O(days).
    """
    if not answered:
        return
    first, last = min(answered), max(answered)
    start = max((day for day in held if day < first), default=first)
    for day in sessions.sessions(Window(start, last)):
        if sessions.covers(day) and day not in answered and day not in held:
            yield Finding(catalogue.GAP, day, "got no bar, want one for the session")


def off_calendar(days: Collection[date]) -> Iterator[Finding]:
    """Yield one warning for all of `days` that the calendar table does not know."""
    outside = [day for day in days if not sessions.covers(day)]
    if outside:
        detail = f"got {len(outside)} days from {min(outside)} outside the calendar, want days that it covers"
        yield Finding(catalogue.CALENDAR_END, None, detail)


def _jump(previous: Bar, bar: Bar, series: Series1) -> Iterator[Finding]:
    spread = _spread(previous.close, bar.close)
    if spread <= catalogue.JUMP_FACTOR:
        return
    between = actions.between(series.actions, after=previous.date, until=bar.date)
    got = f"got close {price_text(bar.close)} after {price_text(previous.close)}"
    if not between:
        yield Finding(catalogue.JUMP, bar.date, f"{got}, want within a factor of {catalogue.JUMP_FACTOR}")
    # A known action accounts for a step by a whole factor. A split-adjusted series has none at a split: one that is
    # there was not adjusted, or adjusted twice.
    if between and (series.basis == "as_traded" or all(action.kind != "split" for action in between)):
        return
    for size in catalogue.SPLIT_SIZES:
        if _spread(spread, size) <= catalogue.SPLIT_TOLERANCE:
            ratio = f"1 to {size}" if bar.close < previous.close else f"{size} to 1"
            yield Finding(catalogue.SPLIT_SUSPECT, bar.date, f"{got}, want no step like a split of {ratio}")


def _adjustment_step(previous: Bar, bar: Bar, series: Series1) -> Iterator[Finding]:
    """Yield ADJ where adj_close/close falls, or rises with no action to explain it."""
    if not previous.adj_close or not bar.adj_close or min(previous.adj_close, bar.adj_close) < 0:
        return
    before, after = previous.adj_close / previous.close, bar.adj_close / bar.close
    tolerance = catalogue.ADJ_TOLERANCE + _ROUNDING_MICROS / previous.adj_close + _ROUNDING_MICROS / bar.adj_close
    if _spread(before, after) <= tolerance:
        return
    if after < before:
        yield Finding(catalogue.ADJ, bar.date, f"got adj_close/close {after:.6f} after {before:.6f}, want no fall")
    elif not actions.between(series.actions, after=previous.date, until=bar.date):
        yield Finding(catalogue.ADJ, bar.date, f"got adj_close/close {after:.6f} after {before:.6f}, want no step")


def _spread(a: float, b: float) -> float:
    return max(a, b) / min(a, b)
