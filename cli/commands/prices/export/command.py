"""`main export`: the whole ledger as files that DuckDB, Polars, Spark and pandas read directly."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import msgspec

from cli.app import group_options, output, settings, version
from cli.app.exit_codes import Exit
from cli.commands.prices.export import row
from cli.commands.prices.export.folder import fresh_folder, put_manifest
from cli.commands.prices.export.row import ExportedSeries, FileFormat, Layout, Manifest, Tool
from cli.context import ledgers, params, places, positions, series_option, ticker_option
from ledger.errors import NothingToShowError
from ledger.log_source import LogSource
from projections.api.ledger import Ledger
from projections.queries.choosing import SeriesWanted, chosen, quoting
from projections.queries.position import UpTo
from projections.store.store import View

if TYPE_CHECKING:
    from cli.commands.prices.export.files import ExportFiles
    from cli.commands.prices.export.tools import ToolFiles


class ExportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What files of which tickers (none: all), as of when, whose series; with retired ones, with every field."""

    form: FileFormat
    layout: Layout
    tickers: tuple[str, ...]
    as_of: UpTo | None
    source: str | None
    retired: bool
    fields: bool

    def series(self, order: Sequence[str]) -> SeriesWanted:
        """Return whose series they are of."""
        return SeriesWanted(order=order, source=self.source, tickers=self.tickers, retired=self.retired)


@click.command(
    epilog="""\b
Examples:
  main export --out lake --format parquet
  main export --out lake-january --format csv --as-of 2026-01-31 --ticker PETR4 --ticker VALE3
  main export --out revisions --format delta
  main export --out lake --format parquet --fields
  main export --out books --for beancount --source cotahist --ticker PETR4
  main export --out s3://bucket/lake --format parquet
  duckdb -c "select ticker, max(date) from 'lake/prices/**/*.parquet' group by all"

\b
DIR/prices/year=2026/prices.parquet   raw and adjusted prices, a row a session, by ticker and date
DIR/actions/actions.parquet           dividends, splits and the like: those that count
DIR/instruments/instruments.parquet   ISIN, name and class of each, by the exchange's own files
DIR/market/year=2026/market.parquet   with --fields: traded value, trades, bid, ask, class, ISIN of each session
DIR/manifest.json                     position, head, rows and SHA-256 of each file

\b
With --layout ticker each ticker has folders of its own, such as prices/ticker=PETR4.SA/year=2026,
for whoever copies single tickers; a market of them is thousands of files, which engines read slowly.

\b
--format delta adds to one Delta table a row for each revision of each bar, of every provider and of
retired tickers too: by one commit for what is new since the last run, none where nothing is. DIR may
be an address such as s3://bucket/revisions, with the variables of the environment that deltalake
and Arrow go by. docs/tutorial.md shows how the latest prices, and those of a time, are read from it.

\b
--for writes one tool's own files in place of those, of which docs/tutorial.md says how each is opened:
  zipline    daily/PETR4.csv for its bundle csvdir: prices as held, dividend and split of each session
  qlib       calendars, instruments and features/petr4/close.day.bin: adjusted prices and their factor
  beancount  prices.beancount: a price directive for each close, as held, in exact decimals

\b
One series stands for a ticker. The same position gives the same bytes, by the same version of this
software (and, for Parquet, of pyarrow). An export that is in DIR already is replaced, whole;
anything else that is there is left alone.

\b
DIR may be the URL of a place: file:///FOLDER, s3://BUCKET/PATH, gs://BUCKET/PATH or az://CONTAINER/PATH,
with the extra `objects` and the credentials of the store's own environment. The same bytes come to lie
there; files that have them already are left alone, and what only the export before had is removed. The
manifest is written last, and names no file while others are: what a kill leaves, the next run mends.

\b
Exit codes: 0 written, 2 a Delta table of another ledger, ahead of the log or not its prefix, or a store
that does not answer, 3 no prices, or a package is missing, or DIR holds something else, or another
export is at work at the place.
"""
)
@click.option("--out", type=params.FOLDER_OR_URL, required=True, help="The folder to write, or a place by its URL.")
@click.option("--format", "file_format", type=click.Choice(["parquet", "csv", "delta"]), help="What files.")
@click.option("--for", "tool", type=click.Choice(["zipline", "qlib", "beancount"]), help="Files of this tool's own.")
@click.option(
    "--layout", type=click.Choice(["year", "ticker"]), default="year", show_default=True, help="A file of what."
)
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew it then.  [default: now]")
@ticker_option.option("Only this ticker; may be repeated.", multiple=True)
@click.option("--retired", is_flag=True, help="Retired series too, which are left out unless named.")
@click.option("--fields", is_flag=True, help="Every field of the exchange's own files too, as market/.")
@series_option.source_option
@ledgers.archive_option
@click.pass_context
def export(
    context: click.Context,
    /,
    out: Path | str,
    file_format: FileFormat | Literal["delta"] | None,
    tool: Tool | None,
    layout: Layout,
    **given: Any,
) -> int:
    """Write prices, raw and adjusted, and corporate actions as a folder of files.

    A folder a year, as Hive lays them out, so that DuckDB, Polars, Spark and
    pandas read it as it stands.
    """
    form = tool or file_format
    if form is None or (tool and file_format):
        context.fail(f"got {'both' if form else 'neither'} of --format and --for, want one of them")
    for name in ("layout", "fields") if tool else ():
        if group_options.is_given(context, name):
            context.fail(
                f"got --{name} with --for {tool}, want the {'layout' if name == 'layout' else 'files'} of that tool"
            )
    if form == "delta":
        for name in ("tickers", "layout", "retired", "fields", "source"):
            if group_options.is_given(context, name):
                option = "ticker" if name == "tickers" else name
                context.fail(f"got --{option} with --format delta, want the table of every revision")
        return _revisions(out, given["as_of"])
    return _files(out, ExportOptions(form=form, layout=layout, **given))


