"""The chart body, read without the library."""

import math
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from ledger.ingest.providers.yahoo import chart
from ledger.ingest.providers.yahoo.chart import ChartError
from ledger.ingest.providers.yahoo.shapes import ChartRow
from ledger.values import Identity, RawAction

FRIDAY, MONDAY = date(2026, 2, 6), date(2026, 2, 9)
META = {"symbol": "PETR4.SA", "currency": "BRL", "exchangeName": "SAO", "exchangeTimezoneName": "America/Sao_Paulo"}


def stamp(text: str) -> int:
    """Return an ISO time as a Unix time stamp."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def body(stamps: list[int], *, meta: dict[str, Any] | None = None, **result: Any) -> bytes:
    """Return an answer whose columns hold the row's number plus a tenth for each column."""
    names = ("open", "high", "low", "close", "volume")
    quote = {name: [row + column / 10 for row in range(len(stamps))] for column, name in enumerate(names)}
    series = {"meta": META if meta is None else meta, "timestamp": stamps, "indicators": {"quote": [quote]}} | result
    return msgspec.json.encode({"chart": {"result": [series], "error": None}})


KEY = str(stamp("2026-02-06T13:00"))  # of an event on Friday


def one_row(**cells: Any) -> bytes:
    """Return an answer of one row with these cells."""
    quote = {name: [cells.get(name, 1.0)] for name in ("open", "high", "low", "close", "volume")}
    indicators = {"quote": [quote], "adjclose": [{"adjclose": [cells.get("adjclose", 1.0)]}]}
    return body([stamp("2026-02-06T13:00")], indicators=indicators)


def days(*stamps: str, **meta: Any) -> list[date]:
    """Return the dates that rows stamped so come out with."""
    return [row.date for row in chart.rows(body([stamp(text) for text in stamps], meta=meta))]


def test_a_row_keeps_every_cell_as_it_was_sent() -> None:
    """Nulls stay None, a fraction of a share stays a float, a widened float32 stays wide."""
    sent = one_row(open=None, high=37.31999969482422, low=0, close=36.5, volume=1.5, adjclose=None)
    assert (ChartRow(FRIDAY, None, 37.31999969482422, 0.0, 36.5, None, 1.5),) == chart.rows(sent)


def test_a_raw_bar_has_no_null_prices() -> None:
    """A price that was not sent is NaN; adjusted close and volume stay None."""
    (bar,) = chart.raw_bars(one_row(open=None, high=2.0, low=0.5, close=1.5, volume=None, adjclose=None))
    assert math.isnan(bar.open)
    assert (FRIDAY, 2.0, 0.5, 1.5, None, None) == (bar.date, bar.high, bar.low, bar.close, bar.adj_close, bar.volume)


def test_rows_keep_the_order_and_the_duplicates_of_the_answer() -> None:
    """Neither sorted nor made unique: the rules judge that."""
    assert [MONDAY, FRIDAY, MONDAY] == days("2026-02-09T13:00", "2026-02-06T13:00", "2026-02-09T20:00", gmtoffset=0)


def test_a_missing_adjusted_column_leaves_none() -> None:
    """An index has no adjusted closes; no close is passed off as one."""
    assert (ChartRow(FRIDAY, 0.0, 0.1, 0.2, 0.3, None, 0.4),) == chart.rows(body([stamp("2026-02-06T13:00")]))


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-02-09T03:00", MONDAY),  # midnight in São Paulo
        ("2026-02-09T02:00", MONDAY),  # 23:00 the day before, stamped by a clock an hour off
        ("2026-02-09T01:00", MONDAY),  # 22:00
        ("2026-02-09T02:01", date(2026, 2, 8)),  # a minute past: a true time of the evening
        ("2026-02-09T00:00", date(2026, 2, 8)),  # 21:00
        ("2018-12-03T02:00", date(2018, 12, 3)),  # midnight in summer time
    ],
)
def test_a_stamp_becomes_the_day_in_sao_paulo(at: str, expected: date) -> None:
    """Just before midnight means the day after, as yfinance reads it."""
    assert [expected] == days(at, exchangeTimezoneName="America/Sao_Paulo")


def test_without_a_zone_that_is_known_the_offset_counts() -> None:
    """The zone's name wins; `gmtoffset` is today's, wrong for half the years with summer time."""
    assert [date(2026, 2, 10)] == days("2026-02-09T20:00", exchangeTimezoneName="Mars/Olympus", gmtoffset=4 * 3600)


