"""`main export`: the whole ledger as files that DuckDB, Polars, Spark and pandas read directly."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from cli.app import output, settings, version
from cli.app.exit_codes import Exit
from cli.commands.prices.export import row
from cli.commands.prices.export.files import ExportFiles
from cli.commands.prices.export.folder import fresh_folder, put_manifest
from cli.commands.prices.export.row import ExportedSeries, FileFormat, Manifest
from cli.context import ledgers, params, series_option, ticker_option
from ledger.errors import NothingToShowError
from ledger.log_source import LogSource
from projections.api.ledger import Ledger
from projections.api.rows import AdjustedPrice, CorporateAction
from projections.queries.position import UpTo


class ExportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """As of when, and whose series of each ticker."""

    as_of: UpTo | None
    source: str | None


@click.command(
    epilog="""\b
Examples:
  main export --out ledger --format parquet
  main export --out ledger-january --format csv --as-of 2026-01-31 --ticker PETR4 --ticker VALE3
  duckdb -c "select ticker, max(date) from 'ledger/prices/**/*.parquet' group by all"

\b
DIR/prices/ticker=PETR4.SA/year=2026/prices.parquet   raw and adjusted prices, a row a session
DIR/actions/ticker=PETR4.SA/year=2026/actions.parquet dividends, splits and capital gains
DIR/manifest.json                                     position, head, rows and SHA-256 of each file

\b
One series stands for a ticker. The same position gives the same bytes, by the same version of this
software (and, for Parquet, of pyarrow). An export that is in DIR already is replaced, whole;
anything else that is there is left alone.

\b
Exit codes: 0 written, 3 no prices, or a package is missing, or DIR holds something else.
"""
)
@click.option("--out", type=params.FOLDER, required=True, help="The folder to write.")
@click.option("--format", "file_format", type=click.Choice(["parquet", "csv"]), required=True, help="What files.")
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew it then.  [default: now]")
@ticker_option.option("Only this ticker; may be repeated.", multiple=True)
@series_option.source_option
@ledgers.archive_option
def export(out: Path, file_format: FileFormat, as_of: UpTo | None, tickers: Sequence[str], source: str | None) -> int:
    """Write prices, raw and adjusted, and corporate actions as a folder of files.

    A folder a ticker and year, as Hive lays them out, so that DuckDB, Polars,
    Spark and pandas read it as it stands.
    """
    given = settings.load()
    asked = ExportOptions(as_of=as_of, source=source)
    with ledgers.reading(given) as log, ledgers.view_of(log) as view, fresh_folder(out) as folder:
        ledger = Ledger(log, view, order=given.price_sources)
        files = ExportFiles(folder, file_format)
        # Those asked for, which must be there, else all.
        known = [found for name in tickers or (None,) for found in series_option.some(view.state, name, source)]
        with output.progress(list(dict.fromkeys(one.ticker for one in known)), label="export") as names:
            series = [found for name in names if (found := _written(ledger, name, asked, files))]
        manifest = _manifest(log, ledger, asked, files, series)
        put_manifest(folder, manifest)
    prices, actions = (sum(getattr(one, name) for one in series) for name in ("prices", "actions"))
    line = f"{out}: tickers {len(series)}, prices {prices}, actions {actions}, files {len(manifest.files)}"
    with output.unprinted():
        output.raw(f"{line} | position {manifest.position} | head {manifest.head}\n".encode())
    return Exit.OK


def _written(ledger: Ledger, ticker: str, asked: ExportOptions, files: ExportFiles) -> ExportedSeries | None:
    """Write the files of a ticker and return what is in them, None when it had no price then."""
    prices = ledger.prices(ticker, as_of=asked.as_of, adjusted=True, source=asked.source).rows()
    if not prices:
        return None
    actions = ledger.actions(ticker, as_of=asked.as_of, source=asked.source).rows()
    files.add("prices", ticker, AdjustedPrice, prices, row.PRICE_COLUMNS)
    files.add("actions", ticker, CorporateAction, actions, row.ACTION_COLUMNS)
    return ExportedSeries(
        ticker=ticker,
        provider=prices[0].provider,
        basis=prices[0].basis,
        first=prices[0].date,
        last=prices[-1].date,
        prices=len(prices),
        actions=len(actions),
    )


def _manifest(
    log: LogSource, ledger: Ledger, asked: ExportOptions, files: ExportFiles, series: list[ExportedSeries]
) -> Manifest:
    position = ledger.position(asked.as_of)
    if not series:
        raise NothingToShowError(f"no price in the first {position} events", wanted="at least one")
    (last,) = log.read(position - 1, position)
    return Manifest(
        format=row.FORMAT,
        file_format=files.format,
        kind=ledger.kind,
        position=position,
        head=last.link.hex(),
        software=f"{version.PACKAGE} {version.installed()}",
        series=series,
        files=files.written,
    )
