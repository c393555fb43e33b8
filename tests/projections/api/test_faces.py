"""Every face of a row follows from the annotations of its one struct."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
import pytest

from projections.api.faces import (
    HeldRows,
    column_type,
    each_to_json,
    from_held,
    joined,
    json_column,
    json_type,
    python_column,
    to_columns,
    to_json,
    to_python,
    with_columns,
)
from projections.api.rows import AdjustedPrice, Change, CorporateAction, LogEntry, MissingSession, Price
from projections.models.units import (
    HIDDEN_IN_JSON,
    Instant,
    InstantUs,
    JobId,
    JobInstant,
    Quantity,
    Reais,
    fields,
)

AT_US = 1_771_023_600_000_001
AT = datetime(2026, 2, 13, 23, 0, 0, 1, tzinfo=UTC)
ROWS = (Price, AdjustedPrice, Change, CorporateAction, MissingSession, LogEntry)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One field of every unit, and of each that may be missing."""

    day: date
    job: JobId
    price: Reais
    told_price: Reais | None
    old: Quantity | None
    new: Quantity | None
    at: Instant
    told_at: Instant | None
    started_at: JobInstant
    since: InstantUs | None
    kind: Annotated[Literal["a", "b"], HIDDEN_IN_JSON]
    shares: int


HELD: dict[str, Any] = {
    "day": date(2026, 2, 13), "job": bytes(16), "price": 37_500_000, "told_price": None, "old": Decimal("1.50"),
    "new": Decimal(300), "at": AT_US, "told_at": None, "started_at": AT_US, "since": AT_US, "kind": "b", "shares": 7,
}  # fmt: skip
ROW = to_python(Row, **HELD)


def test_python_gets_exact_prices_aware_times_and_readable_ids() -> None:
    """And what is missing stays so."""
    assert ROW == Row(
        day=date(2026, 2, 13), job="00000000-0000-0000-0000-000000000000", price=Decimal("37.50"), told_price=None,
        old=Decimal("1.50"), new=Decimal(300), at=AT, told_at=None, started_at=AT, since=AT_US, kind="b", shares=7,
    )  # fmt: skip
    assert "37.50" == str(ROW.price)


def test_json_has_every_field_in_order_but_those_that_are_hidden() -> None:
    """Doubles, whole shares, and text for times: of a job to the second."""
    assert (
        b'{"day":"2026-02-13","job":"00000000-0000-0000-0000-000000000000","price":37.5,"told_price":null,"old":1.5,'
        b'"new":300,"at":"2026-02-13T23:00:00.000001Z","told_at":null,"started_at":"2026-02-13T23:00:00Z",'
        b'"since":"2026-02-13T23:00:00Z","shares":7}'
    ) == msgspec.json.encode(to_json(ROW))


@pytest.mark.parametrize("value", [{"a": 1}, 7, "x", Decimal("1.0")])
def test_what_is_no_row_is_its_own_json(value: object) -> None:
    """So one renderer serves every command."""
    assert value is to_json(value)


@pytest.mark.parametrize("row_type", [*ROWS, Row])
def test_the_schema_is_that_of_what_is_encoded(row_type: type[msgspec.Struct]) -> None:
    """The same names in the same order, no type of a unit left among them."""
    shown = json_type(row_type, "Shown")
    names = [field.name for field in fields(row_type) if not field.hidden]
    assert ("Shown", tuple(names)) == (shown.__name__, shown.__struct_fields__)
    (_,), components = msgspec.json.schema_components([shown])
    assert names == list(components["Shown"]["properties"])
    assert row_type.__doc__ == shown.__doc__
    assert [] == [one.name for one in fields(shown) if one.core in {Decimal, datetime}]


def test_columns_are_the_fields_asked_for_in_that_order() -> None:
    """As doubles for other libraries; the struct of their schema says the same."""
    names = ("new", "price", "kind", "day")
    table = to_columns(Row, [ROW], names)
    assert (names, {"new": [300.0], "price": [37.5], "kind": ["b"], "day": [HELD["day"]]}) == (
        table.names,
        table.plain(),
    )
    described = column_type(Row, "Described", names, "A row.")
    assert ("Described", names) == (described.__name__, described.__struct_fields__)
    assert [float, float, Literal["a", "b"], date] == [field.core for field in fields(described)]


def test_a_row_names_every_value_that_has_a_unit() -> None:
    """A price, a time or an id without one would be printed as it is held."""
    plain = {Decimal, datetime}
    assert [] == [
        field.name for row_type in ROWS for field in fields(row_type) if field.core in plain and not field.unit
    ]
    assert {"price", "told_price", "old", "new", "at", "told_at", "started_at", "since", "job"} == {
        name for name, _ in from_held(Row)
    }


class MarkedRow(Row, frozen=True, kw_only=True):
    """A row with a field that is worked out."""

    marked: bool | None


def test_rows_that_are_held_as_columns_have_every_face_of_rows_made_one_by_one() -> None:
    """Whole, cut, joined and with a column more; what is missing of one row is missing there."""
    some = {**HELD, "told_price": 12_345_678, "told_at": AT_US + 1}
    none = {**some, "told_price": None, "old": None, "new": None, "told_at": None, "since": None, "price": 37_123_456}
    given = [some, none, some, none]
    rows = [to_python(Row, **one) for one in given]
    held = HeldRows(Row, {name: [one[name] for one in given] for name in HELD})
    assert (rows, rows[1:3], rows[-1], 4) == (list(held), list(held[1:3]), held[-1], len(held))
    assert rows * 2 == list(joined([held, held]))
    assert rows * 2 == joined([held, rows])
    assert list(map(to_json, rows)) == list(each_to_json(held)) == list(each_to_json(iter(rows)))
    for name in HELD:
        assert list(python_column(rows, name)) == list(python_column(held, name))
        assert list(json_column(rows, name)) == list(json_column(held, name))
    marks = {"marked": [True, None, False, None]}
    assert list(with_columns(held, MarkedRow, marks)) == with_columns(rows, MarkedRow, marks)
    ours, theirs = to_columns(Row, held), to_columns(Row, rows)
    assert (theirs.plain(), theirs.columns, theirs.rows()) == (ours.plain(), ours.columns, ours.rows())
    assert list(theirs) == list(ours)
    assert [] == list(HeldRows(Row, {name: [] for name in HELD})) == list(joined([]))
