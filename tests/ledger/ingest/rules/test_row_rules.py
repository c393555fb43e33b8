"""Rules over one row, each just inside and just outside its line."""

from datetime import date, timedelta

import pytest

from ledger.ingest.rules import row_rules
from ledger.ingest.rules.merge import Row, rows
from ledger.ingest.rules.row_rules import Sorted, Today
from ledger.values import Finding, RawBar, Window
from tests.ledger.ingest.answers import MONDAY, NAN, bar, evidence, instant, raw

TODAY = Today(date(2026, 3, 31), final=True)
SATURDAY = date(2026, 3, 7)
CARNIVAL = date(2026, 2, 17)


def outcome(given: RawBar, now: Today = TODAY, *, copies: int = 1, alike: bool = True) -> Sorted:
    """Return what becomes of one row."""
    return row_rules.sort_rows([Row(given, copies, alike)], now)


def rejection(given: RawBar, now: Today = TODAY) -> Finding | None:
    """Return why the row is rejected, None when it is not."""
    return next(iter(outcome(given, now).rejected), None)


def ohlc(opened: float, high: float, low: float, close: float, volume: float | None = 1000) -> RawBar:
    """Return a row of Monday 2026-03-02 with these prices."""
    return RawBar(MONDAY, opened, high, low, close, None, volume)


def test_a_clean_row_is_accepted_in_canonical_form() -> None:
    """Nothing but its form changes."""
    given = raw(MONDAY, 37.31999969482422)
    assert Sorted(1, (bar(given),), (), ()) == outcome(given)


@pytest.mark.parametrize(
    ("given", "rule", "detail"),
    [
        (ohlc(NAN, 11, 9, 10), "OHLC_NAN", "got open nan, want a price"),
        (ohlc(10, 11, 9, float("inf")), "OHLC_NAN", "got close inf, want a price"),
        (ohlc(10, 1e13, NAN, 10), "OHLC_NAN", "got high 10000000000000.0, low nan, want a price"),
        (ohlc(0, 0, 0, 30.22), "NONPOS", "got open 0.00, high 0.00, low 0.00, close 30.22, want all above 0"),
        (ohlc(10, 11, -1, 10), "NONPOS", "got open 10.00, high 11.00, low -1.00, close 10.00, want all above 0"),
        (
            ohlc(10, 11, 0.0000004, 10),
            "NONPOS",
            "got open 10.00, high 11.00, low 0.00, close 10.00, want all above 0",
        ),
        (ohlc(10, 11, 0.000001, 10), None, None),
        (
            ohlc(10, 10.5, 9, 10.51),
            "OHLC_ORDER",
            "got open 10.00, high 10.50, low 9.00, close 10.51, want low <= open, close <= high",
        ),
        (ohlc(10, 10.5, 9, 10.5049), None, None),
        (ohlc(10, 10.5, 9, 10.505), None, None),
        (
            ohlc(10, 10.5, 9, 10.5051),
            "OHLC_ORDER",
            "got open 10.00, high 10.50, low 9.00, close 10.5051, want low <= open, close <= high",
        ),
        (
            ohlc(8.99, 10.5, 9, 10),
            "OHLC_ORDER",
            "got open 8.99, high 10.50, low 9.00, close 10.00, want low <= open, close <= high",
        ),
        (
            ohlc(10, 9, 11, 10),
            "OHLC_ORDER",
            "got open 10.00, high 9.00, low 11.00, close 10.00, want low <= open, close <= high",
        ),
        (ohlc(10, 11, 9, 10, None), "VOLUME", "got volume null, want a whole number >= 0"),
        (ohlc(10, 11, 9, 10, -1), "VOLUME", "got volume -1, want a whole number >= 0"),
        (ohlc(10, 11, 9, 10, 10.5), "VOLUME", "got volume 10.5, want a whole number >= 0"),
        (ohlc(10, 11, 9, 10, NAN), "VOLUME", "got volume nan, want a whole number >= 0"),
        (ohlc(10, 11, 9, 10, 2**63), "VOLUME", f"got volume {2**63}, want a whole number >= 0"),
        (ohlc(10, 11, 9, 10, 2**63 - 1), None, None),
        (ohlc(10, 11, 9, 10, 0), None, None),
        (ohlc(10, 11, 9, 10, 1e6), None, None),
    ],
)
def test_a_row_is_rejected_by_the_first_rule_that_it_breaks(
    given: RawBar, rule: str | None, detail: str | None
) -> None:
    """The finding names the rule and says what was there and what was wanted."""
    expected = None if rule is None or detail is None else Finding(rule, MONDAY, detail)
    assert expected == rejection(given)