@pytest.mark.parametrize(
    "sent",
    [
        b'{"chart":{"result":[],"error":null}}',
        b'{"chart":{"result":null,"error":null}}',
        b'{"chart":{"result":[{"meta":{},"indicators":{"quote":[{}],"adjclose":[{}]}}],"error":null}}',
        b'{"chart":{"result":[{"meta":{},"indicators":{}}],"error":null}}',
    ],
)
def test_an_answer_without_rows_has_none(sent: bytes) -> None:
    """Each way in which Yahoo says nothing gives no row, no action, no identity."""
    assert ((), (), Identity()) == (chart.rows(sent), chart.actions(sent), chart.identity(sent))


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "got a body that is no chart (Input data was truncated), want Yahoo's chart JSON"),
        (b"\xff\xfe", "got a body that is no chart (JSON is malformed: invalid character (byte 0))"),
        (b"<html>", "got a body that is no chart (JSON is malformed: invalid character (byte 0))"),
        (b"[]", "got a body that is no chart (Expected `object`, got `array`)"),
        (b"{}", "got a body that is no chart (Object missing required field `chart`)"),
        (one_row()[:-9], "got a body that is no chart"),
        (one_row(close="37.32"), "got a body that is no chart (Expected `float | null`, got `str`"),
        (one_row().replace(b'"low"', b'"lo"'), "got no low column, want one of 1 values"),
        (one_row().replace(b'"low":[1.0]', b'"low":[]'), "got 0 values in the low column, want 1"),
        (one_row().replace(b'"adjclose":[1.0]', b'"adjclose":[1,2]'), "got 2 values in the adjclose column, want 1"),
        (one_row().replace(b'"timestamp"', b'"stamps"'), "got 1 values in the open column, want 0"),
        (body([10**17]), "got the timestamp 100000000000000000, want seconds since 1970"),
        (body([], meta={"gmtoffset": 90_000}), "got a gmtoffset of 90000 s, want less than a day"),
    ],
)
def test_a_body_of_another_shape_is_refused(sent: bytes, message: str) -> None:
    """The error says what was found; ragged columns and missing keys are told apart."""
    with pytest.raises(ChartError) as caught:
        chart.rows(sent)
    assert message == str(caught.value)[: len(message)]


def test_identity_is_what_meta_says() -> None:
    """Symbol, currency, exchange and zone, each None where meta is silent."""
    named = Identity(symbol="PETR4.SA", currency="BRL", exchange="SAO", timezone="America/Sao_Paulo")
    assert [named, Identity()] == [chart.identity(body([])), chart.identity(body([], meta={}))]


def test_days_that_are_remembered_are_those_of_their_zone_and_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many stamps and zones are asked for, in whatever order; a stamp that is none is refused each time."""
    monkeypatch.setattr(chart, "DAYS_KEPT", 5)
    sao_paulo, tokyo = ZoneInfo("America/Sao_Paulo"), ZoneInfo("Asia/Tokyo")
    stamps = tuple(range(1_769_600_000, 1_770_600_000, 86_400 // 3))
    for _ in range(3):
        for zone in (sao_paulo, tokyo):
            for asked in (stamps, stamps[::-1], stamps[:4], stamps[2:7]):
                assert [chart._day(stamp, zone) for stamp in asked] == chart._days(asked, zone)
            with pytest.raises(ChartError, match="timestamp"):
                chart._days((stamps[0], 2**60), zone)
        assert len(chart._known_days(sao_paulo)) <= 5 + len(stamps)


def test_actions_come_by_date_whether_their_day_has_a_row_or_not() -> None:
    """A 1:2 split has the value 2, a reverse split 1:10 the value 0.1, a split of no shares 0."""
    first, then, last = (stamp(f"2026-02-{day}T13:00") for day in ("05", "06", "09"))
    events = {
        "splits": {
            "a": {"date": last, "numerator": 2, "denominator": 1},
            "b": {"date": first, "numerator": 1, "denominator": 10},
            "c": {"date": then, "numerator": 3, "denominator": 0},
        },
        "dividends": {"d": {"date": then, "amount": 0.25}},
        "capitalGains": {"e": {"date": then, "amount": 0.5}},
    }
    expected = (
        RawAction(date(2026, 2, 5), "split", 0.1),
        RawAction(FRIDAY, "capital_gain", 0.5),
        RawAction(FRIDAY, "dividend", 0.25),
        RawAction(FRIDAY, "split", 0.0),
        RawAction(MONDAY, "split", 2.0),
    )
    assert expected == chart.actions(body([], events=events))


def test_an_event_is_read_on_its_own() -> None:
    """One that cannot be read is at fault, dated by its key where it lost its stamp; the others are as sent."""
    at = stamp("2026-02-06T13:00")
    events = {
        "dividends": {
            str(at): {"date": at, "amount": None},
            "b": {"amount": 1},
            "c": {"date": at, "amount": 0.26, "currency": "USD"},
            "d": {"date": at, "amount": 0.5, "currency": ""},
            "e": [],
        },
        "splits": {"f": {"date": at, "numerator": 10341, "denominator": 10000}, str(at): {"numerator": 2}},
    }
    read = chart.reading(body([], events=events, meta={"dataGranularity": "1wk", "firstTradeDate": at}))
    assert [
        ("dividend", FRIDAY, None, None, True),
        ("dividend", None, 1.0, None, False),
        ("dividend", FRIDAY, 0.26, "USD", False),
        ("dividend", FRIDAY, 0.5, None, False),
        ("dividend", None, None, None, True),
        ("split", FRIDAY, None, None, False),
        ("split", FRIDAY, None, None, True),
    ] == [(offer.kind, offer.date, offer.amount, offer.currency, offer.fault is not None) for offer in read.offers]
    assert (10341, 10000) == (read.offers[5].numerator, read.offers[5].denominator)
    assert ("1wk", FRIDAY) == (read.granularity, read.first_day)


@pytest.mark.parametrize("numerator", [2**63, -(2**63), 10**400, 1e300])
@pytest.mark.parametrize("upside_down", [False, True])
def test_a_split_of_more_shares_than_a_number_can_hold_is_at_fault(numerator: float, upside_down: bool) -> None:
    """The other events are as sent, and a split of as many shares as there may be is read."""
    at = stamp("2026-02-06T13:00")

    def sent(numerator: float) -> dict[str, float]:
        shares = (1, numerator) if upside_down else (numerator, 1)
        return {"date": at, "numerator": shares[0], "denominator": shares[1]}

    events = {"splits": {"a": sent(numerator), "b": sent(2**63 - 1), "c": sent(2)}}
    sent_body = body([], events=events)
    assert [True, False, False] == [offer.fault is not None for offer in chart.reading(sent_body).offers]
    assert 2 == len(chart.actions(sent_body))


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b'{"chart":{"result":null,"error":{"code":"Not Found","description":"No data found"}}}', "No data found"),
        (b'{"finance":{"result":null,"error":{"code":"Unauthorized","description":"Invalid Crumb"}}}', "Invalid Crumb"),
        (b'{"chart":{"result":null,"error":{"code":"Not Found","description":null}}}', "Not Found"),
        (one_row(), None),
        (b"<html>", None),
        (b"\xff", None),
    ],
)
def test_a_complaint_is_quoted_from_either_door(sent: bytes, expected: str | None) -> None:
    """The chart service and Yahoo's front door complain under different names."""
    assert expected == chart.complaint(sent)