def _files(out: Path | str, asked: ExportOptions) -> int:
    with ExitStack() as ledger:
        log = ledger.enter_context(ledgers.reading(settings.load()))
        view = ledger.enter_context(ledgers.view_of(log))
        with _fresh(out) as folder:
            manifest = _filled(folder, log, view, asked)
            ledger.close()  # nobody waits for an upload
    series = manifest.series
    rows, actions = (sum(getattr(one, name) for one in series) for name in ("prices", "actions"))
    line = f"{places.shown(out)}: tickers {len(series)}, prices {rows}, actions {actions}, files {len(manifest.files)}"
    with output.unprinted():
        output.raw(f"{line} | position {manifest.position} | head {manifest.head}\n".encode())
    _say_late(series, asked.form)
    return Exit.OK


def _fresh(out: Path | str) -> AbstractContextManager[Path]:
    """Return what gives an empty folder and, when its block ends well, makes that the export at `out`."""
    if isinstance(out, Path):
        return fresh_folder(out)
    # Imported here: only an address pays for what writes to one.
    from cli.commands.prices.export.published import fresh_place

    return fresh_place(out)


def _filled(folder: Path, log: LogSource, view: View, asked: ExportOptions) -> Manifest:
    """Write the files that are `asked` for, and their manifest, which is returned."""
    # Imported here: numpy starts as slowly as all the rest, and help needs none of it.
    from cli.commands.prices.export.files import ExportFiles
    from cli.commands.prices.export.tools import TOOLS
    from projections.queries.adjusted import AdjustmentRule

    in_force = settings.load()
    order, rule = in_force.price_sources, AdjustmentRule(order=in_force.action_sources)
    ledger = Ledger(log, view, order=order)
    position = ledger.position(asked.as_of)
    for ticker in asked.tickers or (None,):
        series_option.some(view.state, ticker, asked.source)
    wanted = chosen(view, position, asked.series(order))
    files = TOOLS[asked.form](folder) if asked.form in TOOLS else ExportFiles(folder, asked.form, asked.layout)
    with output.progress(wanted, label="export") as names:
        series = list(files.fill(view, names, position, rule))
    if isinstance(files, ExportFiles):  # no tool reads them
        _add_described(files, ledger, {one.ticker for one in series}, asked)
    files.close()
    manifest = _manifest(log, ledger, position, files, series)
    put_manifest(folder, manifest)
    return manifest


def _add_described(files: "ExportFiles", ledger: Ledger, tickers: set[str], asked: ExportOptions) -> None:
    """Add how the instruments of these tickers were listed, and every field of their sessions where that is asked."""
    listed = ledger.instruments(as_of=asked.as_of).rows()
    files.add_instruments([one for one in listed if one.ticker in tickers])
    if asked.fields:
        # Imported here as above.
        from projections.relations.quoted_sessions import quoted_sessions

        (log, view, order), position = ledger.reads, ledger.position(asked.as_of)
        of = quoting(view, position, SeriesWanted(order=order, source=asked.source, tickers=tickers))
        with output.progress(of, label="fields") as names:
            files.add_market(quoted_sessions(log, view, names, position))


def _say_late(series: Sequence[ExportedSeries], form: FileFormat) -> None:
    """Say of how many series not all sessions have an adjusted price, where the files have any."""
    late = form != "beancount" and sum(one.adjusted_since is None or one.adjusted_since > one.first for one in series)
    if late:
        what = f"{late} of {len(series)} series are not adjusted from their first session on"
        why = "(adjusted_since in manifest.json): main actions --disputed, main import-actions FILE"
        output.say(f"{what} {why}", explains=False)


def _revisions(out: Path | str, as_of: UpTo | None) -> int:
    from cli.commands.prices.export import delta

    with ledgers.reading(settings.load()) as log, ledgers.view_of(log) as view:
        done = delta.exported(log, view, positions.reached(log, as_of), out)
    added = f"version {done.version}, revisions {done.rows} of events {done.since} to {done.position}"
    with output.unprinted():
        output.raw(f"{done.table}: {added} | position {done.position} | head {done.head}\n".encode())
    return Exit.OK


def _manifest(
    log: LogSource, ledger: Ledger, position: int, files: "ExportFiles | ToolFiles", series: list[ExportedSeries]
) -> Manifest:
    if not series:
        raise NothingToShowError(f"no price in the first {position} events", wanted="at least one")
    (last,) = log.read(position - 1, position)
    return Manifest(
        format=row.FORMAT,
        file_format=files.format,
        layout=files.layout,
        kind=ledger.kind,
        position=position,
        head=last.link.hex(),
        software=f"{version.PACKAGE} {version.installed()}",
        series=series,
        files=files.written,
    )
