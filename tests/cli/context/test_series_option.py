"""Which series is read when a ticker has several."""

import pytest

from cli.context import series_option
from ledger.errors import NothingToShowError
from ledger.market.series import Series
from projections.fold.keys import text_key
from projections.fold.memory_tables import MemoryTable
from projections.fold.tables import State


def state(*series: tuple[str, str]) -> State:
    """Return read models that hold these (ticker, provider)."""
    table = MemoryTable()
    for ticker, provider in series:
        table.put(text_key(ticker, provider), b"")
    return {"prices": {"series": table, "newest": MemoryTable()}}


BOTH = state(("PETR4.SA", "cotahist"), ("PETR4.SA", "yfinance"), ("VALE3.SA", "cotahist"), ("VALE3.SA", "zzz"))


@pytest.mark.parametrize(
    ("ticker", "source", "provider"),
    [
        ("PETR4.SA", None, "yfinance"),
        ("PETR4.SA", "cotahist", "cotahist"),
        ("VALE3.SA", None, "cotahist"),
        ("VALE3.SA", "zzz", "zzz"),
    ],
)
def test_one_series_is_the_source_named_or_the_first_preferred(ticker: str, source: str | None, provider: str) -> None:
    """A provider that nobody ranked comes last."""
    assert Series(ticker, provider) == series_option.one(BOTH, ticker, source)


def test_the_order_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """PRICE_SOURCES; a source that is named wins over it."""
    monkeypatch.setenv("PRICE_SOURCES", "cotahist,yfinance")
    assert ["cotahist", "yfinance"] == [
        series_option.one(BOTH, "PETR4.SA", name).provider for name in (None, "yfinance")
    ]


def test_all_series_come_in_order() -> None:
    """Of a ticker, of a source, or both."""
    assert [("PETR4.SA", "cotahist"), ("VALE3.SA", "cotahist")] == [
        (one.ticker, one.provider) for one in series_option.some(BOTH, None, "cotahist")
    ]
    assert 4 == len(series_option.some(BOTH, None, None))


def test_a_source_without_the_ticker_is_refused_with_those_that_have_it() -> None:
    """Rather than answered from another one."""
    with pytest.raises(NothingToShowError, match=r"got no series of PETR4.SA from zzz, want one from cotahist or yf"):
        series_option.one(BOTH, "PETR4.SA", "zzz")
    with pytest.raises(NothingToShowError, match="got no series of any ticker, want one that was ingested"):
        series_option.some(state(), None, None)
