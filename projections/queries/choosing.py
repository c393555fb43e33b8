"""Which series stand for their tickers as of a position: one of each ticker, as everywhere. Retired ones if asked."""

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import attrgetter

from ledger.ingest.providers import registry
from ledger.market.series import Series
from projections.models import decisions, metrics, prices, retirements
from projections.queries.sources import pick
from projections.store.store import View

_ticker = attrgetter("ticker")


def chosen(
    view: View,
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
    tables = view.state[prices.NAME]
    ended = {} if retired or tickers else retirements.in_force(view.state[metrics.NAME], position)
    candidates = [
        one
        for one in prices.all_series(tables)
        if source in {None, one.provider} and (one.ticker in tickers if tickers else one.ticker not in ended)
    ]
    if position < view.head.size:  # else all that is held was told of
        view.hold(candidates)
    found = []
    for _, known in groupby(candidates, key=_ticker):
        told = {
            one.provider: one
            for one in known
            if position >= view.head.size or any(made.rows for made in decisions.decisions(tables, one, position))
        }
        if told:
            found.append(told[pick(told, order)])
    return found


def quoting(
    view: View,
    position: int,
    *,
    order: Sequence[str],
    source: str | None = None,
    tickers: Collection[str] = (),
    retired: bool = False,
) -> list[Series]:
    """Return the series of each ticker whose provider tells more of a session than its bar; the rest is as in `chosen`.

    It may be another one than that which stands for the ticker's prices.
    """
    found: dict[str, Series] = {}
    for name in registry.quoting():
        if source in {None, name}:
            for one in chosen(view, position, order=order, source=name, tickers=tickers, retired=retired):
                found.setdefault(one.ticker, one)
    return [found[ticker] for ticker in sorted(found)]
