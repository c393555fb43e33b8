"""A table as a Parquet file, by pyarrow."""

from typing import Any

import msgspec

from projections.api import extras
from projections.api.columns import Columns

EXTRA = "parquet"
ROW_GROUP_ROWS = 65_536
HELD_BACK_BYTES = 1024 * 1024  # pyarrow writes page by page, and each call of ours waits for other threads of Python's
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


class _UntilFailure:
    """Hands on to `sink` what is written, until that fails: what pyarrow holds back then goes nowhere."""

    closed = False

    def __init__(self, sink: Any) -> None:
        self._sink, self._failed = sink, False

    def write(self, content: bytes) -> None:
        """Write `content`; after a failure do nothing, since pyarrow tries again when it lets go of the file."""
        if not self._failed:
            self._failed = True
            self._sink.write(content)
            self._failed = False

    def flush(self) -> None:
        """Do nothing: nothing is held back here."""

    def close(self) -> None:
        """Do nothing: the sink is closed by whoever opened it."""


class Stream:
    """One Parquet file written table by table to `sink`, in row groups of `ROW_GROUP_ROWS` however the tables are cut.

    Statistics and a page index say what each group holds, so that readers skip the others.
    """

    def __init__(self, sink: Any) -> None:
        self._sink = sink
        self._waiting: list[Any] = []
        self._rows = 0
        self._held_back: Any = None
        self._writer: Any = None

    def write(self, table: Any) -> None:
        """Add the rows of a `pyarrow.Table`.

        Raises: MissingExtraError without pyarrow.
        """
        self._waiting.append(table)
        self._rows += table.num_rows
        if self._rows >= ROW_GROUP_ROWS:
            self._flush(self._rows - self._rows % ROW_GROUP_ROWS)

    def close(self) -> None:
        """Write what is left and the file's end; a file needs one table at least."""
        self._flush(self._rows)
        self._writer.close()
        self._held_back.flush()

    def _flush(self, rows: int) -> None:
        """Write the first `rows` of those that wait."""
        arrow: Any = extras.load("pyarrow", extra=EXTRA)
        parquet: Any = extras.load("pyarrow.parquet", extra=EXTRA)
        table = arrow.concat_tables(self._waiting)
        if self._writer is None:
            self._held_back = arrow.BufferedOutputStream(
                arrow.PythonFile(_UntilFailure(self._sink), "w"), HELD_BACK_BYTES
            )
            self._writer = parquet.ParquetWriter(
                self._held_back, table.schema, compression=COMPRESSION, write_page_index=True
            )
        self._writer.write_table(table.slice(0, rows), row_group_size=ROW_GROUP_ROWS)
        self._waiting, self._rows = [table.slice(rows)], self._rows - rows
