"""Adjusted prices, derived from the actions that are known and never taken from a provider. Pure and exact.

The factor of a session is the product, over every later action, of
- `1 - D / C` for payments of `D` per share on a day, `C` the last close before that day;
- `old shares / new shares` for a split, on a series as traded only: a split-adjusted one carries it already.

Payments and closes are taken on the series' own basis: a provider that adjusts closes for splits
adjusts its payments too. A series whose provider tells of no actions, as the exchange's files do, is adjusted by what
another provider tells of the same ticker, brought onto its basis; where nobody was asked, nothing is known.

Source: docs/validation.md, "Adjusted prices".
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import groupby
from math import prod
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from ledger.events import AMOUNTS_PER_MICRO
from ledger.ingest.providers import registry
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


class KnownActions(msgspec.Struct, frozen=True):
    """The actions that a series is adjusted by, on its own basis; before `since` nobody was asked (None: ever)."""

    actions: tuple[Action, ...]
    since: date | None


def known_actions(tables: Tables, series: Series, basis: Basis, position: int | None = None) -> KnownActions:
    """Return what is known of the actions of the series' ticker once `position` events are read (None: all).

    From its own provider, where that tells of actions; else from the first one by name that does. Costs decisions.
    """
    if registry.names_actions(series.provider):
        return KnownActions(prices.actions(tables, series, position), date.min)
    for other in prices.all_series(tables, series.ticker):
        judged = list(decisions.decisions(tables, other, position))
        asked = [one.window.start for one in judged if one.accepted]
        if registry.names_actions(other.provider) and asked:
            told = corporate_actions.known(judged)
            return KnownActions(told if basis == judged[-1].basis else _as_traded(told), min(asked))
    return KnownActions((), None)


def _as_traded(told: Sequence[Action]) -> tuple[Action, ...]:
    """Return actions that were adjusted for splits as they were: payments per share of the day before each."""
    splits = [one for one in told if one.kind == "split" and one.numerator and one.denominator]
    found = []
    for action in told:
        since = (Fraction(one.numerator or 1, one.denominator or 1) for one in splits if one.ex_date >= action.ex_date)
        amount = None if action.amount is None else round(action.amount * prod(since, start=ONE))
        found.append(replace(action, amount=amount))
    return tuple(found)


def held_factors(tables: Tables, series: Series, position: int | None = None) -> dict[date, Fraction]:
    """Return the factor of each session held once `position` events are read (None: all), in order of days.

    Sessions from before actions were asked for have none. Costs the series' versions and decisions.
    """
    newest = decisions.newest(tables, series)
    bars = prices.bars(tables, series, position)
    if newest is None or not bars:
        return {}
    known = known_actions(tables, series, newest.basis, position)
    found = factors(bars, known.actions, newest.basis)
    return {day: factor for day, factor in found.items() if known.since is not None and day >= known.since}
