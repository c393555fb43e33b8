"""The exchange's own prices of a ticker, and its count of changes of rights, as of any position. Pure."""

from collections import defaultdict
from functools import lru_cache

from ledger.ingest.providers import registry
from ledger.market.series import Series
from projections.actions.tape import NO_TAPE, RightsCount, Tape
from projections.fold.tables import State
from projections.models import decisions, instruments, metrics, prices

NOMINAL = "ATZ"  # the mark of an update in name: no value leaves


def tape(state: State, ticker: str, position: int | None = None) -> Tape:
    """Return what the exchange's own prices of a ticker show once `position` events are read (None: all).

    Costs the versions and the listings of that series.
    """
    tables = state[prices.NAME]
    judged = decisions.judged(tables, ticker)
    for name in registry.price_names("real"):
        if has_tape(name) and name in judged:
            series = Series(ticker, name)
            bars = prices.bars(tables, series, position)
            listed = instruments.described(state[instruments.NAME], series, position)
            counts = {
                day: _count(one.isin, one.distribution, one.specification) for day, one in listed.items() if day in bars
            }
            return Tape(bars, counts)
    return NO_TAPE


def has_tape(provider: str) -> bool:
    """Return whether the prices of `provider` are the exchange's own, as traded."""
    return provider in registry.price_names("real") and registry.described(provider).basis == "as_traded"


def tickers(state: State) -> list[str]:
    """Return the tickers of whose actions more can be said than one provider of prices says; one scan of tallies.

    Of those whose actions somebody was asked for, the exchange's own prices say more too.
    """
    named: dict[str, set[str]] = defaultdict(set)
    taped = set()
    for run in metrics.runs(state[metrics.NAME]):
        if registry.names_actions(run.provider):
            named[run.ticker].add(run.provider)
        elif has_tape(run.provider):
            taped.add(run.ticker)
    return sorted(
        ticker
        for ticker, providers in named.items()
        if len(providers) > 1 or ticker in taped or not any(map(registry.has_sessions, providers))
    )


@lru_cache(maxsize=1024)  # a listing holds for hundreds of sessions, each of which has its count
def _count(isin: str, changes: int | None, specification: str) -> RightsCount:
    return RightsCount(isin, changes, NOMINAL in specification.split())
