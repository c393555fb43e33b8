"""Which series stand for their tickers as of a position: one of each ticker, as everywhere. Retired ones if asked."""

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import attrgetter

from ledger.market.series import Series
from projections.fold.tables import State
from projections.models import decisions, metrics, prices, retirements
from projections.queries.sources import pick

_ticker = attrgetter("ticker")


def chosen(
    state: State,
    position: int,
    *,
    order: Sequence[str],
    source: str | None = None,
    tickers: Collection[str] = (),
    retired: bool = False,
) -> list[Series]:
    """Return the series of each ticker that is first by `order`, or the `source`'s, by ticker.

    Of those that were told of by `position`, so that what came later changes nothing. Where `tickers` are named it is
    those alone; else none that was retired by then, unless `retired` ones are wanted too.
    """
    tables = state[prices.NAME]
    ended = {} if retired or tickers else retirements.in_force(state[metrics.NAME], position)
    found = []
    for ticker, known in groupby(prices.all_series(tables), key=_ticker):
        if ticker in ended or (tickers and ticker not in tickers):
            continue
        told = {
            one.provider: one
            for one in known
            if source in {None, one.provider} and any(made.rows for made in decisions.decisions(tables, one, position))
        }
        if told:
            found.append(told[pick(told, order)])
    return found
