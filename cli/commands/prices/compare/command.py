"""`main compare`: whether two providers agree on a ticker, such as the exchange and the daily provider."""

from typing import Any

import click

from cli.app import exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import SOURCES
from cli.commands.prices.compare import row
from cli.context import ledgers, params, ticker_option
from projections.api.comparing import Pair, compared
from projections.queries.compare import COMPARED

WORST = 10


@click.command(
    epilog="""\b
Examples:
  main compare --ticker PETR4
  main compare --ticker PETR4 --start 2025-01-01 --end 2025-12-31 --format json
  main compare --ticker PETR4 --field open --field high --field low --field close
  main compare --ticker PETR4 --field adj_close --field volume

\b
Prices up to R$ 0.01 apart, as they were traded, agree; below R$ 0.10, or where neither is as traded,
those within 1 in 10,000 do. A series as traded is compared on the other one's basis: divided by the
splits that the other one is adjusted for. Dividends change no price that was traded.

\b
--field adj_close holds a provider's own adjusted closes against the other one's closes as this
ledger adjusts them (main prices --adjusted), up to the ratio of the newest session; --field volume
shares, on the same basis as the prices. Those within 1 in 10,000 agree.

\b
Exit codes: 0 all agree, 1 some differ, 3 no session that both hold, or nothing known to adjust by.
"""
)
@ticker_option.option("Whose prices.", required=True)
@click.option("--a", type=click.Choice(SOURCES), default=SOURCES[0], show_default=True, help="One provider.")
@click.option("--b", type=click.Choice(SOURCES), default=SOURCES[1], show_default=True, help="The other one.")
@click.option("--start", type=params.DATE, help="First session.")
@click.option("--end", type=params.DATE, help="Last session.")
@click.option(
    "--field",
    "fields",
    type=click.Choice(COMPARED),
    multiple=True,
    default=("close",),
    show_default=True,
    help="Which price, or the volume; may be repeated.",
)
@click.option("--limit", type=params.COUNT_OR_NONE, default=WORST, show_default=True, help="List the worst so many.")
@ledgers.archive_option
@output.style_options
@click.pass_context
def compare(context: click.Context, /, *, limit: int, style: Style, **given: Any) -> int:
    """Hold one provider's prices of a ticker against another's, session by session."""
    pair = Pair(**given, order=settings.load().action_sources)
    params.refuse_backwards(context, pair.start, pair.end)
    if pair.a == pair.b:
        context.fail(f"got {pair.a} as --a and as --b, want two providers")
    found = ledgers.answered(settings.load(), lambda _, view: compared(view.state, pair, limit=limit))
    output.report([found], style, text=row.text)
    why = f"{pair.ticker}: sessions in which {pair.a} and {pair.b} differ: {found.differing}"
    return exits.ended(Exit.WARNING if found.differing else Exit.OK, why)
