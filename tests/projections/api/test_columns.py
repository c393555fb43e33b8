"""A table keeps what its rows say, in every library's types."""

import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

import msgspec
import pandas as pd
import polars as pl
import pytest

from projections.api.columns import Columns
from projections.api.extras import MissingExtraError


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One field of every type that there is, and of each that may be missing."""

    name: str
    kind: Literal["a", "b"]
    day: date
    at: datetime
    price: Decimal
    factor: float
    shares: int
    late: bool
    told: str | None
    told_on: date | None
    told_at: datetime | None
    told_price: Decimal | None
    told_factor: float | None
    told_seq: int | None
    agrees: bool | None


DAY, AT = date(2026, 2, 13), datetime(2026, 2, 13, 22, 0, 0, 1, tzinfo=UTC)
WHOLE = Row(
    name="x", kind="a", day=DAY, at=AT, price=Decimal("37.32"), factor=0.1, shares=2**62, late=True, told="y",
    told_on=DAY, told_at=AT, told_price=Decimal("0.01"), told_factor=0.2, told_seq=2**53 + 1, agrees=False,
)  # fmt: skip
BARE = Row(
    name="", kind="b", day=date(1998, 1, 2), at=AT, price=Decimal("0.00"), factor=0.0, shares=0, late=False, told=None,
    told_on=None, told_at=None, told_price=None, told_factor=None, told_seq=None, agrees=None,
)  # fmt: skip
TABLE = Columns(Row, [WHOLE, BARE])
PLAIN = [
    {name: float(value) if isinstance(value, Decimal) else value for name, value in msgspec.structs.asdict(row).items()}
    for row in (WHOLE, BARE)
]
DOUBLE, INT = ["price", "factor", "told_price", "told_factor"], ["shares", "told_seq"]


def test_rows_and_columns_are_the_same_values() -> None:
    """Prices exact in both."""
    assert (WHOLE, BARE) == TABLE.rows()
    assert tuple(Row.__struct_fields__) == TABLE.names == tuple(TABLE.columns)
    assert (Decimal("37.32"), Decimal("0.00")) == TABLE["price"]
    assert 2 == len(TABLE)


def test_it_says_what_it_holds() -> None:
    """A notebook shows this of it."""
    assert "<0 rows of price>" == repr(Columns(msgspec.defstruct("One", [("price", Decimal)]), []))


@pytest.mark.parametrize("table", [TABLE, Columns(Row, [])], ids=["rows", "none"])
def test_arrow(table: Columns[Row]) -> None:
    """A column that holds nothing has its type all the same."""
    found = table.to_arrow()
    assert PLAIN[: len(table)] == found.to_pylist()
    types = {field.name: str(field.type) for field in found.schema}
    assert {"date32[day]"} == {types["day"], types["told_on"]}
    assert {"timestamp[us, tz=UTC]"} == {types["at"], types["told_at"]}
    assert ({"double"}, {"int64"}) == ({types[name] for name in DOUBLE}, {types[name] for name in INT})


@pytest.mark.parametrize("table", [TABLE, Columns(Row, [])], ids=["rows", "none"])
def test_polars(table: Columns[Row]) -> None:
    """The same."""
    found = table.to_polars()
    assert PLAIN[: len(table)] == found.to_dicts()
    assert [pl.Date, pl.Datetime("us", "UTC"), pl.Float64] == [
        found.schema[name] for name in ("day", "told_at", "told_price")
    ]


@pytest.mark.parametrize("table", [TABLE, Columns(Row, [])], ids=["rows", "none"])
def test_pandas(table: Columns[Row]) -> None:
    """A seq past 2**53 is not rounded where another one is missing."""
    found = table.to_pandas()
    assert PLAIN[: len(table)] == [
        {name: _python(value, date_only=name in {"day", "told_on"}) for name, value in row.items()}
        for row in found.to_dict("records")
    ]
    assert ["datetime64[us]", "datetime64[us, UTC]", "float64", "Int64", "boolean"] == [
        str(found[name].dtype) for name in ("told_on", "told_at", "told_price", "told_seq", "agrees")
    ]


def _python(value: Any, *, date_only: bool) -> Any:
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value.date() if date_only else value.to_pydatetime()
    return value


@pytest.mark.parametrize(("library", "extra"), [("arrow", "parquet"), ("pandas", "pandas"), ("polars", "polars")])
def test_a_library_that_is_missing_is_named(library: str, extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the extra that brings it."""
    module = {"arrow": "pyarrow"}.get(library, library)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=f"got no package {module}, want it installed") as caught:
        getattr(TABLE, f"to_{library}")()
    assert [f"hint: pip install 'b3-ledger[{extra}]'"] == caught.value.__notes__


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """A row with a day and a ticker."""

    ticker: str
    date: date
    close: Decimal
    volume: int
    seq: int


