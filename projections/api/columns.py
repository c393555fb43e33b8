"""Rows of one type as columns, and as the tables of other libraries, which are imported on demand."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from html import escape
from typing import Any, Generic, TypeVar

import msgspec

from projections.api import extras
from projections.api.faces import HeldRows, json_column, python_column
from projections.models.units import fields

ENDS = 5  # rows that a notebook shows of each end

Row_co = TypeVar("Row_co", bound=msgspec.Struct, covariant=True)


class Columns(Generic[Row_co]):
    """A table: one column per field of its rows, which are all of one type, or only the columns `names`.

    Prices are exact `Decimal` reais in rows and columns; other libraries get the doubles nearest to them.
    Days are dates, times are aware and UTC, seqs and numbers of shares are ints, of 64 bits elsewhere.
    """

    def __init__(self, row_type: type[Row_co], rows: Iterable[Row_co], names: Sequence[str] | None = None) -> None:
        self._row_type: type[Row_co] = row_type
        self._rows: Sequence[Row_co] = rows if isinstance(rows, HeldRows) else tuple(rows)
        declared = {field.name: field for field in fields(row_type)}
        self._fields = [declared[name] for name in (declared if names is None else names)]

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(field.name for field in self._fields)

    @cached_property
    def columns(self) -> dict[str, tuple[Any, ...]]:
        """Every column by its name."""
        return {name: tuple(python_column(self._rows, name)) for name in self.names}

    @cached_property
    def _made(self) -> tuple[Row_co, ...]:
        return tuple(self._rows)

    def rows(self) -> tuple[Row_co, ...]:
        """Return the rows, typed."""
        return self._made

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row_co]:
        return iter(self._made)

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        return self.columns[name]

    def __repr__(self) -> str:
        return f"<{len(self)} rows of {', '.join(self.names)}>"

    def _repr_html_(self) -> str:
        """Return the first and the last rows as a table, for a notebook that shows them."""
        shown = range(len(self._rows))
        left_out = max(len(shown) - 2 * ENDS, 0)
        heads = "".join(f"<th>{escape(name)}</th>" for name in self.names)
        lines = []
        for number in (*shown[:ENDS], *shown[max(ENDS, len(shown) - ENDS) :]):
            if left_out and number == len(shown) - ENDS:
                lines.append(f'<tr><td colspan="{len(self.names)}">… {left_out} more …</td></tr>')
            cells = (getattr(self._rows[number], name) for name in self.names)
            texts = ("" if one is None else escape(str(one)) for one in cells)
            lines.append(f"<tr>{''.join(f'<td>{text}</td>' for text in texts)}</tr>")
        table = f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
        return f"{table}<p>{len(self)} rows</p>"

    def to_arrow(self) -> Any:
        """Return a `pyarrow.Table`: date32, timestamp[us, UTC], double, int64, bool and string columns.

        Raises: MissingExtraError without pyarrow.
        """
        arrow: Any = extras.load("pyarrow", extra="parquet")
        return arrow.table(self.plain(), schema=arrow_schema(self._row_type, self.names))

    def to_pandas(self, *, index: bool = False, wide: bool | str = False) -> Any:
        """Return a `pandas.DataFrame`; days are datetime64, and ints of a column that may lack some are `Int64`.

        With `index` it is indexed by day (a `DatetimeIndex`). With `wide` too, and each ticker has columns of its own:
        of the one field that `wide` names, or, for True, of every price and the volume, under (field, ticker).

        Raises: MissingExtraError without pandas; ValueError where the rows have no day, or two of a ticker are of one.
        """
        frame = self._frame()
        if not (index or wide):
            return frame
        if "date" not in self.names:
            message = f"got rows of {', '.join(self.names)}, want some with a date to index them by"
            raise ValueError(message)
        if not wide:
            return frame.set_index("date")
        # Prices, volume and the like: not the number of an event.
        figures = [one.name for one in self._fields if one.kind in {Decimal, float} or one.name == "volume"]
        fields = [wide] if isinstance(wide, str) else figures
        if unknown := {*fields, "ticker"} - {*self.names}:
            message = f"got {', '.join(sorted(unknown))}, want one of {', '.join(self.names)}"
            raise ValueError(message)
        if frame.duplicated(["date", "ticker"]).any():
            raise ValueError("got two rows of a ticker on a day, want one to give each ticker its columns")
        found = frame.pivot(index="date", columns="ticker", values=fields[0] if isinstance(wide, str) else fields)
        return found if isinstance(wide, str) else found.rename_axis(columns=["field", "ticker"])

    def _frame(self) -> Any:
        pandas: Any = extras.load("pandas", extra="pandas")
        columns = self.plain()
        kinds = {
            bool: "bool",
            date: "datetime64[us]",
            datetime: "datetime64[us, UTC]",
            Decimal: "float64",
            float: "float64",
            int: "int64",
            str: "str",
        }
        with_none = {**kinds, bool: "boolean", int: "Int64"}
        dtypes = {field.name: (with_none if field.optional else kinds)[field.kind] for field in self._fields}
        return pandas.DataFrame({name: pandas.Series(columns[name], dtype=dtype) for name, dtype in dtypes.items()})

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
        schema = {field.name: kinds[field.kind] for field in self._fields}
        return polars.DataFrame(self.plain(), schema=schema)

    def plain(self) -> dict[str, list[Any]]:
        """Return the columns with a double for each price: no other library computes with decimals at full speed."""
        return {
            field.name: [None if value is None else float(value) for value in json_column(self._rows, field.name)]
            if field.core is Decimal
            else list(self.columns[field.name])
            for field in self._fields
        }


def arrow_schema(row_type: type[msgspec.Struct], names: Iterable[str]) -> Any:
    """Return the `pyarrow.Schema` of the columns `names` of a row.

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
    declared = {field.name: field.kind for field in fields(row_type)}
    return arrow.schema([(name, kinds[declared[name]]) for name in names])
