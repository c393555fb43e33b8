"""Adjusted prices, derived from the actions that are known and never taken from a provider. Pure and exact.

The factor of a session is the product, over the later days on which rights changed, of the exchange's own ex-price over
the last close before the day, `C`: `(C + S·Z - D - V) / (C · (R + S))`, where
- `D` is all cash of that day together, per share of the day before, `V` the value of paper that was delivered;
- `R` is how many shares one became, by the splits, bonuses and groupings of that day together. A split-adjusted series
  carries its provider's splits already, and nothing else;
- `S` new shares at `Z` each are what a share had the right to subscribe, where `Z` is below `C`.

Which actions those are the witnesses of a ticker decide together, as `projections.actions.witnessed` has it; payments
are brought onto the basis of the series. What has no known size ends the series: no session before it has a factor.

Source: docs/validation.md, "Adjusted prices".
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import groupby
from math import prod
from operator import attrgetter
from typing import Literal

import msgspec
from msgspec.structs import replace

from ledger.events import AMOUNTS_PER_MICRO
from ledger.ingest.providers import registry
from ledger.ingest.rules.actions import CURRENCY
from ledger.market.price import MICROS_PER_REAL
from ledger.market.series import Series
from ledger.values import Action, ActionKind, Bar, Basis
from projections.actions.taped import tape
from projections.actions.witnessed import FAMILIES, ToldActions, WitnessedAction, counted, ratio, witnessed
from projections.fold.tables import State, Tables
from projections.models import decisions, prices
from projections.queries.bar_fields import PRICES

ONE = Fraction(1)
AdjustmentScope = Literal["splits", "all"]

_date = attrgetter("ex_date")


def factors(
    bars: Mapping[date, Bar], actions: Iterable[Action], basis: Basis, scope: AdjustmentScope = "all"
) -> dict[date, Fraction]:
    """Return the exact factor of every session, in order of days; the last one's is 1 unless an action follows it.

    A payment of nothing, or of the whole close before it or more, cannot be adjusted for and is left out: rule
    EVENT flags it. So is one with no session before it. O(n log n) in sessions and actions.
    """
    days = sorted(bars)
    steps: list[tuple[date, Fraction]] = []
    for day, on_day in groupby(sorted(actions, key=_date), key=_date):
        if earlier := bisect_left(days, day):
            steps.append((day, _step(list(on_day), bars[days[earlier - 1]].close, basis, scope)))
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
    # Whole numbers divide to the nearest double too, and a product of fractions is brought to lowest terms first.
    return micros * factor.numerator / (factor.denominator * MICROS_PER_REAL)


def adjusted_fields(bar: Bar, factor: Fraction | None) -> dict[str, float | None]:
    """Return each price of `bar` times `factor` by its field in a row, None where no factor is known."""
    return {f"adj_{name}": None if factor is None else adjusted(getattr(bar, name), factor) for name in PRICES}


def adjusted_columns(bars: Sequence[Bar], by: Sequence[Fraction | None]) -> dict[str, list[float | None]]:
    """Return the factor of each of `bars`, and `adjusted_fields` of each, as columns; neighbours share factors."""
    scales: list[tuple[float, int, int] | None] = []
    last, scale = None, None
    for factor in by:
        if factor is not last:
            last = factor
            scale = None if factor is None else (float(factor), factor.numerator, factor.denominator * MICROS_PER_REAL)
        scales.append(scale)
    columns: dict[str, list[float | None]] = {"factor": [None if of is None else of[0] for of in scales]}
    for name in PRICES:
        micros = map(attrgetter(name), bars)
        columns[f"adj_{name}"] = [
            None if of is None else price * of[1] / of[2] for price, of in zip(micros, scales, strict=True)
        ]
    return columns


def adjusted_micros(micros: int, factor: Fraction) -> int:
    """Return a price times `factor` in millionths of a real, half to even."""
    return round(micros * factor)


def _step(actions: Sequence[Action], previous_close: int, basis: Basis, scope: AdjustmentScope) -> Fraction:
    """Return the factor of one day's actions; payments of one day are one payment."""
    shares = [one for one in actions if basis == "as_traded" or one.kind != "split"]
    became = ratio(shares)
    if scope == "splits":
        return 1 / became
    close = previous_close * AMOUNTS_PER_MICRO
    paid = sum(action.amount for action in actions if action.amount is not None and action.amount > 0)
    rights = [
        (Fraction(one.numerator, one.denominator), one.strike)
        for one in actions
        if one.kind == "subscription" and one.numerator and one.denominator and one.strike and one.strike < close
    ]
    new = sum((share for share, _ in rights), Fraction(0))
    worth = close + sum((share * strike for share, strike in rights), Fraction(0)) - (paid if 0 < paid < close else 0)
    return worth / (close * (became + new))