def bars(*days: int) -> Columns[Bar]:
    """Return two tickers' bars on days of a month; the second lacks the first day."""
    return Columns(
        Bar,
        [
            Bar(ticker=name, date=date(2026, 2, day), close=Decimal(f"{day}.50"), volume=day, seq=9)
            for name in ("PETR4.SA", "VALE3.SA")
            for day in days[name == "VALE3.SA" :]
        ],
    )


def test_rows_come_one_by_one() -> None:
    """As in a for loop."""
    assert [WHOLE, BARE] == list(TABLE)


def test_pandas_indexes_by_day() -> None:
    """With a DatetimeIndex, as yfinance's users expect."""
    frame = bars(2, 3).to_pandas(index=True)
    assert isinstance(frame.index, pd.DatetimeIndex)
    assert (["date"], 3, [2.5, 3.5, 3.5]) == (frame.index.names, len(frame), list(frame["close"]))
    assert frame.loc["2026-02-03", "ticker"].tolist() == ["PETR4.SA", "VALE3.SA"]


def test_pandas_puts_tickers_in_columns() -> None:
    """Of one field, or of all figures under (field, ticker); a session that one lacks is missing there."""
    closes = bars(2, 3).to_pandas(wide="close")
    assert isinstance(closes.index, pd.DatetimeIndex)
    assert ["PETR4.SA", "VALE3.SA"] == list(closes.columns)
    assert [3.5, 3.5] == list(closes.loc["2026-02-03"])
    assert [True, False] == list(closes["VALE3.SA"].isna())
    whole = bars(2, 3).to_pandas(wide=True)
    assert ["close", "volume"] == list(dict.fromkeys(field for field, _ in whole.columns))
    assert 3.5 == whole["close", "PETR4.SA"].iloc[-1] == whole["close"]["PETR4.SA"].iloc[-1]


@pytest.mark.parametrize(
    ("table", "asked", "words"),
    [
        (TABLE, {"index": True}, "want some with a date"),
        (bars(2), {"wide": "price"}, "got price, want one of ticker, date, close, volume, seq"),
        (bars(2, 2), {"wide": True}, "got two rows of a ticker on a day"),
    ],
)
def test_what_has_no_day_or_two_rows_a_day_is_refused(table: Columns[Any], asked: dict[str, Any], words: str) -> None:
    """Before pandas says it in its own words."""
    with pytest.raises(ValueError, match=words):
        table.to_pandas(**asked)


def test_a_notebook_shows_the_two_ends() -> None:
    """Escaped; how many rows are between them, and how many there are."""
    shown = bars(*range(1, 14))._repr_html_()
    assert ("… 15 more …", "25 rows") == tuple(words for words in ("… 15 more …", "25 rows") if words in shown)
    assert 1 + 10 + 1 == shown.count("<tr>")
    hostile = Columns(Bar, [Bar(ticker="<script>", date=DAY, close=Decimal(1), volume=1, seq=1)])._repr_html_()
    assert "<script>" not in hostile
    assert "&lt;script&gt;" in hostile
    assert "more" not in hostile
