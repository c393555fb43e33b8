"""Rows of one type as columns, and as the tables of other libraries, which are imported when asked for."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from types import NoneType
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin

import msgspec

from projections.api import extras

Row_co = TypeVar("Row_co", bound=msgspec.Struct, covariant=True)


class Columns(Generic[Row_co]):
    """A table: a column a field of its rows, which are all of one type.

    Prices are exact `Decimal` reais in rows and columns; other libraries get the doubles nearest to them.
    Days are dates, times are aware and UTC, seqs and numbers of shares are ints, of 64 bits elsewhere.
    """

    def __init__(self, row_type: type[Row_co], rows: Iterable[Row_co]) -> None:
        self._rows = tuple(rows)
        self._types = {field.name: field.type for field in msgspec.structs.fields(row_type)}

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(self._types)

    @cached_property
    def columns(self) -> dict[str, tuple[Any, ...]]:
        """Every column by its name."""
        return {name: tuple(getattr(row, name) for row in self._rows) for name in self._types}

    def rows(self) -> tuple[Row_co, ...]:
        """Return the rows, typed."""
        return self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        return self.columns[name]

    def __repr__(self) -> str:
        return f"<{len(self)} rows of {', '.join(self.names)}>"

    def to_arrow(self) -> Any:
        """Return a `pyarrow.Table`: date32, timestamp[us, UTC], double, int64, bool and string columns.

        Raises: MissingExtraError without pyarrow.
        """
        arrow: Any = extras.load("pyarrow", extra="parquet")
        kinds = {
            bool: arrow.bool_(),
            date: arrow.date32(),
            datetime: arrow.timestamp("us", tz="UTC"),
            Decimal: arrow.float64(),
            float: arrow.float64(),
            int: arrow.int64(),
            str: arrow.string(),
        }
        schema = arrow.schema([(name, kinds[_kind(annotation)]) for name, annotation in self._types.items()])
        return arrow.table(self._plain(), schema=schema)

    def to_pandas(self) -> Any:
        """Return a `pandas.DataFrame`; days are datetime64, and ints of a column that may lack some are `Int64`.

        Raises: MissingExtraError without pandas.
        """
        pandas: Any = extras.load("pandas", extra="pandas")
        columns = self._plain()
        return pandas.DataFrame(
            {name: pandas.Series(columns[name], dtype=_pandas(annotation)) for name, annotation in self._types.items()}
        )

    def to_polars(self) -> Any:
        """Return a `polars.DataFrame`: Date, Datetime[us, UTC], Float64, Int64, Boolean and String columns.

        Raises: MissingExtraError without polars.
        """
        polars: Any = extras.load("polars", extra="polars")
        kinds = {
            bool: polars.Boolean,
            date: polars.Date,
            datetime: polars.Datetime("us", "UTC"),
            Decimal: polars.Float64,
            float: polars.Float64,
            int: polars.Int64,
            str: polars.String,
        }
        schema = {name: kinds[_kind(annotation)] for name, annotation in self._types.items()}
        return polars.DataFrame(self._plain(), schema=schema)

    def _plain(self) -> dict[str, list[Any]]:
        """Return the columns with a double for each price: no other library reckons with decimals at full speed."""
        return {
            name: _doubles(values) if _kind(self._types[name]) is Decimal else list(values)
            for name, values in self.columns.items()
        }


def _doubles(prices: Iterable[Decimal | None]) -> list[float | None]:
    return [None if price is None else float(price) for price in prices]


def _kind(annotation: Any) -> type:
    """Return the one type of a column's values, those that are missing aside."""
    if get_origin(annotation) is Literal:
        return str
    kinds = [_kind(one) for one in get_args(annotation) if one is not NoneType] or [annotation]
    (kind,) = set(kinds)
    found: type = kind
    return found


def _pandas(annotation: Any) -> str:
    optional = NoneType in get_args(annotation)
    names = {
        bool: "boolean" if optional else "bool",
        date: "datetime64[us]",
        datetime: "datetime64[us, UTC]",
        Decimal: "float64",
        float: "float64",
        int: "Int64" if optional else "int64",
        str: "str",
    }
    return names[_kind(annotation)]
