"""Two providers' prices of one ticker compared, session by session, on one basis. Pure and exact.

Dividends do not matter: the prices compared are those that were traded. Splits do: a series as traded is brought onto
the basis of the other one by the splits that the other one knows, since it is adjusted for those and no others.

Prices were traded in centavos, so that is how near two providers can come on the basis of what was traded: a centavo
then is less than one on a basis since divided by a split. Where a price is not known as it was traded, or was below ten
centavos, they are held to their ratio.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import product
from typing import Literal

import msgspec

from ledger.values import Action, Bar, Basis
from projections.queries.adjusted import ONE, factors

Field = Literal["open", "high", "low", "close"]
FIELDS: tuple[Field, ...] = ("open", "high", "low", "close")
TOLERANCE_MICROS = 10_000  # a centavo
TOLERANCE_FROM_MICROS = 100_000  # ten centavos
TOLERANCE_RATIO = Fraction(1, 10_000)
HALF = Fraction(1, 2)


Scale = Mapping[date, Fraction]  # factors of sessions' prices, where they are not 1


class Reported(msgspec.Struct, frozen=True, kw_only=True):
    """A ticker's series as one provider reports it."""

    bars: Mapping[date, Bar]
    actions: Sequence[Action]
    basis: Basis

    def days(self, start: date | None, end: date | None) -> set[date]:
        """Return the sessions from `start` to `end`, both inclusive; None is no bound."""
        return {day for day in self.bars if (start is None or start <= day) and (end is None or day <= end)}


class PriceDifference(msgspec.Struct, frozen=True, kw_only=True):
    """One price on which two providers differ; millionths of a real on the basis compared, half to even."""

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
    found: list[PriceDifference] = []
    for day, field in product(sorted(days_a & days_b), fields):
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
            found.append(PriceDifference(date=day, field=field, a=round(price_a), b=round(price_b), apart=apart))
    return Comparison(
        both=tuple(sorted(days_a & days_b)),
        differing=tuple(sorted({difference.date for difference in found})),
        only_a=tuple(sorted(days_a - days_b)),
        only_b=tuple(sorted(days_b - days_a)),
        differences=tuple(sorted(found, key=lambda one: (-one.apart, one.date, one.field))),
    )


def _onto(one: Reported, other: Reported) -> Scale:
    """Return what the prices of `one` are to be multiplied by to be on the basis of `other`."""
    if one.basis == other.basis or one.basis != "as_traded":
        return {}
    splits = [action for action in other.actions if action.kind == "split"]
    return factors(one.bars, splits, one.basis)
