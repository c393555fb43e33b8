"""`main returns`: price and total returns of tickers, side by side."""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction
from functools import partial
from typing import Any

import click
import msgspec
from msgspec.structs import replace

from cli.app import exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, positions, series_option, ticker_option
from cli.render.renderers import Layout
from cli.render.table import TableColumn
from ledger.errors import NothingToShowError
from ledger.log_source import LogSource
from projections.api.returns import adjusted_series
from projections.models import prices
from projections.queries.position import UpTo
from projections.store.store import View


class ReturnRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a ticker gained from the close of `start` to that of `end`, over so many `sessions`: 0.1 is 10 %.

    Null where not all actions in between are known. `excess` is its total return less that of `against`, from and to
    the same days.
    """

    ticker: str
    provider: str
    start: date
    end: date
    sessions: int
    price_return: float | None
    total_return: float | None
    against: str | None = None
    excess: float | None = None


class ReturnsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Whose returns (none named: every ticker's), from when to when, against whose, and as the ledger knew it when."""

    tickers: tuple[str, ...]
    against: str | None
    start: date | None
    end: date | None
    as_of: UpTo | None
    source: str | None


@click.command(
    epilog="""\b
Examples:
  main returns PETR4 VALE3 --from 2024-01-02 --to 2024-12-30
  main returns --ticker PETR4 --against ^BVSP --format json
  main returns                          of every ticker

\b
price_return is from close to close with splits, bonuses and groupings taken out; total_return with
all that was paid, by the exchange's own formula: what is paid buys more of the share at the
ex-price. Neither is known across an action of no known size: main actions --disputed names it.

\b
Exit codes: 0 all known, 1 a return is not known, 3 fewer than two sessions of what was asked for.
"""
)
@ticker_option.option("Whose returns; every ticker's without it.", multiple=True)
@click.option("--against", type=params.TICKER, help="Beside those of this ticker or index, such as ^BVSP.")
@click.option("--from", "start", type=params.DATE, help="First session.  [default: the first of which all is known]")
@click.option("--to", "end", type=params.DATE, help="Last session.")
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew it then.  [default: now]")
@series_option.source_option
@ledgers.archive_option
@output.csv_style_options
@click.pass_context
def returns(context: click.Context, /, *, style: Style, **given: Any) -> int:
    """Print what tickers gained, by price alone and with all that they paid."""
    asked = ReturnsOptions(**given)
    params.refuse_backwards(context, asked.start, asked.end, names=("--from", "--to"))
    in_force = settings.load()

    def gained(log: LogSource, view: View) -> tuple[list[ReturnRow], list[str]]:
        gains = Gains(view, positions.reached(log, asked.as_of), in_force.action_sources)
        names = asked.tickers or prices.tickers(view.state[prices.NAME])
        found = (gains.of(name, asked.start, asked.end, source=asked.source) for name in names)
        rows = [row for row in found if row is not None]
        if asked.against is not None:
            rows = [gains.beside(row, asked.against) for row in rows]
        return rows, gains.cut

    rows, cut = ledgers.answered(in_force, gained)
    if not rows:
        raise NothingToShowError("fewer than two sessions of what was asked for", wanted="two closes to compare")
    output.give(output.rendered(rows, style, replace(LAYOUT, lines=output.lines(text, TABLE))))
    for words in cut:
        output.say(words)
    lacking = [row.ticker for row in rows if row.total_return is None]
    return exits.ended(Exit.WARNING if lacking else Exit.OK, f"no total return of {', '.join(lacking)}")


class Gains:
    """What tickers gained, as `view` knew it once `position` events were read; actions in the order of belief."""

    def __init__(self, view: View, position: int, order: tuple[str, ...]) -> None:
        self._view, self._position, self._order = view, position, order
        self.cut: list[str] = []  # what ends series before the days asked for, in words

    def of(self, ticker: str, start: date | None, end: date | None, *, source: str | None = None) -> ReturnRow | None:
        """Return what the ticker gained between these days, None where it has fewer than two sessions there.

        Raises: NothingToShowError where it has no series.
        """
        series = series_option.one(self._view.state, ticker, source)
        known = adjusted_series(self._view.state, series, self._position, self._order)
        gained = known.gained(start, end)
        if known.unsized is not None and (start is None or start < known.unsized.ex_date):
            self.cut.append(f"{ticker}: nothing is known across {known.unsized.named}: main actions --disputed")
        if gained is None:
            return None
        return ReturnRow(
            ticker=ticker,
            provider=series.provider,
            start=gained.start,
            end=gained.end,
            sessions=gained.sessions,
            price_return=_number(gained.price),
            total_return=_number(gained.total),
        )

    def beside(self, row: ReturnRow, against: str) -> ReturnRow:
        """Return the row with what it gained more than `against`, which is to have closes on the same two days."""
        other = self.of(against, row.start, row.end)
        theirs = None if other is None or (other.start, other.end) != (row.start, row.end) else other.total_return
        excess = None if theirs is None or row.total_return is None else row.total_return - theirs
        return replace(row, against=against, excess=excess)


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)


def text(row: ReturnRow) -> str:
    """Return the row as a person reads it."""
    price, total, excess = map(_percent, (row.price_return, row.total_return, row.excess))
    beside = "" if row.against is None else f"  {excess} against {row.against}"
    return f"{row.ticker:<9}  {row.start} to {row.end}  price {price:>11}  total {total:>11}{beside}  {row.provider}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.5%}"


# What a terminal shows, what matters most first.
TABLE: tuple[TableColumn[ReturnRow], ...] = (
    TableColumn("TICKER", lambda row: row.ticker),
    TableColumn("FROM", lambda row: row.start),
    TableColumn("TO", lambda row: row.end),
    TableColumn("PRICE", lambda row: _percent(row.price_return), is_number=True),
    TableColumn("TOTAL", lambda row: _percent(row.total_return), is_number=True),
    TableColumn("EXCESS", lambda row: "" if row.against is None else _percent(row.excess), is_number=True),
    TableColumn("AGAINST", lambda row: row.against or ""),
    TableColumn("PROVIDER", lambda row: row.provider),
)


def csv_lines(row: ReturnRow) -> Iterator[tuple[object, ...]]:
    """Yield the cells of a row."""
    yield tuple(getattr(row, name) for name in ReturnRow.__struct_fields__)


LAYOUT: Layout[ReturnRow] = Layout(
    lines=partial(map, text), csv_header=ReturnRow.__struct_fields__, csv_lines=csv_lines, columns=ReturnRow
)
