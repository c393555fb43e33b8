"""`main prices`: a ticker's prices, now or as they were known then."""

import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click
import msgspec

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import CSV, PARQUET, TEXT, Style
from cli.commands.prices.prices import row as price_row
from cli.commands.prices.prices.row import AdjustedPriceRow, PriceRow
from cli.context import ledgers, params, series_option
from cli.render import out_file
from ledger.errors import NothingToShowError
from ledger.market.series import Series
from projections.fold.tables import Tables
from projections.models import prices as held_prices
from projections.models.prices import Version
from projections.queries.position import UpTo, position_of

Held = dict[date, Version]


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    start: date | None
    end: date | None
    adjusted: bool

    def takes(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@click.command(
    epilog="""\b
Examples:
  main prices --ticker PETR4 --start 2026-01-01
  main prices --ticker PETR4 --as-of 2026-01-31 --format csv
  main prices --ticker VALE3 --adjusted --format json
  main prices --ticker PETR4 --format parquet --out petr4.parquet

\b
Exit codes: 0 printed, 3 no session held of what was asked for, or a package is missing.
"""
)
@click.option("--ticker", type=params.TICKER, required=True, help="Whose prices.")
@click.option("--start", type=params.DATE, help="First session.")
@click.option("--end", type=params.DATE, help="Last session.")
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew them then.  [default: now]")
@click.option("--adjusted", is_flag=True, help="Beside them, adjusted for the dividends and splits known then.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="The file to write.  [default: stdout]")
@series_option.source_option
@ledgers.archive_option
@output.table_style_options
@click.pass_context
def prices(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    /,
    ticker: str,
    start: date | None,
    end: date | None,
    as_of: UpTo | None,
    *,
    adjusted: bool,
    out: Path | None,
    source: str | None,
    style: Style,
) -> int:
    """Print a ticker's prices, now or as the ledger knew them then.

    CSV without --adjusted is the snapshot of those sessions, byte for byte.
    Adjusted prices are worked out here, never taken from the provider,
    whose own adjusted close stands beside them.
    """
    if start and end and start > end:
        context.fail(f"got --start {start} after --end {end}, want it on or before")
    if style.format == PARQUET and out is None and sys.stdout.isatty():
        context.fail("got --format parquet on a terminal, want --out")
    asked = _Asked(start=start, end=end, adjusted=adjusted)
    with ledgers.reading(settings.load()) as log, ledgers.view_of(log) as view:
        position = view.head.size if as_of is None else position_of(log, as_of)
        series = series_option.one(view.state, ticker, source)
        held, rows = _rows(view.state["prices"], series, position, asked)
    if not rows:
        raise NothingToShowError(f"no session of {ticker} in the first {position} events", wanted="at least one")
    content = _content(rows, held, style, asked)
    _say(rows, style, asked)
    _give(content, out)
    return Exit.OK


def _rows(tables: Tables, series: Series, position: int, asked: _Asked) -> tuple[Held, Sequence[PriceRow]]:
    held = held_prices.holding(tables, series, position)
    wanted = {day: version for day, version in held.items() if asked.takes(day)}
    if not asked.adjusted or not held:
        return wanted, list(price_row.rows(series, wanted))
    # Imported here: exact fractions are paid for by those who want them.
    from projections.queries.adjusted import held_factors

    return wanted, list(price_row.adjusted_rows(series, wanted, held_factors(tables, series, position)))


def _content(rows: Sequence[PriceRow], held: Held, style: Style, asked: _Asked) -> bytes:
    if style.format == CSV:
        from cli.render import csv_text

        header = price_row.ADJUSTED_CSV_HEADER if asked.adjusted else price_row.CSV_HEADER
        return csv_text.render(header, (price_row.csv_row(row, held) for row in rows))
    if style.format == PARQUET:
        from cli.render import parquet

        return parquet.render(rows, AdjustedPriceRow if asked.adjusted else PriceRow)
    return b"".join(output.rendered(rows, style, text=price_row.text))


def _give(content: bytes, out: Path | None) -> None:
    if out is None:
        output.raw(content)
    else:
        out_file.write(out, content)


def _say(rows: Sequence[PriceRow], style: Style, asked: _Asked) -> None:
    """Name the columns for people, and say whether the provider adjusts as we do."""
    if style.format == TEXT:
        output.say(price_row.heading(adjusted=asked.adjusted))
    if asked.adjusted and (words := price_row.disagreement(rows)):
        output.say(words)
