"""Two providers' prices of one ticker compared, session by session, on one basis. Pure and exact.

Dividends do not matter: the prices compared are those that were traded. Splits do: a series as traded is brought onto
the basis of the other one by the splits that the other one knows, since it is adjusted for those and no others.

Prices were traded in centavos, so that is how near two providers can come on the basis of what was traded: a centavo
then is less than one on a basis since divided by a split. Where a price is not known as it was traded, or was below ten
centavos, they are held to their ratio. So are volumes, which a split multiplies, and a provider's own adjusted closes
beside those that the other one's closes are adjusted to here: adjusted closes are known up to a common factor, that of
the newest session, since a provider may adjust for what came after.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import product
from typing import Literal

import msgspec

from ledger.values import Action, Bar, Basis
from projections.queries.adjusted import ONE, factors

Field = Literal["open", "high", "low", "close", "adj_close", "volume"]
FIELDS: tuple[Field, ...] = ("open", "high", "low", "close")
ADJUSTED: Field = "adj_close"
VOLUME: Field = "volume"
COMPARED: tuple[Field, ...] = (*FIELDS, ADJUSTED, VOLUME)
TOLERANCE_MICROS = 10_000  # a centavo
TOLERANCE_FROM_MICROS = 100_000  # ten centavos
TOLERANCE_RATIO = Fraction(1, 10_000)
HALF = Fraction(1, 2)


Scale = Mapping[date, Fraction]  # factors of sessions' prices, where they are not 1
Pairs = dict[date, tuple[Fraction, Fraction]]  # what both say of a session


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """A ticker's series as one provider reports it; `adjusted` are the factors of all that is known of its actions."""

    bars: Mapping[date, Bar]
    actions: Sequence[Action]
    basis: Basis
    adjusted: Scale = {}

    @property
    def has_adjusted(self) -> bool:
        """Whether the provider has adjusted closes of its own."""
        return any(bar.adj_close is not None for bar in self.bars.values())

    def days(self, start: date | None, end: date | None) -> set[date]:
        """Return the sessions from `start` to `end`, both inclusive; None is no bound."""
        return {day for day in self.bars if (start is None or start <= day) and (end is None or day <= end)}


class PriceDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One price on which two providers differ; millionths of a real on the basis compared, half to even.

    A volume is in shares; of adjusted closes ours is on the level of the provider's own.
    """

    date: date
    field: Field
    a: int
    b: int
    apart: int  # |a - b|


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """How two series agree; all but `differences` are days. `differences` come with the worst first."""

    both: tuple[date, ...]
    differing: tuple[date, ...]
    only_a: tuple[date, ...]
    only_b: tuple[date, ...]
    differences: tuple[PriceDifference, ...]

    @property
    def agreeing(self) -> int:
        """How many sessions agree in every field."""
        return len(self.both) - len(self.differing)


def compare(
    a: Reported,
    b: Reported,
    *,
    start: date | None = None,
    end: date | None = None,
    fields: Sequence[Field] = ("close",),
) -> Comparison:
    """Return how `a` and `b` agree from `start` to `end`, both inclusive.

    Prices further apart than a centavo as traded, or than 1 in 10,000, differ. O(sessions + splits).
    """
    of_a, of_b = _onto(a, b), _onto(b, a)
    days_a, days_b = a.days(start, end), b.days(start, end)
    both = sorted(days_a & days_b)
    found = list(_of_prices(a, b, (of_a, of_b), product(both, [field for field in fields if field in FIELDS])))
    for field, pairs in ((ADJUSTED, _adjusted(a, b)), (VOLUME, _volumes(a, b, of_a, of_b))):
        if field in fields:
            found += (
                PriceDifference(date=day, field=field, a=round(one), b=round(other), apart=round(abs(one - other)))
                for day, (one, other) in pairs.items()
                if day in days_a & days_b and abs(one - other) > max(TOLERANCE_RATIO * other, HALF)
            )
    return Comparison(
        both=tuple(both),
        differing=tuple(sorted({difference.date for difference in found})),
        only_a=tuple(sorted(days_a - days_b)),
        only_b=tuple(sorted(days_b - days_a)),
        differences=tuple(sorted(found, key=lambda one: (-one.apart, one.date, one.field))),
    )


def _of_prices(
    a: Reported, b: Reported, scales: tuple[Scale, Scale], wanted: Iterable[tuple[date, Field]]
) -> Iterator[PriceDifference]:
    of_a, of_b = scales
    for day, field in wanted:
        price_a = getattr(a.bars[day], field) * of_a.get(day, ONE)
        price_b = getattr(b.bars[day], field) * of_b.get(day, ONE)
        # By the one that is as traded, where one is.
        tolerances: list[Fraction] = []
        for one, scale in ((a, of_a), (b, of_b)):
            if one.basis == "as_traded":
                traded = getattr(one.bars[day], field)
                near = TOLERANCE_MICROS if traded >= TOLERANCE_FROM_MICROS else TOLERANCE_RATIO * traded
                # What it is compared with was rounded to a millionth.
                tolerances.append(max(scale.get(day, ONE) * near, HALF))
        if abs(price_a - price_b) > min(tolerances, default=TOLERANCE_RATIO * price_a):
            apart = round(abs(price_a - price_b))
            yield PriceDifference(date=day, field=field, a=round(price_a), b=round(price_b), apart=apart)


def _volumes(a: Reported, b: Reported, of_a: Scale, of_b: Scale) -> Pairs:
    """Return the shares of each session in both; a split that divides a price multiplies them."""
    return {
        day: (a.bars[day].volume / of_a.get(day, ONE), b.bars[day].volume / of_b.get(day, ONE))
        for day in a.bars.keys() & b.bars.keys()
    }


def _adjusted(a: Reported, b: Reported) -> Pairs:
    """Return a provider's adjusted close and ours, made of the other one's close, on its level; a's first."""
    own, other = (a, b) if a.has_adjusted else (b, a)
    both = {
        day: (Fraction(close), other.bars[day].close * other.adjusted[day])
        for day, bar in own.bars.items()
        if (close := bar.adj_close) and day in other.bars and day in other.adjusted
    }
    if not both:
        return {}
    theirs, ours = both[max(both)]
    level = theirs / ours
    found = {day: (theirs, ours * level) for day, (theirs, ours) in both.items()}
    return found if own is a else {day: (ours, theirs) for day, (theirs, ours) in found.items()}


def _onto(one: Reported, other: Reported) -> Scale:
    """Return what the prices of `one` are to be multiplied by to be on the basis of `other`."""
    if one.basis == other.basis or one.basis != "as_traded":
        return {}
    splits = [action for action in other.actions if action.kind == "split"]
    return factors(one.bars, splits, one.basis)
