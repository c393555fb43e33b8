"""Adjusted prices, derived from the actions that are known and never taken from a provider. Pure and exact.

The factor of a session is the product, over every later action, of
- `1 - D / C` for payments of `D` per share on a day, `C` the last close before that day;
- `old shares / new shares` for a split, on a series as traded only: a split-adjusted one carries it already.

Payments and closes are taken on the series' own basis: a provider that adjusts closes for splits
adjusts its payments too.

Source: docs/validation.md, "Adjusted prices".
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import groupby
from operator import attrgetter

from ledger.events import AMOUNTS_PER_MICRO
from ledger.market.series import Series
from ledger.values import Action, Bar, Basis
from projections.fold.tables import Tables
from projections.models import corporate_actions, decisions, prices

ONE = Fraction(1)

_date = attrgetter("ex_date")


def factors(bars: Mapping[date, Bar], actions: Iterable[Action], basis: Basis) -> dict[date, Fraction]:
    """Return the exact factor of every session, in order of days; the last one's is 1 unless an action follows it.

    A payment of nothing, or of the whole close before it or more, cannot be adjusted for and is left out: rule
    EVENT flags it. So is one with no session before it. O(n log n) in sessions and actions.
    """
    days = sorted(bars)
    steps: list[tuple[date, Fraction]] = []
    for day, on_day in groupby(sorted(actions, key=_date), key=_date):
        if earlier := bisect_left(days, day):
            steps.append((day, _step(list(on_day), bars[days[earlier - 1]].close, basis)))
    found: dict[date, Fraction] = {}
    factor = ONE
    for day in reversed(days):
        # A step is dated by the first day that it does not touch.
        while steps and steps[-1][0] > day:
            factor *= steps.pop()[1]
        found[day] = factor
    return dict(reversed(found.items()))


def adjusted(micros: int, factor: Fraction) -> float:
    """Return a price of `micros` millionths of a real times `factor`, in reais: the double nearest to it."""
    return float(micros * factor / 1_000_000)


def adjusted_micros(micros: int, factor: Fraction) -> int:
    """Return a price times `factor` in millionths of a real, half to even."""
    return round(micros * factor)


def _step(actions: Sequence[Action], previous_close: int, basis: Basis) -> Fraction:
    """Return the factor of one day's actions; payments of one day are one payment."""
    close = previous_close * AMOUNTS_PER_MICRO
    paid = sum(action.amount for action in actions if action.amount is not None and action.amount > 0)
    factor = ONE - Fraction(paid, close) if 0 < paid < close else ONE
    if basis == "as_traded":
        for action in actions:
            if action.kind == "split" and action.numerator and action.denominator:
                factor *= Fraction(action.denominator, action.numerator)
    return factor


def held_factors(tables: Tables, series: Series, position: int | None = None) -> dict[date, Fraction]:
    """Return the factor of each session held once `position` events are read (None: all), in order of days.

    Costs the series' versions and decisions.
    """
    judged = list(decisions.decisions(tables, series, position))
    bars = prices.bars(tables, series, position)
    return factors(bars, corporate_actions.known(judged), judged[-1].basis) if bars else {}
