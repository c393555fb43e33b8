"""The policy that picks a provider."""

import pytest

from projections.queries.sources import pick


@pytest.mark.parametrize(
    ("held", "order", "picked"),
    [
        (["yfinance", "cotahist"], ["yfinance", "cotahist"], "yfinance"),
        (["yfinance", "cotahist"], ["cotahist", "yfinance"], "cotahist"),
        (["cotahist"], ["yfinance", "cotahist"], "cotahist"),
        (["sample"], ["yfinance", "cotahist"], "sample"),
        (["sample"], [], "sample"),
        (["cotahist", "sample"], ["yfinance"], "sample"),
        (["zzz", "cotahist"], ["yfinance"], "cotahist"),
    ],
)
def test_the_first_in_the_order_then_the_sample_then_any(held: list[str], order: list[str], picked: str) -> None:
    """The sample is alone in its ledger; a provider that nobody ranked is better than none."""
    assert picked == pick(held, order)


def test_nobody_is_picked_of_nobody() -> None:
    """The caller's mistake."""
    with pytest.raises(ValueError, match="got no provider"):
        pick([], ["yfinance"])
