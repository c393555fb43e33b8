"""Two providers' prices of one ticker held against each other, session by session, on one basis. Pure and exact.

Dividends do not matter: the prices compared are those that were traded. Splits do: a series as traded is brought onto
the basis of the other one by the splits that the other one knows, since it is adjusted for those and no others.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import product
from typing import Literal

import msgspec

from ledger.events import Action, Bar, Basis
from projections.queries.adjusted import ONE, factors

Field = Literal["open", "high", "low", "close"]
FIELDS: tuple[Field, ...] = ("open", "high", "low", "close")
TOLERANCE_MICROS = 10_000  # a centavo


Scale = Mapping[date, Fraction]  # what a session's prices are to be multiplied by, where that is not 1


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A ticker as one provider tells it."""

    bars: Mapping[date, Bar]
    actions: Sequence[Action]
    basis: Basis


class Difference(msgspec.Struct, frozen=True, kw_only=True):
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
    differences: tuple[Difference, ...]

    @property
    def agreeing(self) -> int:
        """How many sessions agree in every field."""
        return len(self.both) - len(self.differing)


def compare(
    a: Told,
    b: Told,
    *,
    start: date | None = None,
    end: date | None = None,
    fields: Sequence[Field] = ("close",),
    tolerance_micros: int = TOLERANCE_MICROS,
) -> Comparison:
    """Return how `a` and `b` agree from `start` to `end`, both inclusive.

    Prices further apart than the tolerance differ. O(sessions + splits).
    """
    of_a, of_b = _scales(a, b)
    days_a, days_b = (_days(one.bars, start, end) for one in (a, b))
    found: list[Difference] = []
    for day, field in product(sorted(days_a & days_b), fields):
        price_a = getattr(a.bars[day], field) * of_a.get(day, ONE)
        price_b = getattr(b.bars[day], field) * of_b.get(day, ONE)
        if abs(price_a - price_b) > tolerance_micros:
            found.append(_difference(day, field, price_a, price_b))
    return Comparison(
        both=tuple(sorted(days_a & days_b)),
        differing=tuple(sorted({difference.date for difference in found})),
        only_a=tuple(sorted(days_a - days_b)),
        only_b=tuple(sorted(days_b - days_a)),
        differences=tuple(sorted(found, key=lambda one: (-one.apart, one.date, one.field))),
    )


def _scales(a: Told, b: Told) -> tuple[Scale, Scale]:
    """Return what each session's prices are to be multiplied by, where that is not 1."""
    if a.basis == b.basis:
        return {}, {}
    return _onto(a, b), _onto(b, a)


def _onto(told: Told, other: Told) -> Scale:
    if told.basis != "as_traded":
        return {}
    splits = [action for action in other.actions if action.kind == "split"]
    return factors(told.bars, splits, told.basis)


def _days(bars: Mapping[date, Bar], start: date | None, end: date | None) -> set[date]:
    return {day for day in bars if (start is None or start <= day) and (end is None or day <= end)}


def _difference(day: date, field: Field, a: Fraction, b: Fraction) -> Difference:
    return Difference(date=day, field=field, a=round(a), b=round(b), apart=round(abs(a - b)))
