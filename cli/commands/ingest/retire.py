"""`main retire`: records that a ticker's series ended or goes on under another code, or that it did not after all."""

import re
from datetime import date

import click
import msgspec

from cli.app import clock, output, settings
from cli.app.errors import NotRetiredError
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import clock_option, guards, ledgers, params, ticker_option
from ledger import ids
from ledger.codec import Draft
from ledger.errors import NothingToShowError
from ledger.events import SeriesRetired
from ledger.market.sessions import trading_day
from ledger.store.event_log import EventLog
from projections.models import metrics, retirements
from projections.models.retirements import Retirement
from projections.store.runner import open_view
from projections.store.store import View

_RATIO = re.compile(r"([1-9][0-9]{0,17}):([1-9][0-9]{0,17})", re.ASCII)


class RatioType(click.ParamType[tuple[int, int]]):
    """New shares for old ones, as `1:10`."""

    name = "new:old"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return both sides, or refuse the value."""
        if isinstance(value, tuple):
            return value
        sides = _RATIO.fullmatch(value)
        if sides is None:
            self.fail(f"got {value!r}, want two whole numbers above 0, as 1:10", param, ctx)
        return int(sides[1]), int(sides[2])


class RetiredRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is recorded of the ticker's end; `seq` null where it was recorded so before and nothing was appended."""

    ticker: str
    on: date
    into: str | None
    numerator: int | None  # shares of `into`
    denominator: int | None  # for so many of `ticker`
    reason: str
    undone: bool
    seq: int | None
    head: str


@click.command(
    epilog="""\b
Examples:
  main retire VIIA3 --on 2023-09-15 --into BHIA3 --reason 'the company changed its name'
  main retire XPTO3 --on 2026-03-02 --reason 'delisted after the offer'
  main retire XPTO3 --on 2026-03-02 --into ABCD3 --ratio 3:10 --reason 'merged: 3 ABCD3 for 10 XPTO3'
  main retire XPTO3 --undo --reason 'listed again'

\b
Exit codes: 0 recorded, or recorded so before; 2 the database failed; 3 refused, and nothing was
changed: a ticker that the ledger knows nothing of, or one to undo that is not retired.
"""
)
@ticker_option.option("Whose series ended.", required=True)
@click.option("--on", type=params.DATE, help="The last day on which a session of it is due.")
@click.option("--into", type=params.TICKER, help="The ticker that it goes on as.")
@click.option("--ratio", type=RatioType(), help="Shares of --into for shares of it.  [default: 1:1]")
@click.option("--reason", required=True, help="What happened; it is recorded for good.")
@click.option("--undo", is_flag=True, help="It did not end after all.")
@clock_option.option
@output.style_options
@click.pass_context
def retire(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    /,
    ticker: str,
    on: date | None,
    into: str | None,
    ratio: tuple[int, int] | None,
    reason: str,
    *,
    undo: bool,
    style: Style,
) -> int:
    """Record that a ticker's series ended on a day, or goes on under another code.

    From then on it raises no alarm, lacks no session after that day, and is not asked for
    where only a file of tickers names it. Nothing of it is removed. What it goes on as is
    joined to it by main prices --continued. The newest record of a ticker holds.
    """
    if not reason.strip():
        context.fail("got an empty --reason, want what happened")
    if undo and (on or into or ratio):
        context.fail("got --undo with --on, --into or --ratio, want it alone")
    if not undo and on is None:
        context.fail("got no --on, want the last day on which a session is due")
    if ratio is not None and into is None:
        context.fail("got --ratio without --into, want the ticker that it goes on as")
    wanted = None
    if on is not None:
        new, old = ratio or (None, None)
        wanted = SeriesRetired(
            ticker=ticker, on=on, into=into, numerator=new, denominator=old, reason=reason, undone=False
        )
    row = _recorded(context, ticker, wanted, reason)
    output.report([row], style, text=text)
    return Exit.OK


def _recorded(context: click.Context, ticker: str, wanted: SeriesRetired | None, reason: str) -> RetiredRow:
    """Append what is `wanted`, or None that the ticker's end is undone, unless it is recorded so already."""
    given = settings.load()
    ledger = ledgers.active(given)
    now_us = clock.now_us(given, sample=ledger.kind == "sample")
    if wanted is not None and wanted.on > (today := trading_day(now_us)):
        context.fail(f"got --on {wanted.on} after today, want {today} or before")
    with EventLog(
        ledger.home,
        now=lambda: now_us,
        lock_timeout_s=given.ingest_lock_timeout_seconds,
        guards=guards.of(ledger.kind),
    ) as log:
        with open_view(log, log.folder) as view:
            ended = retirements.in_force(view.state[metrics.NAME])
            event = _undone(ended, ticker, reason) if wanted is None else wanted
            _check(context, view, ended, event)
        seq = None
        if event.undone or retirements.retirement(event) != ended.get(ticker):
            job_id = ids.new_id(now_us)
            draft = Draft(job_id=job_id, stream=ticker, event=event)
            seq = log.append([draft], append_id=ids.append_id(f"retire/{job_id.hex()}", job_id=job_id)).first
        return RetiredRow(**msgspec.structs.asdict(event), seq=seq, head=log.head().link.hex())


def text(one: RetiredRow) -> str:
    """Return what was recorded on one line."""
    where = "recorded before, nothing appended" if one.seq is None else f"recorded at seq {one.seq}"
    if one.undone:
        return f"{one.ticker} goes on: its end on {one.on} is undone; {where}"
    shares = "" if one.numerator is None else f", {one.numerator} for {one.denominator} shares"
    into = "" if one.into is None else f" and goes on as {one.into}{shares}"
    return f"{one.ticker} ended on {one.on}{into}; {where}"


def _undone(ended: dict[str, Retirement], ticker: str, reason: str) -> SeriesRetired:
    """Return the record that takes back what is in force.

    Raises: NotRetiredError where nothing is.
    """
    held = ended.get(ticker)
    if held is None:
        raise NotRetiredError(ticker)
    ratio = (None, None) if held.into is None else (held.numerator, held.denominator)
    return SeriesRetired(
        ticker=ticker,
        on=held.on,
        into=held.into,
        numerator=ratio[0],
        denominator=ratio[1],
        reason=reason,
        undone=True,
    )


def _check(context: click.Context, view: View, ended: dict[str, Retirement], event: SeriesRetired) -> None:
    """Refuse an end of what the ledger knows nothing of, and one that leads back to the ticker.

    Raises: NothingToShowError.
    """
    if event.undone:
        return
    if next(metrics.measured(view.state[metrics.NAME], event.ticker), None) is None:
        raise NothingToShowError(f"no ingest of {event.ticker}", wanted="one recorded")
    into, seen = event.into, {event.ticker}
    while into is not None:
        if into in seen:
            context.fail(f"got --into {event.into}, which leads back to {into}, want one that does not")
        seen.add(into)
        into = ended[into].into if into in ended else None