class AdjustmentRule(msgspec.Struct, frozen=True):
    """How prices are adjusted: for splits and their like alone or for all, by providers in which `order` of belief.

    Without an `order` in that of the registry.
    """

    scope: AdjustmentScope = "all"
    order: tuple[str, ...] = ()


AS_USUAL = AdjustmentRule()


class KnownActions(msgspec.Struct, frozen=True):
    """The actions that a series is adjusted by, on its own `basis`; before `since` they are not known (None: ever).

    `unsized` is the last one of no known size since somebody was asked; the series is adjusted from its day on.
    """

    basis: Basis
    actions: tuple[Action, ...] = ()
    since: date | None = None
    unsized: WitnessedAction | None = None

    def factors(self, bars: Mapping[date, Bar], scope: AdjustmentScope) -> dict[date, Fraction]:
        """Return what `factors` does, of the sessions of the series of which all actions are known."""
        if self.since is None:
            return {}
        found = factors(bars, self.actions, self.basis, scope)
        return {day: factor for day, factor in found.items() if day >= self.since}


def told(
    tables: Tables,
    ticker: str,
    position: int | None = None,
    order: Sequence[str] = (),
    *,
    providers: Collection[str] | None = None,
) -> list[ToldActions]:
    """Return what the ticker's providers tell of its actions, as traded, those of `order` first to be believed.

    Without an `order` in that of the registry; the sample's comes after them. `providers` are those that were judged,
    for who knows them already. Costs decisions.
    """
    judged = decisions.judged(tables, ticker) if providers is None else providers
    naming = {name for name in judged if registry.names_actions(name)}
    if not naming:
        return []
    found = []
    for name in dict.fromkeys((*(order or registry.action_names("real")), *registry.action_names("sample"))):
        if name in naming:
            actions = prices.actions(tables, Series(ticker, name), position)
            basis = registry.described(name).basis
            found.append(
                ToldActions(
                    provider=name,
                    actions=actions if basis == "as_traded" else _as_traded(actions),
                    withdraws=registry.described(name).withdraws_actions,
                    splits_alone=registry.has_sessions(name),
                )
            )
    return found


def known_actions(
    state: State, series: Series, basis: Basis, position: int | None = None, rule: AdjustmentRule = AS_USUAL
) -> KnownActions:
    """Return what is known of the actions of the series' ticker once `position` events are read (None: all).

    By all providers that tell of them, in the order of `rule` (see `told`), and by the exchange's own count of changes
    of rights: one that nobody names is of no known size. Costs their decisions, and the exchange's series.
    """
    return known_by(state, series, basis, told(state[prices.NAME], series.ticker, position, rule.order), position)


def known_by(
    state: State, series: Series, basis: Basis, witnesses: Sequence[ToldActions], position: int | None = None
) -> KnownActions:
    """Return what `known_actions` does of a series whose ticker's actions are as these `witnesses` told of them."""
    tables = state[prices.NAME]
    known = asked(tables, series.ticker, witnesses, position, whole=series.provider)
    if not known:
        return KnownActions(basis)
    rows = witnessed(witnesses, tape(state, series.ticker, position))
    ends = (row for row in rows if row.state == "unsized" and row.ex_date > min(known))
    unsized = max(ends, key=lambda row: row.ex_date, default=None)
    since = min(known) if unsized is None else unsized.ex_date
    own = prices.actions(tables, series, position) if registry.names_actions(series.provider) else ()
    actions = counted(rows) if basis == "as_traded" else _onto_adjusted(rows, series.provider, own)
    return KnownActions(basis, actions, since, unsized)


