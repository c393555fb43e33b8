"""Rows as Parquet: a column a field, of the field's own type."""

from datetime import date
from io import BytesIO

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
