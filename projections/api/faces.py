"""The faces of a row, each derived from the annotations of its one struct: Python, JSON, columns, and their schemas."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, cast, overload

import msgspec

from projections.models.units import fields

if TYPE_CHECKING:
    from projections.api.columns import Columns

RowT = TypeVar("RowT", bound=msgspec.Struct)


class JsonFace(msgspec.Struct, frozen=True):
    """What one type of row is in JSON: a struct, and for each of its fields how its value is converted."""

    struct: type[msgspec.Struct]
    converters: tuple[tuple[str, Callable[[Any], Any] | None], ...]


class HeldRows(Sequence[RowT]):
    """Rows of one type as columns of values as the ledger holds them, one per field; a row is made when asked for.

    What a column is in Python and in JSON is worked out of its distinct values, since prices come again and again: what
    is equal has to be the same, as numbers, texts and days are, and decimals with other places are not.
    """

    def __init__(self, row_type: type[RowT], held: Mapping[str, Sequence[Any]]) -> None:
        self.row_type, self.held = row_type, held
        self._units = {field.name: field.unit for field in fields(row_type)}

    def __len__(self) -> int:
        return len(next(iter(self.held.values())))

    @overload
    def __getitem__(self, place: int) -> RowT: ...

    @overload
    def __getitem__(self, place: slice) -> "HeldRows[RowT]": ...

    def __getitem__(self, place: int | slice) -> "RowT | HeldRows[RowT]":
        values = {name: column[place] for name, column in self.held.items()}
        return HeldRows(self.row_type, values) if isinstance(place, slice) else to_python(self.row_type, **values)

    def __iter__(self) -> Iterator[RowT]:
        names = tuple(self.held)
        for values in zip(*map(self.python, names), strict=True):
            yield self.row_type(**dict(zip(names, values, strict=True)))

    def python(self, name: str) -> Sequence[Any]:
        """Return the field `name` of every row as Python has it."""
        unit, values = self._units[name], self.held[name]
        return _converted(values, unit.to_python) if unit else values

    def json(self, name: str) -> Sequence[Any]:
        """Return the field `name` of every row as JSON has it."""
        unit, values = self._units[name], self.held[name]
        return _converted(values, lambda value: unit.to_json(unit.to_python(value))) if unit else values


def _converted(values: Sequence[Any], convert: Callable[[Any], Any]) -> list[Any]:
    known = {value: convert(value) for value in set(values) if value is not None}
    return [known.get(value) for value in values]


def row_type_of(rows: Sequence[Any]) -> type[msgspec.Struct]:
    """Return the type of rows, which are all of one; there is at least one."""
    return rows.row_type if isinstance(rows, HeldRows) else type(rows[0])


def python_column(rows: Sequence[Any], name: str) -> Sequence[Any]:
    """Return one field of every row as Python has it."""
    return rows.python(name) if isinstance(rows, HeldRows) else [getattr(row, name) for row in rows]


def json_column(rows: Sequence[Any], name: str) -> Sequence[Any]:
    """Return one field of every row as JSON has it."""
    if isinstance(rows, HeldRows):
        return rows.json(name)
    unit = next(one.unit for one in fields(row_type_of(rows)) if one.name == name) if rows else None
    values = python_column(rows, name)
    return [None if value is None else unit.to_json(value) for value in values] if unit else values


def with_columns(rows: Sequence[Any], row_type: type[RowT], columns: Mapping[str, Sequence[Any]]) -> Sequence[RowT]:
    """Return the rows with further fields, which `columns` are: rows of a type that has them too, and without units."""
    if isinstance(rows, HeldRows):
        return HeldRows(row_type, {**rows.held, **columns})
    further = zip(*columns.values(), strict=True)
    return [
        row_type(**msgspec.structs.asdict(row), **dict(zip(columns, values, strict=True)))
        for row, values in zip(rows, further, strict=True)
    ]


def joined(parts: Sequence[Sequence[RowT]]) -> Sequence[RowT]:
    """Return the rows of all `parts`, which are of one type, one after another."""
    if not parts or not all(isinstance(one, HeldRows) for one in parts):
        return list(chain.from_iterable(parts))
    held = cast("Sequence[HeldRows[RowT]]", parts)
    names = tuple(held[0].held)
    columns = {name: list(chain.from_iterable(one.held[name] for one in held)) for name in names}
    return HeldRows(held[0].row_type, columns)


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


def each_to_json(rows: Iterable[Any]) -> Iterator[Any]:
    """Return what `to_json` does of each row."""
    if isinstance(rows, HeldRows):
        row_type: type[msgspec.Struct] = rows.row_type
        if (face := json_face(row_type)) is not None:
            return map(face.struct, *(rows.json(name) for name, _ in face.converters))
    return map(to_json, rows)


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
