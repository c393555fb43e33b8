"""A quote belongs to one series, by its market, its code, and what its market adds to the code."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ingest.providers.cotahist.identity import UnnamedQuote, identity
from ledger.market.ticker import normalize
from tests.support.cotahist import line

DAY = date(2025, 1, 2)
MARKETS = ("010", "012", "013", "017", "020", "021", "030", "050", "060", "070", "080")


def found(code: str, *, day: date = DAY, **fields: Any) -> str | UnnamedQuote:
    """Return what a quote under `code` is found to be."""
    return identity(line(day, code, **fields))


@pytest.mark.parametrize(
    ("code", "fields", "ticker"),
    [
        ("PETR4", {}, "PETR4.SA"),
        ("TAEE11", {}, "TAEE11.SA"),
        ("A1MD34", {}, "A1MD34.SA"),
        ("PETR1", {}, "PETR1.SA"),  # a right
        ("PETR9", {}, "PETR9.SA"),  # a receipt
        ("PETR4F", {"market": "020"}, "PETR4F.SA"),
        ("PETR4", {"market": "020"}, "PETR4@M020.SA"),  # two lots under one code never meet
        ("PETR4", {"market": "017"}, "PETR4@M017.SA"),
        ("PETR4Q", {"market": "021"}, "PETR4Q@M021.SA"),
        ("PETR4T", {"market": "030", "term": "030"}, "PETR4T@T030.SA"),
        ("PETR4T", {"market": "030", "term": "5"}, "PETR4T@T005.SA"),
        ("BBASA45", {"market": "070", "expiry": "20160118"}, "BBASA45@2016-01-18.SA"),
        ("BBASA45", {"market": "070", "expiry": "20241114"}, "BBASA45@2024-11-14.SA"),
        ("PETRW215W2", {"market": "080", "expiry": "20241108"}, "PETRW215W2@2024-11-08.SA"),
        ("PETRA100E", {"market": "012", "expiry": "20250117"}, "PETRA100E@2025-01-17.SA"),
        ("PETRM100E", {"market": "013", "expiry": "20250117"}, "PETRM100E@2025-01-17.SA"),
        ("VALE4", {"currency": "US$"}, "VALE4~USD.SA"),
        ("VAL4", {"currency": "CZ$"}, "VAL4~BRC.SA"),
        ("VALEA10", {"currency": "URV", "market": "070", "expiry": "19940620"}, "VALEA10@1994-06-20~URV.SA"),
    ],
)
def test_market_code_and_currency_name_a_series(code: str, fields: Mapping[str, str], ticker: str) -> None:
    """TPMERC decides what is added to the code; the name is a ticker in its only spelling."""
    assert ticker == found(code, **fields)
    assert ticker == normalize(ticker)


@pytest.mark.parametrize(
    ("day", "written", "currency"),
    [
        (date(1986, 2, 27), "CR$", "BRB"),
        (date(1986, 3, 3), "CZ$", "BRC"),
        (date(1989, 1, 16), "NCz$", "BRN"),
        (date(1990, 3, 19), "CR$", "BRE"),
        (date(1990, 3, 19), "Cr$", "BRE"),
        (date(1993, 7, 30), "CR$", "BRE"),
        (date(1993, 8, 2), "CR$", "BRR"),
        (date(1994, 6, 30), "CR$", "BRR"),
        (date(1994, 6, 30), "URV", "URV"),
    ],
)
def test_a_former_currency_is_named_by_its_code(day: date, written: str, currency: str) -> None:
    """Three currencies were written as cruzeiros: the day tells them apart, and they never share a series."""
    assert f"VALE4~{currency}.SA" == found("VALE4", day=day, currency=written)


@pytest.mark.parametrize(
    ("code", "fields", "reason"),
    [
        ("AB4", {}, "a code that is no ticker"),
        ("SEMNUM", {}, "a code that is no ticker"),
        ("petr4", {}, "a code that is no ticker"),
        ("PETR4.SA", {}, "a code that is no ticker"),
        ("^BVSP", {}, "a code that is no ticker"),
        ("VAL 4", {}, "a code that is no ticker"),
        (" PETR4", {}, "a code that is no ticker"),
        ("PETR\xc94", {}, "a code that is no ticker"),
        ("PETR4~BRR", {}, "a code that is no ticker"),
        ("PETR4@M017", {}, "a code that is no ticker"),
        ("", {}, "a code that is no ticker"),
        ("PETR4", {"currency": "XX$"}, "currency 'XX$ ', which is not known"),
        ("PETR4", {"currency": ""}, "currency '    ', which is not known"),
        ("PETR4T", {"market": "030"}, "term '   ', which is no number of days"),
        ("PETR4T", {"market": "030", "term": "3 0"}, "term '3 0', which is no number of days"),
        ("PETRA100", {"market": "070", "expiry": "20250230"}, "expiry '20250230', which is no day"),
        ("PETRA100", {"market": "070", "expiry": "00000000"}, "expiry '00000000', which is no day"),
        ("PETR4", {"market": "0x0"}, "market '0x0', which is no number"),
    ],
)
def test_what_names_no_series_says_why(code: str, fields: Mapping[str, str], reason: str) -> None:
    """It is left to be counted and named."""
    assert UnnamedQuote(code, reason) == found(code, **fields)


@given(
    st.text("ABW0159@~.- ", max_size=12),
    st.sampled_from(MARKETS),
    st.sampled_from(["20240115", "20250115", "99991231", "00000000"]),
    st.sampled_from(["030", "30", "090", ""]),
    st.sampled_from(["R$", "CR$", "CZ$", "US$", "?"]),
)
def test_quotes_that_differ_never_share_a_series(code: str, market: str, expiry: str, term: str, currency: str) -> None:
    """What a series is named by can be read back from its ticker, and stands in no path as more than a name."""
    ticker = found(code, market=market, expiry=expiry, term=term, currency=currency)
    if isinstance(ticker, UnnamedQuote):
        return
    assert ticker == normalize(ticker)
    assert not set(ticker) - set("@~.-ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    written, _, money = ticker.removesuffix(".SA").partition("~")
    back, _, mark = written.partition("@")
    same_market = {"012", "013", "070", "080"} if mark[:1].isdigit() else {"030"} if mark[:1] == "T" else {mark[1:]}
    assert code.rstrip() == back
    assert (currency == "R$") is (money == "")
    assert market in (same_market if mark else {"010", "020"})
    assert mark.replace("-", "") in {expiry, f"T{term:>03}", f"M{market}", ""}
