"""`main market`: every instrument of one session."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import click
import msgspec

from cli.app import output, settings
from cli.app.errors import NotImportedError
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.market import table
from cli.commands.market.class_option import class_option
from cli.context import days, ledgers, params, positions
from ledger.log_source import LogSource
from ledger.market.asset_class import AssetClass
from projections.api import market_rows
from projections.api.rows import MarketPrice
from projections.models import metrics, retirements
from projections.models.retirements import Retirement
from projections.queries.position import UpTo
from projections.store.store import View

NAMES = (
    *("date", "ticker", "asset_class", "open", "high", "low", "close", "average", "bid", "ask"),
    *("volume", "value", "trades", "isin", "name", "specification", "market", "bdi", "currency", "factor"),
    *("distribution", "strike", "expiry", "term"),
)
SORTED_UP = ("ticker", "name", "asset_class", "isin", "expiry")  # the others from the largest down
SORTS = (*SORTED_UP, "open", "high", "low", "close", "average", "bid", "ask", "volume", "value", "trades", "strike")
WIDTHS = (-25, -9, 10, 10, 10, 10, 13, 17, 7, -12)
HEADING = ("ticker", "class", "open", "high", "low", "close", "volume", "value", "trades", "name")


class MarketOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which instruments of which session, as the ledger knew it when; None leaves a bound out."""

    day: date
    asset_class: AssetClass | None
    market_code: str | None
    as_of: UpTo | None
    retired: bool

    def takes(self, one: MarketPrice) -> bool:
        """Return whether the instrument is of the class and market asked for."""
        return self.asset_class in {None, one.asset_class} and self.market_code in {None, one.market}


@click.command(
    epilog="""\b
Examples:
  main market --on 2024-11-08 --limit 20
  main market --on 2024-11-08 --class fii --sort trades
  main market --on 2024-11-08 --market 010 --format csv > session.csv
  main market --on 2024-11-08 --as-of 2024-11-09   as it was first imported

\b
Exit codes: 0 printed, 3 no instrument of what was asked for.
"""
)
@click.option("--on", "day", type=params.DATE, required=True, help="The session.")
@class_option
@click.option("--market", "market_code", metavar="TPMERC", help="Only of this market (TPMERC), such as 010 for cash.")
@click.option(
    "--sort",
    type=click.Choice(SORTS),
    metavar="FIELD",
    default="value",
    show_default=True,
    help=f"By which field: {', '.join(SORTS)}.",
)
@click.option("--limit", type=params.COUNT, help="Print so many.")
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew it then.  [default: now]")
@click.option("--retired", is_flag=True, help="With series that a person retired.")
@ledgers.archive_option
@output.csv_style_options
@click.pass_context
def market(context: click.Context, /, *, sort: str, limit: int | None, style: Style, **given: Any) -> int:
    """Print the whole market of one session, a row an instrument, the most traded first.

    By the exchange's own files (main import-cotahist): prices, volume, traded value, trades,
    and how each instrument was listed that day. The class is that of its ISIN.
    """
    asked = MarketOptions(**given)
    day = asked.day
    days.refuse_closed(context, day)
    traded, ended = ledgers.answered(settings.load(), partial(_traded, asked=asked))
    found = [one for one in traded if one.ticker not in ended]
    if not found:
        raise NotImportedError(f"no instrument traded on {day}", period=day)
    rows = list(filter(asked.takes, found))
    if not rows:
        raise NotImportedError(f"{len(found)} instruments on {day}, none of what was asked for", period=day)
    rows.sort(key=lambda one: _place(one, sort))
    shown = rows[:limit]
    columns = table.columns_of(HEADING, WIDTHS, _cells)
    table.show(shown, style, table.layout(NAMES, text, columns), table.heading_of(HEADING, WIDTHS))
    if len(shown) < len(traded):
        left = len(traded) - len(found)
        without = f", {left} retired ones left out (--retired)" if left else ""
        output.say(f"{len(shown)} of {len(traded)} instruments{without}", explains=False)
    return Exit.OK


def _traded(log: LogSource, view: View, *, asked: MarketOptions) -> tuple[list[MarketPrice], Mapping[str, Retirement]]:
    """Return what traded in the session, and which tickers are retired and left out for it."""
    position = positions.reached(log, asked.as_of)
    traded = list(market_rows.session(log, view.state, asked.day, position))
    return traded, {} if asked.retired else retirements.in_force(view.state[metrics.NAME], position)


def text(one: MarketPrice) -> str:
    """Return the instrument on one line."""
    return table.line(_cells(one), WIDTHS)


def _cells(one: MarketPrice) -> tuple[object, ...]:
    prices = (table.price(price) for price in (one.open, one.high, one.low, one.close))
    traded = (one.volume, table.price(one.value), "-" if one.trades is None else one.trades)
    return (one.ticker, one.asset_class, *prices, *traded, one.name)


def _place(one: MarketPrice, sort: str) -> tuple[bool, object, str]:
    """Return what a row is sorted by: those without the field come last, those alike by ticker."""
    value = getattr(one, sort)
    if value is not None and sort not in SORTED_UP:
        value = -Decimal(value)
    return value is None, "" if value is None else value, one.ticker
