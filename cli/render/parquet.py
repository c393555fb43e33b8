"""A table as a Parquet file, by pyarrow."""

from typing import Any

import msgspec

from projections.api import extras
from projections.api.columns import Columns

EXTRA = "parquet"
COMPRESSION = "zstd"  # named, so that another default of pyarrow's gives no other bytes


def render(table: Columns[msgspec.Struct]) -> bytes:
    """Return the file; days are date32, prices doubles, numbers of shares 64-bit integers.

    The same table gives the same bytes with the same version of pyarrow, which the file names as its writer.

    Raises: MissingExtraError without pyarrow.
    """
    arrow: Any = extras.load("pyarrow", extra=EXTRA)
    parquet: Any = extras.load("pyarrow.parquet", extra=EXTRA)
    sink = arrow.BufferOutputStream()
    parquet.write_table(table.to_arrow(), sink, compression=COMPRESSION)
    content: bytes = sink.getvalue().to_pybytes()
    return content
