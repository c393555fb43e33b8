"""Rows as Parquet: a column a field, of the field's own type."""

import gc
from datetime import date
from errno import ENOSPC
from io import BytesIO
from typing import Any

import msgspec
import pytest

from cli.render import parquet
from projections.api.columns import Columns

reader = pytest.importorskip("pyarrow.parquet")


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One field of every type that is written."""

    name: str
    day: date
    price: float | None
    shares: int
    agrees: bool | None


ROWS = [
    Row(name="a", day=date(2026, 2, 13), price=37.32, shares=2**62, agrees=True),
    Row(name="b", day=date(1998, 1, 2), price=None, shares=0, agrees=None),
]


@pytest.mark.parametrize("rows", [ROWS, []])
def test_rows_come_back_as_they_were(rows: list[Row]) -> None:
    """None of them too: the columns are there all the same."""
    table = reader.read_table(BytesIO(parquet.render(Columns(Row, rows))))
    assert [msgspec.structs.asdict(row) for row in rows] == table.to_pylist()
    assert ["string", "date32[day]", "double", "int64", "bool"] == [str(field.type) for field in table.schema]


def written(cuts: list[int]) -> bytes:
    """Return the file of 150,000 rows that come in tables of so many."""
    arrow = pytest.importorskip("pyarrow")
    sink, start = BytesIO(), 0
    stream = parquet.Stream(sink)
    for cut in cuts:
        stream.write(arrow.table({"n": range(start, start + cut)}))
        start += cut
    assert 150_000 == start
    stream.close()
    return sink.getvalue()


def test_row_groups_are_of_one_size_however_rows_come() -> None:
    """The same bytes, each group with its statistics and a page index."""
    whole = written([150_000])
    assert all(whole == written(cuts) for cuts in ([65_536, 65_536, 18_928], [1, 140_000, 9_999], [50_000] * 3))
    found = reader.ParquetFile(BytesIO(whole)).metadata
    groups = [found.row_group(number) for number in range(found.num_row_groups)]
    assert [65_536, 65_536, 18_928] == [group.num_rows for group in groups]
    columns = [group.column(0) for group in groups]
    assert [(0, 65_535), (65_536, 131_071), (131_072, 149_999)] == [
        (column.statistics.min, column.statistics.max) for column in columns
    ]
    assert all(column.has_offset_index and column.has_column_index for column in columns)


class FullDisk(BytesIO):
    """A sink that takes nothing."""

    def write(self, content: Any) -> int:
        """Fail, whatever is written."""
        raise OSError(ENOSPC, f"no space left for {len(content)} bytes")


@pytest.mark.parametrize("rows", [10, 400_000])
def test_what_a_sink_fails_with_is_raised_once(rows: int, capfd: pytest.CaptureFixture[str]) -> None:
    """When rows are written or at the end, and what is held back is let go of without a word."""
    arrow = pytest.importorskip("pyarrow")

    def write() -> None:
        stream = parquet.Stream(FullDisk())
        stream.write(arrow.table({"n": range(rows)}))
        stream.close()

    with pytest.raises(OSError, match="no space left"):
        write()
    gc.collect()
    assert ("", "") == capfd.readouterr()
