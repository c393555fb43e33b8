"""Corporate actions in doubt, of all tickers of a ledger, as rows of Python."""

from ledger.market.ticker import normalize
from projections.actions import taped
from projections.api import disputes
from projections.api.disputes import DisputedAction
from projections.api.ledger import Ledger
from projections.queries.position import AsOf


def disputed_actions(
    ledger: Ledger, ticker: str | None = None, *, as_of: AsOf | None = None
) -> tuple[DisputedAction, ...]:
    """Return what the witnesses of corporate actions tell in two ways or know no size of: of every ticker, or of one.

    What a person decided is among them. Before an action of no known size adjusted prices are None.
    """
    log, view, _ = ledger.reads
    names = taped.tickers(view.state) if ticker is None else [normalize(ticker)]
    found = {name: disputes.seen(log, view.state, name, ledger.position(as_of), ledger.action_order) for name in names}
    return tuple(
        row for name, some in found.items() for row in disputes.rows(name, some) if row.state in disputes.IN_DOUBT
    )
