"""Which provider's series stands for a ticker: a policy, since prices of two providers never blur into one. Pure."""

from collections.abc import Sequence

from projections import prices
from projections.tables import Tables

SAMPLE = "sample"  # alone in a ledger of its own, so it can follow any order


def pick(tables: Tables, ticker: str, order: Sequence[str]) -> str | None:
    """Return the first provider in `order` that has a series of `ticker`, None where none has; one short scan.

    The sample's own ledger holds nothing else, so the sample comes last in every order.
    """
    known = {series.provider for series in prices.all_series(tables, ticker)}
    return next((provider for provider in (*order, SAMPLE) if provider in known), None)
