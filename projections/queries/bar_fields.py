"""The fields of a bar, and where two bars of a day differ. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Literal

import msgspec

from ledger.market.price import MICROS_PER_REAL
from ledger.values import Bar

PRICES = ("open", "high", "low", "close")
FIELDS = (*PRICES, "adj_close", "volume")
REPRESENTS_THE_BAR = "close"  # what is shown of a bar that came or went whole
VOLUME = "volume"

Cause = Literal["first", "correction", "rescale", "withdrawn"]  # why a field has another value


class FieldChange(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one day with another value; prices in millionths of a real.

    A day that only one side has is one change of its close, None on the other side.
    """

    date: date
    field: str
    old: int | None
    new: int | None


def field_number(field: str, value: int | None) -> float | int | None:
    """Return a bar's field as JSON has it: whole shares, or reais as the nearest double.

    That prints as the price's own decimal up to 15 digits.
    """
    return value if value is None or field == VOLUME else value / MICROS_PER_REAL


def relative(old: int | None, new: int | None) -> float | None:
    """Return new/old - 1, None where one is missing or old is 0."""
    return new / old - 1 if old and new is not None else None


def moved(old: Bar | None, new: Bar | None) -> Iterator[FieldChange]:
    """Yield the fields in which two bars of one day differ."""
    present = new or old
    if present is None or old == new:
        return
    names = FIELDS if old and new else (REPRESENTS_THE_BAR,)
    for name in names:
        before, after = _value(old, name), _value(new, name)
        if before != after:
            yield FieldChange(date=present.date, field=name, old=before, new=after)


def apart(old: Mapping[date, Bar], new: Mapping[date, Bar]) -> Iterator[FieldChange]:
    """Yield where two series differ, by day and then by field."""
    for day in sorted(old.keys() | new.keys()):
        yield from moved(old.get(day), new.get(day))


def _value(bar: Bar | None, name: str) -> int | None:
    value: int | None = None if bar is None else getattr(bar, name)
    return value
