"""`main actions`: dividends, splits and capital gains, as they are known and as they were reported."""

import click

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, positions, series_option, ticker_option
from cli.render.escaping import escaped
from projections.api import series_rows
from projections.api.rows import CorporateAction
from projections.models import decisions, units
from projections.queries.position import UpTo

SHOWN_PLACES = 6  # of an amount, and as many more as it has


@click.command(
    epilog="""\b
Examples:
  main actions --ticker VALE3
  main actions --ticker VALE3 --as-of 2026-01-31 --format json
  main actions --ticker VALE3 --revisions

\b
Exit codes: 0 also when there are none, 3 no series.
"""
)
@ticker_option.option("Whose actions.", required=True)
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew them then.  [default: now]")
@click.option("--revisions", is_flag=True, help="Every change, oldest first, instead of what holds.")
@series_option.source_option
@ledgers.archive_option
@output.style_options
def actions(ticker: str, as_of: UpTo | None, source: str | None, *, revisions: bool, style: Style) -> int:
    """Print a ticker's corporate actions, as each provider tells of them.

    Within a provider the newest answer that names a kind of action on a day decides on it;
    one that a later answer lacks stays held, and is flagged.
    """
    with ledgers.reading(settings.load()) as log, ledgers.view_of(log) as view:
        position = positions.reached(log, as_of)
        tables = view.state["prices"]
        if source is not None or not decisions.judged(tables, ticker):
            series_option.judged(view.state, ticker, source)
        found = series_rows.actions_of(tables, ticker, source, position, every_change=revisions)
    output.show(found, style, text=text)
    return Exit.OK


def text(one: CorporateAction) -> str:
    """Return the action on one line."""
    if one.amount is None:
        value = f"{one.denominator} to {one.numerator}" if one.numerator else "-"
    else:
        _, _, places = str(one.amount).partition(".")
        value = f"{one.amount:.{max(SHOWN_PLACES, len(places))}f}"
    strike = "" if one.strike is None else f"  at {one.strike}"
    label = "" if one.label is None else f"  {escaped(one.label)}"
    learned = f"learned {units.exact_text(one.learned_at)}  seq {one.seq}"
    return f"{one.date}  {one.kind:<12}  {value:>12}  {one.cause:<10}  {learned}  {one.provider}{label}{strike}"
