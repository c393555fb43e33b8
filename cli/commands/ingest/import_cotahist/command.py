"""`main import-cotahist`: the exchange's own files into the ledger."""

from pathlib import Path

import click

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.ingest.import_cotahist import row as import_row
from cli.commands.ingest.import_cotahist.row import ImportRow
from cli.commands.ingest.import_cotahist.worker import ImportOptions, worker_for
from cli.commands.ingest.run.command import Logged
from cli.context import clock_option, params
from ledger.ingest.providers.cotahist.importing import Market, Selection

FILE = params.EXISTING_FILE


@click.command(
    "import-cotahist",
    epilog="""\b
Examples:
  main import-cotahist COTAHIST_A2025.ZIP
  main import-cotahist COTAHIST_A2024.ZIP COTAHIST_D12022026.TXT --ticker PETR4 --format json
  main import-cotahist COTAHIST_A2025.ZIP --market all --dry-run --refused

\b
A file is known by its header, not by its name, and is read to its trailer before anything is
appended. The same file twice appends nothing. Prices are as traded: never adjusted, and kept
apart from those of any other provider. Every record is in exactly one of the counts.

\b
An option is a series by code and expiry (BBASA45@2024-11-14.SA), a forward by its term
(PETR4T@T030.SA), an auction or block by its market (PETR4@M017.SA), prices in a former currency by
that (PETR4~BRR.SA); each of these names is a ticker in every command.

\b
Exit codes: 1 a file was refused, or had rows rejected or flagged, days withdrawn or not final yet, or
nothing that was asked for; 2 every file was refused, or one had all tickers rejected; 3 another import is at work.
""",
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=FILE)
@click.option(
    "--market",
    type=click.Choice(["spot", "all"]),
    default="spot",
    show_default=True,
    help="Standard lots on the spot market, or fractional lots, options, forwards, auctions and all the rest too.",
)
@click.option("--ticker", "tickers", type=params.TICKER, multiple=True, help="Only this ticker; may be repeated.")
@click.option("--refused", is_flag=True, help="Name everything that was refused, and why; else the first ten.")
@click.option("--dry-run", is_flag=True, help="Read and judge; write nothing at all.")
@click.option("--must-exist", is_flag=True, help="Refuse to create a ledger (for cron).")
@clock_option.option
@output.style_options
def import_cotahist(  # noqa: PLR0913 - an option each
    files: tuple[Path, ...],
    market: Market,
    tickers: tuple[str, ...],
    *,
    refused: bool,
    dry_run: bool,
    must_exist: bool,
    style: Style,
) -> int:
    """Import daily prices from COTAHIST files, ZIP or TXT, a year, a month or a day each."""
    selection = Selection(market=market, tickers=frozenset(tickers))
    options = ImportOptions(files, selection, dry_run=dry_run, must_exist=must_exist, all_refused=refused)
    return run(settings.load(), options, style)


def run(in_force: Settings, options: ImportOptions, style: Style) -> Exit:
    """Import file by file, print a row each, and return the exit code."""
    die_with_parent()
    rows: list[ImportRow] = []
    with worker_for(in_force, options, Logged(in_force)) as worker:

        def imported(path: Path) -> ImportRow:
            rows.append(worker.work(path))
            return rows[-1]

        output.report(map(imported, options.files), style, text=import_row.text)
        # Where nobody read on, the work is done all the same.
        rows.extend(map(worker.work, options.files[len(rows) :]))
    for row in rows:
        for line in import_row.complaint(row) or ():
            output.say(line)
    return import_row.exit_code(rows, unable=worker.unable)
