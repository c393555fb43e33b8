"""The rows that a query selects, whatever their columns are."""

import io
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from cli.render import parquet
from cli.render import table as tables
from cli.render.renderers import Layout
from cli.render.table import TableColumn
from projections.models.units import exact_text

Row = dict[str, Any]
NO_VALUE = "-"


def rows(table: Any) -> Iterator[Row]:
    """Yield the rows of a `pyarrow.Table` as JSON has them, a column whose name stood before with a number behind."""
    named = table.rename_columns(names(table.column_names))
    for batch in named.to_batches():
        for row in batch.to_pylist():
            yield {name: plain(value) for name, value in row.items()}


def names(found: Iterable[str]) -> list[str]:
    """Return the names, each of them once: `n`, `n_1`, `n_2`."""
    taken: list[str] = []
    for name in found:
        fresh, number = name, 0
        while fresh in taken:
            number += 1
            fresh = f"{name}_{number}"
        taken.append(fresh)
    return taken


def plain(value: Any) -> Any:
    """Return a value of Arrow's as JSON has it: times in UTC with their Z, whole decimals as integers."""
    if isinstance(value, datetime):
        return value.isoformat() if value.tzinfo is None else exact_text(value.astimezone(UTC))
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def layout(table: Any, width: int | None) -> Layout[Row]:
    """Return how the rows of this table are printed, within `width` columns where that is a terminal's."""
    columns = names(table.column_names)
    return Layout(
        lines=partial(lines, columns) if width is None else partial(fitted, columns, width=width),
        csv_header=columns,
        csv_lines=lambda row: [[cell(value) for value in row.values()]],
    )


def cell(value: Any) -> Any:
    """Return a value as a cell of a CSV: what has parts as JSON, truth values as JSON's."""
    return msgspec.json.encode(value).decode() if isinstance(value, bool | dict | list) else value


def lines(columns: list[str], found: Iterable[Row]) -> Iterator[str]:
    """Yield a heading and a line per row, in columns as wide as what is in them; numbers to the right."""
    kept = [list(row.values()) for row in found]
    cells = [columns, *([NO_VALUE if value is None else str(value) for value in row] for row in kept)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = _numbers(columns, kept)
    for line in cells if kept else ():
        shown = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        )
        yield "  ".join(shown).rstrip()


def fitted(columns: list[str], found: Iterable[Row], *, width: int) -> Iterator[str]:
    """Yield what `lines` does, none wider than `width`; see `cli.render.table.lines`."""
    kept = [list(row.values()) for row in found]
    of_table = [
        TableColumn(name, partial(_text, number), is_number=to_right, is_cut=not to_right)
        for number, (name, to_right) in enumerate(zip(columns, _numbers(columns, kept), strict=True))
    ]
    return tables.lines(kept, of_table, width=width)


def _text(number: int, row: list[Any]) -> str:
    # A blank keeps a column of empty texts: the query named it.
    return NO_VALUE if row[number] is None else str(row[number]) or " "


def _numbers(columns: list[str], rows: list[list[Any]]) -> list[bool]:
    """Return of each column whether it has numbers, and nothing else."""
    return [
        any(values) and all(isinstance(value, int | float | None) and not isinstance(value, bool) for value in values)
        for values in ([row[number] for row in rows] for number in range(len(columns)))
    ]


def parquet_file(table: Any) -> bytes:
    """Return the file of a `pyarrow.Table`."""
    kept = KeptBytes()
    stream = parquet.Stream(kept)
    stream.write(table.rename_columns(names(table.column_names)))
    stream.close()
    return kept.getvalue()


class KeptBytes(io.BytesIO):
    """Bytes that are still there once the file is finished."""

    def close(self) -> None:
        """Do nothing."""
