"""The units in which rows count: what the ledger holds of a value, what Python gets of it, and what JSON prints. Pure.

A row is declared once, in the types of Python, each field annotated with its unit; `projections.api.faces` derives
everything else that is made of the row from these annotations.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from functools import cache
from types import NoneType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from ledger import ids
from ledger.market.price import MICROS_PER_CENTAVO, amount_text, price_text

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
_CENTAVOS = Context(prec=28)


class Unit(msgspec.Struct, frozen=True):
    """How one kind of value passes from the ledger into Python, and from there into JSON as a `json_type`."""

    json_type: Any
    to_python: Callable[[Any], Any]
    to_json: Callable[[Any], Any]


class Hidden(msgspec.Struct, frozen=True):
    """Marks a field that Python and columns have and JSON lacks."""


def as_held(value: Any) -> Any:
    """Return `value`: what the ledger holds is what is wanted."""
    return value


def reais(micros: int) -> Decimal:
    """Return a price in reais, exactly, whatever the caller's context of decimals."""
    # 37.50, as in a snapshot, and not 37.500000. By way of its text, which takes three times as long, where it is none
    # of whole centavos.
    centavos, finer = divmod(micros, MICROS_PER_CENTAVO)
    return Decimal(price_text(micros)) if finer else _CENTAVOS.scaleb(centavos, -2)


def reais_paid(amount: int) -> Decimal:
    """Return an amount per share in reais, exactly."""
    return Decimal(amount_text(amount))


def number(quantity: Decimal) -> float | int:
    """Return whole shares as an int, and a price as the nearest double; a price always has decimal places."""
    return float(quantity) if quantity.as_tuple().exponent else int(quantity)


def instant(at_us: int) -> datetime:
    """Return the aware time of microseconds UTC."""
    # Integer steps from the epoch: fromtimestamp would go through a float and lose microseconds.
    return EPOCH + at_us * MICROSECOND


def exact_text(at: datetime) -> str:
    """Return `2026-02-15T12:34:56.789012Z`."""
    return f"{at.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def second_text(at: datetime) -> str:
    """Return `2026-02-15T12:34:56Z`, the fraction of the second cut off."""
    return f"{at.replace(tzinfo=None).isoformat(timespec='seconds')}Z"


def second_text_us(at_us: int) -> str:
    """Return `second_text` of microseconds UTC."""
    return second_text(instant(at_us))


HIDDEN_IN_JSON = Hidden()

# A price: millionths of a real in the ledger, exact in Python, the nearest double in JSON.
Reais = Annotated[Decimal, Unit(float, reais, float)]
# What a share pays: 10^-12 of a real in the ledger, exact in Python, the nearest double in JSON.
PerShare = Annotated[Decimal, Unit(float, reais_paid, float)]
# The value of a bar's field: a price, or a number of shares; the maker of the row knows which.
Quantity = Annotated[Decimal, Unit(float | int, as_held, number)]
# Microseconds UTC in the ledger, an aware time in Python, text in JSON.
Instant = Annotated[datetime, Unit(str, instant, exact_text)]
# The same by the clock of a job, which JSON prints to the second.
JobInstant = Annotated[datetime, Unit(str, instant, second_text)]
# Microseconds UTC of a row that only commands print: reckoned with as they are held.
InstantUs = Annotated[int, Unit(str, as_held, second_text_us)]
# Sixteen bytes in the ledger, their text elsewhere.
JobId = Annotated[str, Unit(str, ids.text, as_held)]


class Field(msgspec.Struct, frozen=True):
    """One field of a row; `core` is its type without unit and None."""

    name: str
    core: Any
    optional: bool
    unit: Unit | None
    hidden: bool

    @property
    def kind(self) -> type:
        """The plain type of its values."""
        kind: type = str if get_origin(self.core) is Literal else self.core
        return kind

    def with_none(self, kind: Any) -> Any:
        """Return the type of this field where a value of it is a `kind`."""
        return kind | None if self.optional else kind


@cache
def fields(row_type: type[msgspec.Struct]) -> tuple[Field, ...]:
    """Return the fields of a row, in order."""
    found = []
    for one in msgspec.structs.fields(row_type):
        optional = NoneType in get_args(one.type)
        # `X | None` with an annotated X, then an annotated X alone.
        core = Union[tuple(set(get_args(one.type)) - {NoneType})] if optional else one.type  # noqa: UP007 - of a tuple
        core, *marks = get_args(core) if get_origin(core) is Annotated else (core,)
        unit = next((mark for mark in marks if isinstance(mark, Unit)), None)
        hidden = any(isinstance(mark, Hidden) for mark in marks)
        found.append(Field(one.name, core, optional, unit, hidden))
    return tuple(found)
