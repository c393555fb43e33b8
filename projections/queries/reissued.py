"""What a file that a person brings says by leaving it out: tickers that are held in its days. Pure."""

from collections.abc import Collection, Iterator

from ledger.ingest.rules.ranks import outranks
from ledger.market.series import Series
from ledger.values import Rank, Window
from projections.fold.tables import State
from projections.models import metrics, prices, retirements


def lacking(state: State, provider: str, *, days: Window, rank: Rank, present: Collection[str]) -> Iterator[str]:
    """Yield each ticker that is held of `provider` in `days`, none of it by a younger file, and is not `present`.

    One that ended is history. Costs a look at every series of the provider.
    """
    ended = retirements.in_force(state[metrics.NAME])

    def wanted(ticker: str) -> bool:
        return ticker not in present and ticker not in ended

    for ticker, held in metrics.spans(state[metrics.NAME], provider, wanted):
        if held.end < days.start or days.end < held.start:
            continue
        tables, series = state[prices.NAME], Series(ticker, provider)
        found = prices.first_held(tables, series, days)
        known = prices.held_ranks(tables, series, days)
        if any(not outranks(known.get(day), rank) for day in found):
            yield ticker
