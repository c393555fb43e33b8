"""Which series stand for their tickers as of a position: one of each ticker, as everywhere. Retired ones if asked."""

from collections.abc import Collection, Sequence
from itertools import groupby
from operator import attrgetter

import msgspec
from msgspec.structs import replace

from ledger.ingest.providers import registry
from ledger.market.series import Series
from projections.models import decisions, metrics, prices, retirements
from projections.queries.sources import pick
from projections.store.store import View

_ticker = attrgetter("ticker")


class SeriesWanted(msgspec.Struct, frozen=True, kw_only=True):
    """Whose series of which tickers: of each the first by `order`, or the `source`'s.

    Where `tickers` are named it is those alone; else none that was retired, unless `retired` ones are wanted too.
    Of all these, `among` tells which tickers are looked at (None: every one).
    """

    order: Sequence[str]
    source: str | None = None
    tickers: Collection[str] = ()
    retired: bool = False
    among: Collection[str] | None = None


def chosen(view: View, position: int, wanted: SeriesWanted) -> list[Series]:
    """Return the series that are `wanted`, by ticker, of those that were told of by `position`.

    What came later changes nothing: who was retired by then is.
    """
    tables, tickers = view.state[prices.NAME], wanted.tickers
    ended = {} if wanted.retired or tickers else retirements.in_force(view.state[metrics.NAME], position)
    candidates = [
        one
        for one in prices.all_series(tables)
        if wanted.source in {None, one.provider}
        and (one.ticker in tickers if tickers else one.ticker not in ended)
        and (wanted.among is None or one.ticker in wanted.among)
    ]
    if position < view.head.size:  # else all that is held was told of
        view.hold(candidates, position)
    found = []
    for _, known in groupby(candidates, key=_ticker):
        told = {
            one.provider: one
            for one in known
            if position >= view.head.size or any(made.rows for made in decisions.decisions(tables, one, position))
        }
        if told:
            found.append(told[pick(told, wanted.order)])
    return found


def quoting(view: View, position: int, wanted: SeriesWanted) -> list[Series]:
    """Return what `chosen` does, of the providers alone that tell more of a session than its bar.

    It may be another one than that which stands for the ticker's prices.
    """
    found: dict[str, Series] = {}
    for name in registry.quoting():
        if wanted.source in {None, name}:
            for one in chosen(view, position, replace(wanted, source=name)):
                found.setdefault(one.ticker, one)
    return [found[ticker] for ticker in sorted(found)]
