"""`main diff`: a series at two positions, compared."""

from datetime import date

import click
import msgspec

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, positions, series_option, ticker_option
from cli.render import money
from ledger.errors import NothingToShowError
from projections.api.series_rows import quantity
from projections.models import prices, units
from projections.models.units import Quantity
from projections.queries.bar_fields import apart, relative
from projections.queries.position import UpTo


class DiffRow(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one session that differs; prices in reais, volume in shares.

    A session that only one side has is one row of its close, null on the other side.
    """

    ticker: str
    date: date
    field: str
    old: Quantity | None
    new: Quantity | None
    change: float | None  # new/old - 1
    provider: str


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
    with ledgers.reading(settings.load()) as log, ledgers.view_of(log) as view:
        series = series_option.one(view.state, ticker, source)
        before, after = (
            prices.bars(view.state["prices"], series, positions.reached(log, reach)) for reach in (old, new)
        )
    if not before and not after:
        raise NothingToShowError(f"no session of {ticker} at either position", wanted="at least one")
    found = [
        DiffRow(
            ticker=series.ticker,
            date=change.date,
            field=change.field,
            old=quantity(change.field, change.old),
            new=quantity(change.field, change.new),
            change=relative(change.old, change.new),
            provider=series.provider,
        )
        for change in apart(before, after)
    ]
    output.show(found, style, text=text)
    return Exit.WARNING if found else Exit.OK


def text(one: DiffRow) -> str:
    """Return the difference on one line."""
    old, new = ("-" if value is None else f"{units.number(value)}" for value in (one.old, one.new))
    return f"{one.date}  {one.field:<9}  {old} -> {new}  {money.change_text(one.change)}"