@pytest.mark.parametrize("volume", [2**63, -(2**63), 10**30])
def test_a_volume_that_no_event_can_hold_is_the_double_nearest_to_it(volume: int) -> None:
    """One below the limit stays the integer that it is."""
    ((over,), (below,)) = (
        chart.raw_bars(one_row(volume=-7).replace(b"-7", str(sent).encode())) for sent in (volume, 2**63 - 1)
    )
    assert (float(volume), 2**63 - 1) == (over.volume, below.volume)


@pytest.mark.parametrize("at", ["1899-12-30T12:00:00", "2200-01-02T12:00:00", "0001-01-01T12:00:00"])
def test_a_row_of_another_age_is_refused(at: str) -> None:
    """Every session in between would be looked for: minutes, for one answer."""
    with pytest.raises(ChartError, match="want one from 1900 to 2199"):
        chart.rows(body([stamp(at)]))


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (None, []),
        ([], [("dividend", None, "got events that are none")]),
        ({"dividends": [1]}, [("dividend", None, "got events of the kind dividend that are none")]),
        ({"splits": None, "dividends": None}, []),
        ({"splits": {KEY: {"date": "x"}}}, [("split", FRIDAY, "got split of no day")]),
        ({"dividends": {KEY: {"date": 10**17, "amount": 1.0}}}, [("dividend", FRIDAY, "got dividend of no day")]),
        ({"dividends": {"x": {"date": "x", "amount": 1.0}}}, [("dividend", None, "got dividend of no day")]),
        ({"dividends": {KEY: {"date": None, "amount": 1.0}}}, [("dividend", FRIDAY, None)]),
        ({"dividends": {str(10**17): {"amount": 1.0}}}, [("dividend", None, None)]),
    ],
)
def test_events_of_no_shape_are_at_fault_alone(events: object, expected: list[tuple[str, date | None, str]]) -> None:
    """The rows are read; the key stands in for a stamp that an event lacks, and not for one that it has."""
    sent = one_row().replace(b'"indicators"', b'"events":' + msgspec.json.encode(events) + b',"indicators"')
    assert 1 == len(chart.rows(sent))
    found = [(one.kind, one.date, one.fault) for one in chart.reading(sent).offers]
    assert [(kind, day) for kind, day, _ in expected] == [(kind, day) for kind, day, _ in found]
    for (*_, want), (*_, got) in zip(expected, found, strict=True):
        assert want == got if want is None else got is not None and got.startswith(want)
