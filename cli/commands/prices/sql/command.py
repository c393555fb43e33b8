"""`main sql`: one SELECT over the ledger, as of any position."""

from pathlib import Path
from typing import Any

import click

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.prices.sql import row
from cli.context import ledgers, params, positions, series_option
from cli.render.renderers import PARQUET
from ledger.log_source import LogSource
from projections.queries.position import UpTo
from projections.store.store import View

MEMORY_MB, MEMORY_MAX_MB = 1024, 1024 * 1024


@click.command(
    epilog="""\b
Examples:
  main sql "select ticker, max(date) as last, count(*) as sessions from prices group by ticker"
  main sql "select date, close from adjusted where ticker = 'PETR4.SA' and date >= '2026-01-01'"
  main sql "select * from revisions where cause = 'correction'" --as-of 2026-01-31 --format json
  main sql "select type, count(*) from events group by all" --ledger backup.db
  main sql "describe prices"

\b
prices       a row a session: open, high, low, close, volume, provider, basis, seq, learned_at
adjusted     the same, with factor, adj_open, adj_high, adj_low, adj_close; null before what nobody
             knows the size of
revisions    a row a value that changed, first bars too: old, new, cause, seq, learned_at
actions      dividends, splits and all other corporate actions, of every provider
instruments  how each instrument is listed: ISIN, name, class, first and last session
market       every field of the exchange's own files: traded value, trades, average, bid, ask
logs         a row an attempt to ingest
events       the log itself: seq, recorded_at, type, stream, data as JSON

\b
Only these can be read: no file, no address, no setting, no second statement. One series stands for a
ticker, as everywhere, and retired ones are left out; --source says whose prices are read, and actions
stay those of every provider, as they adjust any. Times are UTC.

\b
Exit codes: 0 printed, 3 no ledger, or the query was refused, or a package is missing.
"""
)
@click.argument("query")
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew it then.  [default: now]")
@series_option.source_option
@click.option("--retired", is_flag=True, help="Retired series too.")
@click.option(
    "--memory-mb",
    type=click.IntRange(16, MEMORY_MAX_MB),
    default=MEMORY_MB,
    show_default=True,
    help="How much the query may take.",
)
@click.option("--out", type=params.OUT_FILE, help="Write a file.  [default: stdout]")
@ledgers.archive_option
@output.table_style_options
@click.pass_context
def sql(
    context: click.Context,
    /,
    query: str,
    *,
    as_of: UpTo | None,
    memory_mb: int,
    out: Path | None,
    style: Style,
    **given: Any,
) -> int:
    """Print what one SELECT finds in the ledger."""
    output.refuse_terminal(context, style, out)
    # Imported here: they are as slow as all the rest.
    from projections.relations.relations import Relations, RelationsAsked
    from projections.relations.sql import answered

    in_force = settings.load()
    order, action_order = in_force.price_sources, in_force.action_sources

    def found(log: LogSource, view: View) -> tuple[Any, int]:
        position = positions.reached(log, as_of)
        asked = RelationsAsked(position=position, order=order, action_order=action_order, **given)
        relations = Relations(log, view, asked)
        return answered(query, relations, memory_mb=memory_mb), len(relations.late)

    table, unadjusted = ledgers.answered(in_force, found)
    if unadjusted:
        late = f"{unadjusted} tickers are not adjusted from their first session on (null there)"
        output.say(f"{late}: main actions --disputed, main import-actions FILE", explains=False)
    if style.format == PARQUET:
        output.give([row.parquet_file(table)], out)
        return Exit.OK
    if not len(table):
        output.say("nothing to show", explains=False)
    # Rendered before anything is printed: an error of rendering comes alone.
    output.give(list(output.rendered(row.rows(table), style, row.layout(table, output.terminal_width(out)))), out)
    return Exit.OK
