"""`main import-cotahist`: the exchange's own files into the ledger."""

import os
from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from importlib import import_module
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import click
from msgspec.structs import replace

from cli.app import clock, output, settings
from cli.app.exit_codes import Exit
from cli.app.logging_setup import Logged
from cli.app.output import Style
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.ingest import file_import
from cli.commands.ingest.import_cotahist import row as import_row
from cli.commands.ingest.import_cotahist.downloads import FOLDER, Downloads, PeriodType, check
from cli.commands.ingest.import_cotahist.row import ImportRow
from cli.commands.ingest.import_cotahist.worker import FileWorker, ImportOptions
from cli.context import clock_option, first_ledger, params
from ledger.ingest.plan import Observer
from ledger.ingest.providers.cotahist.download import Period
from ledger.ingest.providers.cotahist.intake import Market, Selection
from ledger.store.home import LedgerHome
from projections.store.following import Follower

FILE = params.EXISTING_FILE
FOLLOWED_BYTES = 1_000_000  # of files, packed or not


@click.command(
    "import-cotahist",
    epilog="""\b
Examples:
  main import-cotahist COTAHIST_A2025.ZIP
  main import-cotahist COTAHIST_A2024.ZIP COTAHIST_D12022026.TXT --ticker PETR4 --format json
  main import-cotahist COTAHIST_A2025.ZIP --market all --dry-run --refused
  main import-cotahist --download 2024 --download 2025-01 --download 2025-02-03 --market all

\b
A file is known by its header, not by its name, and is read to its trailer before anything is
appended. The same file twice appends nothing. Prices are as traded: never adjusted, and kept
apart from those of any other provider. Every record is in exactly one of the counts.

\b
With --download the file is fetched from the exchange (COTAHIST_BASE_URL: from a mirror) and kept under
DATA_DIR/cotahist first. What breaks off goes on where it stopped; a file that was issued again is kept
beside the one before, by its content. The exchange has files of every year since 1986, of the last
twelve months, and of the days of this year.

\b
An option is a series by code and expiry (BBASA45@2024-11-14.SA), a forward by its term
(PETR4T@T030.SA), an auction or block by its market (PETR4@M017.SA), prices in a former currency by
that (PETR4~BRR.SA); each of these names is a ticker in every command.

\b
Of several files about one day the one made last stands, by its header, in whatever order they are
imported. A file whose last session is not final yet, at 18:30 or by a later day in its header, is
refused whole, and says when to come back.

\b
Exit codes: 1 a file was refused, had rows rejected or flagged, lacks days or tickers that are held, or
has nothing that was asked for; 2 every file was refused, or one had all tickers rejected; 3 another
import is at work, or the files were only not final yet.
""",
)
@click.argument("files", metavar="[FILE]...", nargs=-1, type=FILE)
@click.option(
    "--download",
    "periods",
    type=PeriodType(),
    metavar="YEAR|MONTH|DATE",
    multiple=True,
    help="Fetch the exchange's file of it first; may be repeated.",
)
@click.option(
    "--market",
    type=click.Choice(["spot", "all"]),
    default="spot",
    show_default=True,
    help="Standard lots on the spot market, or fractional lots, options, forwards, auctions and all the rest too.",
)
@click.option("--ticker", "tickers", type=params.TICKER, multiple=True, help="Only this ticker; may be repeated.")
@click.option(
    "--refused", "all_refused", is_flag=True, help="Name everything that was refused, and why; else the first ten."
)
@click.option("--dry-run", is_flag=True, help="Read and judge; write nothing at all.")
@click.option("--must-exist", is_flag=True, help="Refuse to create a ledger (for cron).")
@clock_option.option
@output.style_options
@click.pass_context
def import_cotahist(
    context: click.Context,
    /,
    files: tuple[Path, ...],
    periods: tuple[Period, ...],
    *,
    market: Market,
    tickers: tuple[str, ...],
    style: Style,
    **given: Any,
) -> int:
    """Import daily prices from COTAHIST files, ZIP or TXT, a year, a month or a day each."""
    if not files and not periods:
        context.fail("got no file, want FILE or --download")
    in_force = settings.load()
    check(context, periods, clock.now_us(in_force))
    selection = Selection(market=market, tickers=frozenset(tickers))
    return run(in_force, ImportOptions(files, selection, **given), periods, style)


def run(in_force: Settings, options: ImportOptions, periods: tuple[Period, ...], style: Style) -> Exit:
    """Fetch what is to be fetched, import file by file, print a row each, and return the exit code."""
    die_with_parent()
    observer = Logged(in_force)
    with ExitStack() as held:
        # A dry run writes nothing at all: what it fetches is gone when it ends.
        folder = Path(held.enter_context(TemporaryDirectory())) if options.dry_run else in_force.data_dir / FOLDER
        downloads = Downloads(in_force, observer, lambda: clock.now_us(in_force), folder)
        fetched = [downloads.fetch(one) for one in periods]
        rows = [one for one in fetched if isinstance(one, ImportRow)]
        paths = (*options.files, *(one for one in fetched if isinstance(one, Path)))
        unable: Collection[str] = ()
        if paths:
            rows, unable = _imported(in_force, replace(options, files=paths), observer, style, rows)
        else:
            output.report(rows, style, text=import_row.text)
    for row in rows:
        for line in file_import.complaint(row, import_row.looks_due):
            output.say(line)
    return import_row.exit_code(rows, unable=unable)


def _imported(
    in_force: Settings, options: ImportOptions, observer: Observer, style: Style, before: Sequence[ImportRow]
) -> tuple[list[ImportRow], Collection[str]]:
    """Import file by file, print `before` and a row for each; return all of these, and which files were not read.

    Raises: what opening the ledger does, and what no file is at fault for.
    """
    with ExitStack() as held:
        follower = held.enter_context(_follower(in_force)) if _takes_long(options) else None
        ledger = held.enter_context(
            first_ledger.importing(in_force, dry_run=options.dry_run, must_exist=options.must_exist)
        )
        worker = FileWorker(ledger, options=options, settings=in_force, observer=observer, follower=follower)
        work = chain(before, map(worker.work, options.files))
        return output.report_done(work, style, text=import_row.text), worker.unable


def _follower(in_force: Settings) -> Follower:
    """Return the process that folds; before the ledger is opened: one that inherits an open one cannot open it."""
    # Both processes read columns: imported once, and not by the one that is waited for.
    import_module("numpy")
    return Follower(LedgerHome(in_force.data_dir))


def _takes_long(options: ImportOptions) -> bool:
    """Return whether a second core, where there is one, is worth a process: that takes a while to start too."""
    if options.dry_run or len(os.sched_getaffinity(0)) == 1:
        return False
    with suppress(OSError):
        return sum(path.stat().st_size for path in options.files) >= FOLLOWED_BYTES
    return False  # told when it is opened
