"""One table renders rows of any type in every format."""

from collections.abc import Iterable
from io import BytesIO
from typing import get_args

import msgspec
import pytest

from cli.render.renderers import RENDERERS, Format, Layout, rendered
from projections.models.units import Reais, reais


class Row(msgspec.Struct, frozen=True):
    """A name and a price."""

    name: str
    price: Reais | None


ROWS = [Row("a", reais(1_500_000)), Row("b", None)]
LAYOUT: Layout[Row] = Layout(
    lines=lambda rows: (f"{row.name}: {row.price}" for row in rows),
    csv_header=("name", "price"),
    csv_lines=lambda row: [(row.name, row.price)],
    columns=Row,
    exposition=lambda rows: b"rows %d\n" % len(list(rows)),
)


def test_every_format_has_a_renderer() -> None:
    """The table is the list of formats."""
    assert set(get_args(Format)) == set(RENDERERS)


@pytest.mark.parametrize(
    ("wanted", "array", "content"),
    [
        ("text", False, b"a: 1.50\nb: None\n"),
        ("json", False, b'{"name":"a","price":1.5}\n{"name":"b","price":null}\n'),
        ("json", True, b'[{"name":"a","price":1.5},\n{"name":"b","price":null}]\n'),
        ("csv", False, b"name,price\na,1.50\nb,\n"),
        ("prometheus", False, b"rows 2\n"),
    ],
)
def test_rows_are_rendered_by_their_format(wanted: Format, array: bool, content: bytes) -> None:
    """The bytes, whole."""
    assert content == b"".join(rendered(ROWS, LAYOUT, wanted, array=array))


@pytest.mark.parametrize("array", [False, True])
def test_json_is_the_same_value_with_nothing_that_a_terminal_obeys(array: bool) -> None:
    """C1 and bidirectional characters too, which JSON by itself leaves as they are; letters stay letters."""
    row = Row("São\x1b\x9b31m\u202e\u2028\x85é", None)
    shown = b"".join(rendered([row], LAYOUT, "json", array=array)).decode()
    assert "São\\u001b\\u009b31m\\u202e\\u2028\\u0085é" in shown
    value = msgspec.json.decode(shown)
    assert row.name == (value[0] if array else value)["name"]


def test_parquet_has_the_columns_of_json() -> None:
    """With their values."""
    reader = pytest.importorskip("pyarrow.parquet")
    table = reader.read_table(BytesIO(b"".join(rendered(ROWS, LAYOUT, "parquet"))))
    assert [{"name": "a", "price": 1.5}, {"name": "b", "price": None}] == table.to_pylist()


@pytest.mark.parametrize("array", [False, True])
def test_json_takes_one_row_at_a_time(array: bool) -> None:
    """A reader that has seen enough stops the listing."""
    taken = []

    def rows() -> Iterable[Row]:
        for row in ROWS:
            taken.append(row)
            yield row

    next(iter(rendered(rows(), LAYOUT, "json", array=array)))
    assert ROWS[:1] == taken
