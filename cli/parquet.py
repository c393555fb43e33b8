"""Rows as a Parquet file, by pyarrow."""

from collections.abc import Sequence
from datetime import date
from types import NoneType
from typing import Any, get_args

import msgspec

from projections import extras

EXTRA = "parquet"


def render(rows: Sequence[msgspec.Struct], row_type: type[msgspec.Struct]) -> bytes:
    """Return a file of `rows`, a column a field; days are date32, prices doubles, numbers of shares 64-bit integers.

    Raises: MissingExtraError without pyarrow.
    """
    arrow: Any = extras.load("pyarrow", extra=EXTRA)
    parquet: Any = extras.load("pyarrow.parquet", extra=EXTRA)
    fields = msgspec.structs.fields(row_type)
    schema = arrow.schema([(field.name, _column_type(arrow, field.type)) for field in fields])
    columns = {field.name: [getattr(row, field.name) for row in rows] for field in fields}
    sink = arrow.BufferOutputStream()
    parquet.write_table(arrow.table(columns, schema=schema), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _column_type(arrow: Any, annotation: Any) -> Any:
    """Return the column type of a field; every column may hold nulls."""
    columns = {
        bool: arrow.bool_(),
        date: arrow.date32(),
        float: arrow.float64(),
        int: arrow.int64(),
        str: arrow.string(),
    }
    (kind,) = set(get_args(annotation) or (annotation,)) - {NoneType}
    return columns[kind]
