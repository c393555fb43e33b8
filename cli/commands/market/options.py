"""`main options`: the option chain of a paper in one session."""

from datetime import date
from typing import Any, Literal

import click
import msgspec

from cli.app import output, settings
from cli.app.errors import NotImportedError
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.market import table
from cli.context import days, ledgers, params, positions
from ledger.log_source import LogSource
from projections.api import market_rows
from projections.api.rows import OptionPrice
from projections.queries.position import UpTo
from projections.store.store import View

NAMES = (
    *("date", "underlying", "underlying_close", "ticker", "kind", "strike", "expiry", "weekly"),
    *("open", "high", "low", "close", "average", "bid", "ask", "volume", "value", "trades"),
    *("isin", "specification", "market", "bdi", "currency", "factor", "correction", "strike_points"),
)
WIDTHS = (-10, -4, 10, -2, -25, 10, 10, 10, 10, 12, 7)
HEADING = ("expiry", "kind", "strike", "wk", "ticker", "close", "average", "bid", "ask", "volume", "trades")


class ChainOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which options on which paper in which session, as the ledger knew it when; None leaves a bound out."""

    underlying: str
    day: date
    expiry: date | None
    kind: Literal["call", "put"] | None
    as_of: UpTo | None

    def takes(self, one: OptionPrice) -> bool:
        """Return whether the option is of the expiry and kind asked for."""
        return self.expiry in {None, one.expiry} and self.kind in {None, one.kind}


@click.command(
    epilog="""\b
Examples:
  main options --underlying PETR4 --on 2024-11-08
  main options --underlying VALE3 --on 2024-11-08 --expiry 2024-11-14 --kind put
  main options --underlying IBOV --on 2024-11-08 --format csv > chain.csv

\b
Exit codes: 0 printed, 3 no option of what was asked for.
"""
)
@click.option("--underlying", type=params.TICKER, required=True, help="The paper, or the index, that they are on.")
@click.option("--on", "day", type=params.DATE, required=True, help="The session.")
@click.option("--expiry", type=params.DATE, help="Only what expires on this day.")
@click.option("--kind", type=click.Choice(["call", "put"]), help="Only calls, or only puts.")
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew it then.  [default: now]")
@ledgers.archive_option
@output.csv_style_options
@click.pass_context
def options(context: click.Context, /, *, style: Style, **given: Any) -> int:
    """Print the options on a paper that traded in one session, by expiry, kind and strike.

    By the exchange's own files, imported with --market all. An option is known by the ISIN of its
    underlying's issuer and by the class of the paper. W and a number mark a weekly one by the week
    of the month in which it expires; the others are monthly. A strike moves with what the paper
    pays: it is that of the session.
    """
    asked = ChainOptions(**given)
    underlying, day = asked.underlying, asked.day
    days.refuse_closed(context, day)

    def chain(log: LogSource, view: View) -> list[OptionPrice]:
        return list(market_rows.options(log, view.state, underlying, day, positions.reached(log, asked.as_of)))

    found = ledgers.answered(settings.load(), chain)
    rows = list(filter(asked.takes, found))
    if not rows:
        narrowed = f", which has {len(found)} others" if found else ""
        raise NotImportedError(f"no such option on {underlying} traded on {day}{narrowed}", period=day)
    if rows[0].underlying_close is not None:
        output.say(f"{underlying} closed at {rows[0].underlying_close}", explains=False)
    columns = table.columns_of(HEADING, WIDTHS, _cells)
    table.show(rows, style, table.layout(NAMES, text, columns), table.heading_of(HEADING, WIDTHS))
    return Exit.OK


def text(one: OptionPrice) -> str:
    """Return the option on one line."""
    return table.line(_cells(one), WIDTHS)


def _cells(one: OptionPrice) -> tuple[object, ...]:
    prices = (table.price(price) for price in (one.close, one.average, one.bid, one.ask))
    contract = (one.expiry or "-", one.kind, table.price(one.strike), f"W{one.weekly}" if one.weekly else "")
    return (*contract, one.ticker, *prices, one.volume, "-" if one.trades is None else one.trades)
