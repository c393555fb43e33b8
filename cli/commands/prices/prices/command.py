"""`main prices`: a ticker's prices, now or as they were known then."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import msgspec
from msgspec.structs import replace

from cli.app import output, settings
from cli.app.errors import NotImportedError
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.prices.prices import row, table
from cli.context import adjustment, days, ledgers, params, positions, series_option, ticker_option
from cli.render.renderers import TEXT, Layout
from ledger.errors import NothingToShowError
from ledger.ingest.providers import registry
from ledger.log_source import LogSource
from projections.api import series_rows
from projections.api.rows import AdjustedPrice, Price
from projections.models import prices as prices_of
from projections.queries.position import UpTo
from projections.store.store import View

if TYPE_CHECKING:
    from projections.queries.adjusted import AdjustmentScope, KnownActions


class PricesOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Whose prices, of which days, as of when and by whose word; adjusted, under other codes too, or all fields."""

    ticker: str
    start: date | None
    end: date | None
    as_of: UpTo | None
    source: str | None
    adjusted: "AdjustmentScope | None"
    continued: bool
    fields: bool


@click.command(
    epilog="""\b
Examples:
  main prices --ticker PETR4 --start 2026-01-01
  main prices --ticker PETR4 --as-of 2026-01-31 --format csv
  main prices --ticker VALE3 --adjusted --format json
  main prices --ticker VALE3 --adjusted splits
  main prices --ticker BHIA3 --continued   with what it was as VIIA3
  main prices --ticker PETR4 --fields    with traded value, trades, bid, ask and more
  main prices --ticker PETR4 --format parquet --out petr4.parquet

\b
Exit codes: 0 printed, 3 no session held of what was asked for, nothing known to adjust
it by, or a package is missing.
"""
)
@ticker_option.option("Whose prices.", required=True)
@click.option("--start", type=params.DATE, help="First session.")
@click.option("--end", type=params.DATE, help="Last session.")
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew them then.  [default: now]")
@adjustment.adjusted_option(
    "Beside them, adjusted for the splits and their like known then, or for all actions.  [all, where alone]"
)
@click.option("--continued", is_flag=True, help="With its other codes, as main retire joined them.")
@click.option("--fields", is_flag=True, help="With all that the exchange's file says of each session.")
@click.option("--out", type=params.OUT_FILE, help="The file to write.  [default: stdout]")
@series_option.source_option
@ledgers.archive_option
@output.table_style_options
@click.pass_context
def prices(context: click.Context, /, *, out: Path | None, style: Style, **given: Any) -> int:
    """Print a ticker's prices, now or as the ledger knew them then.

    CSV without --adjusted is the snapshot of those sessions, byte for byte.
    Adjusted prices are worked out here, by the exchange's own formula, and never taken from the
    provider, whose own adjusted close stands beside them. The exchange's files of prices tell of no
    actions: those of main import-actions, of --provider b3 and of the daily provider are used, in
    the order of ACTION_SOURCES. They begin after the last action of no known size.

    With --continued they begin under the oldest code that a person recorded to go on as this
    one, and end under the newest, all on the newest one's scale.

    With --fields they are those of the exchange's own files: traded value, trades, average, best
    bid and ask, and how the paper was listed that day.
    """
    asked = PricesOptions(**given)
    params.refuse_backwards(context, asked.start, asked.end)
    output.refuse_terminal(context, style, out)
    if asked.fields and (asked.adjusted or asked.continued):
        context.fail("got --fields with --adjusted or --continued, want one of them")
    layout, heading = _layout(asked, out)
    # Rendered before anything is printed: an error of rendering comes alone. One piece: a write per line costs more.
    content, words = ledgers.answered(settings.load(), partial(_rendered, asked=asked, style=style, layout=layout))
    if style.format == TEXT and heading is not None:
        output.say(heading)
    for line in words:
        output.say(line)
    output.give([content], out)
    return Exit.OK


def _rendered(
    log: LogSource, view: View, *, asked: PricesOptions, style: Style, layout: Layout[Price]
) -> tuple[bytes, list[str]]:
    """Return the rows as they are printed, and what is to be said of them.

    Raises: NothingToShowError; as `adjustment.require_adjusted` does.
    """
    position = positions.reached(log, asked.as_of)
    rows = _quoted(log, view, position, asked) if asked.fields else _rows(view, position, asked)
    found = series_rows.within(rows, asked.start, asked.end)
    known: KnownActions | None = None
    if asked.adjusted and not asked.continued:
        series = series_option.one(view.state, asked.ticker, asked.source)
        known = adjustment.known(view, series, position, found)
    if not found:
        where = f"{asked.ticker}{days.between(asked.start, asked.end)} in the first {position} events"
        raise NothingToShowError(f"no session of {where}", wanted="at least one")
    adjustment.require_adjusted(found, asked.ticker, known)
    words = (
        adjustment.unadjusted(found, known),
        row.disagreement(cast("Sequence[AdjustedPrice]", found)) if asked.adjusted == adjustment.FOR_ALL else None,
    )
    return b"".join(output.rendered(found, style, layout)), [one for one in words if one]


def _layout(asked: PricesOptions, out: Path | None) -> tuple[Layout[Price], str | None]:
    """Return how the rows are printed, and the names over their columns where the lines themselves have none."""
    layout = row.ADJUSTED_LAYOUT if asked.adjusted else row.FIELDS_LAYOUT if asked.fields else row.LAYOUT
    width = output.terminal_width(out)
    if layout is row.LAYOUT or width is None:
        return layout, row.heading(adjusted=asked.adjusted is not None, fields=asked.fields)
    return replace(layout, lines=partial(table.lines, width=width)), None


def _quoted(log: LogSource, view: View, position: int, asked: PricesOptions) -> Sequence[Price]:
    """Return a row per session with every field of the exchange's file, oldest first.

    Raises: NothingToShowError; NotImportedError for a series of bars alone.
    """
    # Imported here, as below: bars alone need neither evidence nor its readers.
    from projections.api import market_rows

    held = {series.provider for series in prices_of.all_series(view.state["prices"], asked.ticker)}
    quoting = next((one for one in registry.quoting() if one in held), None)
    series = series_option.one(view.state, asked.ticker, asked.source or quoting)
    rows = list(market_rows.fields(log, view.state["prices"], series, position))
    if not rows:
        raise NotImportedError(f"nothing but bars of {asked.ticker} from {series.provider}", period=None)
    return rows


def _rows(view: View, position: int, asked: PricesOptions) -> Sequence[Price]:
    """Return a row per session, oldest first.

    Raises: NothingToShowError.
    """
    rule = adjustment.rule(asked.adjusted) if asked.adjusted else None
    rows: Sequence[Price]
    if asked.continued:
        # Imported here: exact fractions cost as much as everything else that prices need.
        from projections.api import continued as joined

        chosen = partial(series_option.one, view.state, source=asked.source)
        rows = list(joined.continued(view.state, asked.ticker, position, chosen=chosen, adjusting=rule))
    else:
        series = series_option.one(view.state, asked.ticker, asked.source)
        rows = (
            series_rows.adjusted_prices(view.state, series, position, rule)
            if rule
            else series_rows.prices(view.state["prices"], series, position)
        )
    if not asked.adjusted:
        return rows
    return row.compared(cast("Sequence[AdjustedPrice]", rows), for_all=asked.adjusted == adjustment.FOR_ALL)