def asked(
    tables: Tables, ticker: str, told: Iterable[ToldActions], position: int | None = None, *, whole: str = ""
) -> list[date]:
    """Return the first day that each of those who told of the ticker's actions was asked about.

    Of who gives all that there is, as lists without prices do, and of the provider `whole`, the first day of all.
    """
    return [
        date.min if one.provider == whole or not registry.has_sessions(one.provider) else first
        for one in told
        if (first := _first_asked(tables, Series(ticker, one.provider), position)) is not None
    ]


def _first_asked(tables: Tables, series: Series, position: int | None) -> date | None:
    accepted = (one.window.start for one in decisions.decisions(tables, series, position) if one.accepted)
    return min(accepted, default=None)


def _onto_adjusted(rows: Sequence[WitnessedAction], provider: str, own: Sequence[Action]) -> tuple[Action, ...]:
    """Return the actions that count on the basis of a provider that adjusts for splits, its `own` among them.

    What it tells itself is taken as it told it. Of shares only what its splits have not made of them is left.
    """
    splits = [one for one in own if one.kind == "split" and one.numerator and one.denominator]
    found: list[Action] = []
    for row in rows:
        if row.family == "shares":
            continue
        if row.provider == provider:
            days = {one.ex_date for one in row.actions}
            found += [one for one in own if one.ex_date in days and FAMILIES[one.kind] == row.family]
            continue
        since = prod(
            (Fraction(one.denominator or 1, one.numerator or 1) for one in splits if one.ex_date >= row.ex_date),
            start=ONE,
        )
        found += [
            replace(
                one,
                amount=None if one.amount is None else round(one.amount * since),
                strike=None if one.strike is None else round(one.strike * since),
            )
            for one in row.actions
        ]
    return tuple(sorted((*found, *splits, *_left(rows, splits)), key=_date))


def _left(rows: Sequence[WitnessedAction], splits: Sequence[Action]) -> Iterator[Action]:
    """Yield what the `splits` that a series is adjusted for have not made of its shares, day by day."""
    wanted = {row.ex_date: ratio(row.actions) for row in rows if row.family == "shares"}
    for day in sorted(wanted.keys() | {one.ex_date for one in splits}):
        left = wanted.get(day, ONE) / ratio([one for one in splits if one.ex_date == day])
        if left != ONE:
            # No split, which this series would be taken to have in it already.
            kind: ActionKind = "bonus" if left > 1 else "grouping"
            yield Action(day, kind, None, left.numerator, left.denominator, CURRENCY)


def _as_traded(told: Sequence[Action]) -> tuple[Action, ...]:
    """Return actions that were adjusted for splits as they were: payments per share of the day before each."""
    splits = [one for one in told if one.kind == "split" and one.numerator and one.denominator]
    found = []
    for action in told:
        since = (Fraction(one.numerator or 1, one.denominator or 1) for one in splits if one.ex_date >= action.ex_date)
        amount = None if action.amount is None else round(action.amount * prod(since, start=ONE))
        found.append(replace(action, amount=amount))
    return tuple(found)


def held_factors(
    state: State, series: Series, position: int | None = None, rule: AdjustmentRule = AS_USUAL
) -> dict[date, Fraction]:
    """Return the factor of each session held once `position` events are read (None: all), in order of days.

    Sessions of which not all is known have none. Costs the series' versions, and the decisions on its ticker.
    """
    newest = decisions.newest(state[prices.NAME], series)
    bars = prices.bars(state[prices.NAME], series, position)
    if newest is None or not bars:
        return {}
    return known_actions(state, series, newest.basis, position, rule).factors(bars, rule.scope)
