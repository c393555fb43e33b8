"""The faces of a row, each derived from the annotations of its one struct: Python, JSON, columns, and their schemas."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from projections.models.units import fields

if TYPE_CHECKING:
    from projections.api.columns import Columns

RowT = TypeVar("RowT", bound=msgspec.Struct)


class JsonFace(msgspec.Struct, frozen=True):
    """What one type of row is in JSON: a struct, and for each of its fields how its value is converted."""

    struct: type[msgspec.Struct]
    converters: tuple[tuple[str, Callable[[Any], Any] | None], ...]


def to_python(row_type: type[RowT], **held: Any) -> RowT:
    """Return the row of values as the ledger holds them: millionths, microseconds, bytes of an id."""
    for name, convert in from_held(row_type):
        if (value := held[name]) is not None:
            held[name] = convert(value)
    return row_type(**held)


def to_json(row: Any) -> Any:
    """Return what is encoded as the JSON of `row`: its `json_type`, or itself where no field has a unit."""
    face = json_face(type(row)) if isinstance(row, msgspec.Struct) else None
    if face is None:
        return row
    cells = []
    for name, convert in face.converters:
        value = getattr(row, name)
        cells.append(value if convert is None or value is None else convert(value))
    return face.struct(*cells)


def to_columns(row_type: type[RowT], rows: Iterable[RowT], names: Sequence[str] | None = None) -> "Columns[RowT]":
    """Return the rows as a table of the columns `names`, in that order; None: one per field."""
    # Imported here: commands that print rows make no table of them.
    from projections.api.columns import Columns

    return Columns(row_type, rows, names)


@cache
def from_held(row_type: type[msgspec.Struct]) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
    """Return the fields of a row that have a unit, each with what makes its value of what the ledger holds."""
    return tuple((field.name, field.unit.to_python) for field in fields(row_type) if field.unit)


@cache
def json_face(row_type: type[msgspec.Struct]) -> JsonFace | None:
    """Return how a row becomes JSON, None for one that is encoded as it is."""
    declared = fields(row_type)
    if not any(field.unit or field.hidden for field in declared):
        return None
    converters = tuple((one.name, one.unit.to_json if one.unit else None) for one in declared if not one.hidden)
    return JsonFace(json_type(row_type), converters)


def json_type(row_type: type[msgspec.Struct], title: str | None = None) -> type[msgspec.Struct]:
    """Return the struct of a row in JSON, under the name `title` (None: the row's own), which its schema gives."""
    types = [
        (one.name, one.with_none(one.unit.json_type if one.unit else one.core))
        for one in fields(row_type)
        if not one.hidden
    ]
    return msgspec.defstruct(title or row_type.__name__, types, namespace={"__doc__": row_type.__doc__}, frozen=True)


def column_type(row_type: type[msgspec.Struct], title: str, names: Sequence[str], doc: str) -> type[msgspec.Struct]:
    """Return the struct of the columns `names` of a row, as other libraries have them: a double for each price."""
    found = {field.name: field for field in fields(row_type)}
    types = [
        (name, found[name].with_none(float if found[name].core is Decimal else found[name].core)) for name in names
    ]
    return msgspec.defstruct(title, types, namespace={"__doc__": doc}, frozen=True)
