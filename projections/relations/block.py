"""Some rows of a relation as columns of numpy, which Arrow takes over as they are."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from projections.api import extras
from projections.api.columns import arrow_schema
from projections.models.bar_columns import EPOCH_ORDINAL, Flags, Ints
from projections.models.units import fields, instant

MICROS = 1_000_000
EXACT = 2**53  # integers below it are doubles


class Cells(NamedTuple):
    """The values of one field: doubles, integers, days since 1970-01-01, microseconds UTC, or which of `words`.

    None where `missing`.
    """

    values: NDArray[Any]
    missing: Flags | None = None
    words: Sequence[str] | None = None


class Block:
    """Rows of `row_type`, by the columns `names` (None: all of its fields)."""

    def __init__(
        self, row_type: type[msgspec.Struct], columns: dict[str, Cells], names: Sequence[str] | None = None
    ) -> None:
        declared = {field.name: field for field in fields(row_type)}
        self._row_type = row_type
        self.names = tuple(declared if names is None else names)
        self.columns = {name: columns[name] for name in self.names}
        self._kinds = {name: declared[name].kind for name in self.names}

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())).values)

    def taken(self, rows: Ints | slice) -> "Block":
        """Return these rows of it."""
        return Block(
            self._row_type,
            {
                name: Cells(one.values[rows], None if one.missing is None else one.missing[rows], one.words)
                for name, one in self.columns.items()
            },
            self.names,
        )

    def only(self, names: Sequence[str]) -> "Block":
        """Return these columns of it."""
        return Block(self._row_type, self.columns, names)

    def to_arrow(self) -> Any:
        """Return a `pyarrow.Table`, as `Columns.to_arrow` makes it of rows.

        Raises: MissingExtraError without pyarrow.
        """
        arrow: Any = extras.load("pyarrow", extra="parquet")
        schema = arrow_schema(self._row_type, self.names)
        arrays = [_array(arrow, kind, cells) for kind, cells in zip(schema.types, self.columns.values(), strict=True)]
        return arrow.table(arrays, schema=schema)

    def plain(self) -> dict[str, list[Any]]:
        """Return what `Columns.plain` does: the values in lists, None where one is missing."""
        return {name: self._listed(name) for name in self.names}

    def _listed(self, name: str) -> list[Any]:
        values, missing, words = self.columns[name]
        found: list[Any] = values.tolist()
        kind = self._kinds[name]
        if words is not None:
            found = [words[number] for number in found]
        elif kind is date:
            found = [date.fromordinal(day + EPOCH_ORDINAL) for day in found]
        elif kind is datetime:
            found = [instant(at_us).astimezone(UTC) for at_us in found]
        if missing is not None:
            found = [None if none else value for value, none in zip(found, missing.tolist(), strict=True)]
        return found


def _array(arrow: Any, kind: Any, cells: Cells) -> Any:
    """Return the cells as an array of Arrow's, which takes their memory over."""
    values, missing, words = cells
    if words is not None:
        codes = _array(arrow, arrow.int64(), Cells(values, missing))
        return arrow.DictionaryArray.from_arrays(codes, arrow.array(words, kind)).cast(kind)
    if arrow.types.is_date32(kind):
        values = values.astype(np.int32)
    # A bit for each value that is there, the first of them the lowest.
    there = None if missing is None else arrow.py_buffer(np.packbits(~missing, bitorder="little"))
    return arrow.Array.from_buffers(kind, len(values), [there, arrow.py_buffer(np.ascontiguousarray(values))])


def reais(micros: Ints) -> NDArray[np.float64]:
    """Return the double nearest to each price of so many millionths of a real."""
    if not len(micros) or (micros.max() < EXACT and micros.min() > -EXACT):
        # Both sides are doubles exactly, so their quotient is the double nearest to the price.
        found: NDArray[np.float64] = micros / MICROS
        return found
    return np.array([value / MICROS for value in micros.tolist()])
