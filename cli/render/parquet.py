"""Rows as a Parquet file, by pyarrow."""

from collections.abc import Sequence
from typing import Any

import msgspec

from projections.api import extras
from projections.api.columns import Columns

EXTRA = "parquet"
COMPRESSION = "zstd"  # named, so that another default of pyarrow's gives no other bytes


def render(rows: Sequence[msgspec.Struct], row_type: type[msgspec.Struct]) -> bytes:
    """Return a file of `rows`, a column a field; days are date32, prices doubles, numbers of shares 64-bit integers.

    The same rows give the same bytes with the same version of pyarrow, which the file names as its writer.

    Raises: MissingExtraError without pyarrow.
    """
    arrow: Any = extras.load("pyarrow", extra=EXTRA)
    parquet: Any = extras.load("pyarrow.parquet", extra=EXTRA)
    sink = arrow.BufferOutputStream()
    parquet.write_table(Columns(row_type, rows).to_arrow(), sink, compression=COMPRESSION)
    content: bytes = sink.getvalue().to_pybytes()
    return content
