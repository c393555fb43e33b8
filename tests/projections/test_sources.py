"""The policy that picks a provider."""

import pytest

from projections.keys import text_key
from projections.memory_tables import MemoryTable
from projections.sources import pick


@pytest.mark.parametrize(
    ("held", "order", "picked"),
    [
        (["yfinance", "cotahist"], ["yfinance", "cotahist"], "yfinance"),
        (["yfinance", "cotahist"], ["cotahist", "yfinance"], "cotahist"),
        (["cotahist"], ["yfinance", "cotahist"], "cotahist"),
        (["cotahist"], ["yfinance"], None),
        (["sample"], ["yfinance", "cotahist"], "sample"),
        (["sample"], [], "sample"),
        ([], ["yfinance", "cotahist"], None),
    ],
)
def test_the_first_in_the_order_that_has_the_ticker(held: list[str], order: list[str], picked: str | None) -> None:
    """The sample, alone in its ledger, comes after any order; another ticker's providers do not count."""
    table = MemoryTable()
    for provider in held:
        table.put(text_key("PETR4.SA", provider), b"")
    table.put(text_key("VALE3.SA", "yfinance"), b"")
    assert picked == pick({"series": table}, "PETR4.SA", order)
