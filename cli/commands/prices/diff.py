"""`main diff`: a series at two positions, compared."""

from datetime import date

import click

from cli.app import exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, positions, series_option, ticker_option
from cli.render import money
from cli.render.table import TableColumn
from ledger.errors import NothingToShowError
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.values import Bar
from projections.api import series_rows
from projections.api.rows import DiffRow
from projections.models import prices, units
from projections.queries.position import UpTo
from projections.store.store import View


@click.command(
    epilog="""\b
Examples:
  main diff --ticker PETR4 --from 2026-01-31 --to 2026-02-13
  main diff --ticker PETR4 --from 120 --to 180 --format json

\b
Exit codes: 0 alike, 1 they differ, 3 no session held at either.
"""
)
@ticker_option.option("Whose prices.", required=True)
@click.option("--from", "old", type=params.UP_TO, required=True, help="As the ledger knew them then.")
@click.option("--to", "new", type=params.UP_TO, required=True, help="As it knew them at this later time.")
@series_option.source_option
@ledgers.archive_option
@output.style_options
def diff(ticker: str, old: UpTo, new: UpTo, source: str | None, style: Style) -> int:
    """Print where a ticker's prices differ between two positions of the log."""

    def held(log: LogSource, view: View) -> tuple[Series, dict[date, Bar], dict[date, Bar]]:
        series = series_option.one(view.state, ticker, source)
        before, after = (
            prices.bars(view.state["prices"], series, positions.reached(log, reach)) for reach in (old, new)
        )
        return series, before, after

    series, before, after = ledgers.answered(settings.load(), held)
    if not before and not after:
        raise NothingToShowError(f"no session of {ticker} at either position", wanted="at least one")
    found = list(series_rows.differences(series, before, after))
    output.show(found, style, text=text, table=TABLE)
    return exits.ended(Exit.WARNING if found else Exit.OK, f"{ticker}: sessions that differ: {len(found)}")


def text(one: DiffRow) -> str:
    """Return the difference on one line."""
    old, new = ("-" if value is None else f"{units.number(value)}" for value in (one.old, one.new))
    return f"{one.date}  {one.field:<9}  {old} -> {new}  {money.change_text(one.change)}"


# What a terminal shows.
TABLE: tuple[TableColumn[DiffRow], ...] = (
    TableColumn("DATE", lambda one: one.date),
    TableColumn("FIELD", lambda one: one.field),
    TableColumn("OLD", lambda one: "-" if one.old is None else units.number(one.old), is_number=True),
    TableColumn("NEW", lambda one: "-" if one.new is None else units.number(one.new), is_number=True),
    TableColumn("CHANGE", lambda one: money.change_text(one.change), is_number=True),
)
