"""The exchange's texts: numbers, days that stand for none, JSON within JSON."""

import json
from datetime import date
from fractions import Fraction

import pytest

from ledger.ingest.providers.b3 import feed
from ledger.ingest.providers.b3.feed import FeedError, Text
from tests.support.b3_server import cash, company, page, past


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0,27000000000", Fraction(27, 100)),
        ("4.900,00000000000", Fraction(4900)),
        ("1.234.567,5", Fraction(2469135, 2)),
        ("100", Fraction(100)),
        ("114,99", Fraction(11499, 100)),
        (1000, Fraction(1000)),
        ("", None),
        (None, None),
    ],
)
def test_a_number_is_read_exactly(cell: Text, value: Fraction | None) -> None:
    """Dots part thousands, a comma the places."""
    assert value == feed.number(cell)


@pytest.mark.parametrize("cell", ["0.27", "1,2,3", "12.34,5", "1e3", "abc", 0.27, "1" * 50])
def test_what_could_be_read_in_two_ways_is_refused(cell: Text) -> None:
    """A number with a dot in the wrong place would be off by a thousand."""
    with pytest.raises(FeedError, match="want a number"):
        feed.number(cell)


@pytest.mark.parametrize("cell", ["31/12/9999", "01/01/1900", "", None, "31/12/9999 00:00:00"])
def test_a_day_that_stands_for_none_is_none(cell: str | None) -> None:
    """They stand where nobody knows or nothing was set."""
    assert feed.day(cell) is None


def test_a_day_is_read_with_or_without_its_time() -> None:
    """Day first."""
    assert date(2024, 12, 11) == feed.day("11/12/2024") == feed.day("11/12/2024 00:00:00")
    with pytest.raises(FeedError, match="want a day"):
        feed.day("2024-12-11")
    with pytest.raises(FeedError, match="want a day"):
        feed.day("31/02/2024")


@pytest.mark.parametrize("times", [0, 1, 2])
def test_a_supplement_is_read_however_often_it_was_encoded(times: int) -> None:
    """A list of one, within a text within a text."""
    text = json.dumps(company("PETR", "PETROBRAS", cashDividends=None))
    for _ in range(times):
        text = json.dumps(text)
    found = feed.supplement(text)
    assert found is not None
    assert ("PETR", "PETROBRAS   ", None, ()) == (
        found.code,
        found.trading_name,
        found.cash_dividends,
        found.subscriptions,
    )


@pytest.mark.parametrize("text", ["", "  ", "[]", '"[]"'])
def test_nothing_is_no_company(text: str) -> None:
    """Whoever asked has to find out why."""
    assert feed.supplement(text) is None


def test_of_several_companies_none_is_read_where_the_answer_is_new() -> None:
    """The rest would be left out in silence; what was recorded of old is read as it was."""
    one, two = ({"code": code, "tradingName": code} for code in ("PETR", "VALE"))
    both = json.dumps([one, two])
    assert "PETR" == getattr(feed.supplement(both), "code", None)
    with pytest.raises(FeedError, match="got 2 companies in one text, want one"):
        feed.sole_supplement(both)
    assert feed.supplement(json.dumps([one])) == feed.sole_supplement(json.dumps([one]))
    assert (None, None) == (feed.sole_supplement(""), feed.sole_supplement("[]"))


def test_a_list_may_be_absent() -> None:
    """Funds have no subscriptions at times."""
    found = feed.supplement('[{"code":"PETR"}]')
    assert found is not None
    assert found.subscriptions is None


def test_a_page_is_told_from_a_supplement() -> None:
    """By what it holds, whatever its file is called."""
    assert feed.is_history(json.dumps(page([past("11/12/2024", "PN", "DIVIDENDO", "1,5")])))
    assert not feed.is_history(json.dumps(company("PETR", "PETROBRAS", cashDividends=[cash("", "", "", "")])))


@pytest.mark.parametrize("text", ["<html>", "7", '{"results":7}', '[{"cashDividends":7}]', "[" * 5000])
def test_other_text_is_refused(text: str) -> None:
    """By one kind of error."""
    with pytest.raises(FeedError):
        (feed.history_page if "results" in text else feed.supplement)(text)
