"""`main plot`: a ticker's close and volume, with what happened to them."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import msgspec

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.commands.prices.plot import chart
from cli.commands.prices.plot.chart import PictureFormat, PriceChart
from cli.context import adjustment, ledgers, params, series_option, ticker_option
from ledger.errors import NothingToShowError
from ledger.log_source import LogSource
from projections.api import series_rows
from projections.api.ledger import Ledger
from projections.api.rows import AdjustedPrice, Price
from projections.queries.position import UpTo
from projections.store.store import View

if TYPE_CHECKING:
    from projections.queries.adjusted import AdjustmentScope

FORMATS = ("png", "svg")
AT_ONCE = 2  # positions side by side


class PlotOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions of which series are drawn, and as of when."""

    ticker: str
    start: date | None
    end: date | None
    as_of: UpTo | None
    source: str | None
    adjusted: "AdjustmentScope | None"

    def takes(self, day: date) -> bool:
        """Return whether `day` is among the sessions drawn."""
        return (self.start is None or self.start <= day) and (self.end is None or day <= self.end)


@click.command(
    epilog="""\b
Examples:
  main plot --ticker PETR4 --out petr4.png
  main plot --ticker PETR4 --start 2026-01-01 --as-of 2026-01-31 --out petr4.svg
  main plot --ticker PETR4 --as-of 2026-01-31 --as-of 2026-02-13 --out before-and-after.png
  main plot --ticker PETR4 --adjusted --out petr4.svg
  main plot --ticker PETR4 --out - --picture svg > petr4.svg

\b
Exit codes: 0 drawn, 3 no session held of what was asked for, nothing known to adjust
it by, or a package is missing.
"""
)
@ticker_option.option("Whose prices.", required=True)
@click.option("--out", type=params.OUT_FILE, required=True, help="The .png or .svg file; - is stdout.")
@click.option(
    "--picture", type=click.Choice(FORMATS), help="What is drawn.  [default: as the name ends; png on stdout]"
)
@click.option("--start", type=params.DATE, help="First session.")
@click.option("--end", type=params.DATE, help="Last session.")
@click.option(
    "--as-of",
    type=params.UP_TO,
    multiple=True,
    help="As the ledger knew them then; twice: both, side by side.  [default: now]",
)
@adjustment.adjusted_option(
    "The close adjusted for the splits and their like known then, or for all actions.  [all, where alone]"
)
@series_option.source_option
@ledgers.archive_option
@click.pass_context
def plot(
    context: click.Context,
    /,
    *,
    out: Path,
    picture: PictureFormat | None,
    start: date | None,
    end: date | None,
    as_of: tuple[UpTo, ...],
    **given: Any,
) -> int:
    """Draw a ticker's close and volume, with what happened to them.

    Marked are sessions that were corrected, withdrawn or came late, those that
    are missing, where the line is broken, and dividends and splits. Prices are
    as they are held; with --adjusted what main prices --adjusted has, from
    after the last action of no known size.
    """
    params.refuse_backwards(context, start, end)
    drawing = picture or _picture(context, out)
    output.refuse_bytes(context, "a picture", out)
    if len(as_of) > AT_ONCE:
        context.fail(f"got --as-of {len(as_of)} times, want it once or twice")
    asked = [PlotOptions(start=start, end=end, as_of=one, **given) for one in as_of or (None,)]
    in_force = settings.load()

    def charts(log: LogSource, view: View) -> list[PriceChart]:
        ledger = Ledger(log, view, order=in_force.price_sources, action_order=in_force.action_sources)
        return [_chart(ledger, view, one) for one in asked]

    drawn = ledgers.answered(in_force, charts)
    output.give([chart.render(drawn, drawing)], out)
    with output.unprinted():
        for one in drawn:
            if output.is_stdout(out):
                output.say(one.caption(), explains=False)
            else:
                output.raw(f"{out}: {one.caption()}\n".encode())
    return Exit.OK


def _picture(context: click.Context, out: Path) -> PictureFormat:
    """Return what the name of the file says that it is, or refuse it."""
    if output.is_stdout(out):
        return "png"
    ending = out.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        context.fail(f"got --out {out}, want a name that ends in .png or .svg")
    return cast("PictureFormat", ending)


def _chart(ledger: Ledger, view: View, asked: PlotOptions) -> PriceChart:
    """Return what is to be drawn; say which sessions are not for want of what they would be adjusted by.

    Raises: NothingToShowError when no session is held of what was asked for, or none of them can be adjusted.
    """
    as_of, source, position = asked.as_of, asked.source, ledger.position(asked.as_of)
    of = partial(ledger.prices, asked.ticker, start=asked.start, end=asked.end, as_of=as_of, source=source)
    prices: Sequence[Price] = of(adjusted=asked.adjusted).rows() if asked.adjusted else of().rows()
    if not prices:
        where = f"the first {position} events"
        raise NothingToShowError(f"no session of {asked.ticker} in {where}", wanted="at least one")
    if asked.adjusted:
        known = adjustment.known(view, ledger.series(asked.ticker, source), position, prices)
        adjustment.require_adjusted(prices, asked.ticker, known)
        if words := adjustment.unadjusted(prices, known):
            output.say(words)
        prices = [one for one in prices if isinstance(one, AdjustedPrice) and one.factor is not None]
    changes = ledger.revisions(asked.ticker, as_of=as_of, source=source).rows()
    # To the last session drawn: what is late today would make another picture every day.
    missing = ledger.gaps(asked.ticker, as_of=as_of, source=source, until=prices[-1].date).rows()
    actions = series_rows.counting_actions(view.state, prices[0].ticker, position, ledger.action_order)
    adjusted = f", adjusted for {asked.adjusted}" if asked.adjusted else ""
    return PriceChart(
        title=asked.ticker,
        provenance=f"{prices[0].provider}, position {position}{adjusted}",
        prices=prices,
        changes=[change for change in changes if asked.takes(change.date)],
        missing=[gap for gap in missing if asked.takes(gap.date) and gap.date >= prices[0].date and not gap.behind],
        actions=[action for action in actions if prices[0].date <= action.date <= prices[-1].date],
    )