@pytest.mark.parametrize(
    ("day", "rule"),
    [
        (SATURDAY, "NOT_SESSION"),
        (CARNIVAL, "NOT_SESSION"),
        (date(2026, 2, 18), None),
        (TODAY.day, None),
        (TODAY.day + timedelta(days=1), "FUTURE"),
        (date(1997, 12, 31), None),
        (date(1997, 12, 28), "NOT_SESSION"),
    ],
)
def test_days_that_can_have_no_bar_are_rejected(day: date, rule: str | None) -> None:
    """Weekends and holidays are known, and tomorrow is not; outside the table only weekends are."""
    finding = rejection(raw(day, 10))
    assert rule == (finding and finding.rule)


@pytest.mark.parametrize(
    ("finished", "partial"),
    [
        ("2026-03-02T21:29:59+00:00", (MONDAY,)),
        ("2026-03-02T21:30:00+00:00", ()),
        ("2026-03-03T12:00:00+00:00", ()),
    ],
)
def test_todays_row_is_partial_until_1830_in_sao_paulo(finished: str, partial: tuple[date, ...]) -> None:
    """A row of a session that is not final is neither accepted nor rejected, however broken."""
    now = row_rules.today(instant(finished))
    assert partial == outcome(raw(MONDAY, 10), now).partial
    assert partial == outcome(ohlc(NAN, NAN, NAN, NAN), now).partial


def test_a_row_of_today_on_a_weekend_is_rejected_not_partial() -> None:
    """A day without a session never becomes final."""
    now = Today(SATURDAY, final=False)
    assert ["NOT_SESSION"] == [finding.rule for finding in outcome(raw(SATURDAY, 10), now).rejected]


def test_copies_that_differ_are_rejected_and_copies_alike_are_kept_once() -> None:
    """Both count as received."""
    given = raw(MONDAY, 10)
    finding = Finding("DUPLICATE", MONDAY, "got 2 rows that differ, want one")
    assert Sorted(2, (), (finding,), ()) == outcome(given, copies=2, alike=False)
    assert Sorted(2, (bar(given),), (), ()) == outcome(given, copies=2)


@pytest.mark.parametrize(
    ("volumes", "alike", "volume"),
    [([500], True, 500), ([None], True, None), ([500, 500], True, 500), ([500, 501], False, 500)],
)
def test_volume_and_copies_come_from_the_body(volumes: list[int | None], alike: bool, volume: int | None) -> None:
    """The library turns a null volume into 0 and merges copies; the body does neither."""
    body = [RawBar(MONDAY, 10, 11, 9, 10, 10, sent) for sent in volumes]
    handed = RawBar(MONDAY, 10, 11, 9, 10, 10, 0)
    expected = Row(RawBar(MONDAY, 10, 11, 9, 10, 10, volume), len(volumes), alike)
    assert (expected,) == rows(evidence([handed]), body)


def test_copies_of_nulls_are_alike() -> None:
    """NaN equals nothing, but null says the same as null."""
    body = [RawBar(MONDAY, NAN, NAN, NAN, NAN, None, None)] * 2
    assert [(2, True)] == [(row.copies, row.alike) for row in rows(evidence([ohlc(NAN, NAN, NAN, NAN)]), body)]


def test_days_that_only_one_of_body_and_library_has_are_kept() -> None:
    """A day that the library dropped is judged all the same, unless nobody asked for it."""
    first, second, later = (MONDAY + timedelta(days=count) for count in range(3))
    body = [RawBar(day, 10, 11, 9, 10, 10, 5) for day in (first, later)]
    answer = evidence([RawBar(second, 10, 11, 9, 10, 10, 6)], window=Window(first, second))
    assert [(first, 5), (second, 6)] == [(row.bar.date, row.bar.volume) for row in rows(answer, body)]


def test_a_day_handed_over_unasked_still_has_the_volume_of_the_body() -> None:
    """The library handed it over, so it is judged, with what the body says of it."""
    asked = Window(MONDAY + timedelta(days=1), MONDAY + timedelta(days=1))
    answer = evidence([RawBar(MONDAY, 10, 11, 9, 10, 10, 0)], window=asked)
    assert [None] == [row.bar.volume for row in rows(answer, [RawBar(MONDAY, 10, 11, 9, 10, 10, None)])]


def test_today_is_the_day_in_sao_paulo() -> None:
    """Late in the evening it is tomorrow in UTC already."""
    assert Today(MONDAY, final=True) == row_rules.today(instant("2026-03-03T02:00:00+00:00"))
