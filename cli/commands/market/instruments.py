"""`main instruments`: what was listed when, under which code, and what may have been renamed."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import click
import msgspec

from cli.app import output, settings
from cli.app.errors import NotImportedError
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.market import table
from cli.commands.market.class_option import class_option
from cli.context import ledgers, params, positions, ticker_option
from cli.render.table import TableColumn
from ledger.log_source import LogSource
from ledger.market.asset_class import AssetClass
from projections.api import market_rows, renames
from projections.api.rows import Instrument, RenameCandidate
from projections.fold.tables import State
from projections.models.instruments import Instruments
from projections.models.metrics import Metrics
from projections.models.prices import Prices
from projections.queries.position import UpTo
from projections.store.runner import view_at
from projections.store.store import View

NAMES = (
    *("ticker", "since", "until", "sessions", "asset_class", "isin", "name", "specification", "market", "bdi"),
    *("currency", "factor", "distribution", "strike", "expiry", "term"),
    *("first_session", "last_session", "sessions_total"),
)
RENAMED_NAMES = (
    *("ticker", "into", "last_session", "first_session", "sessions_between", "speaks", "same_isin", "same_name"),
    *("close_ratio", "isin", "into_isin", "name", "into_name", "recorded"),
)
WIDTHS = (-25, -9, 10, 10, 8, -12, -12, -10, 4)
LATEST = ("ticker", "class", "first", "last", "sessions", "isin", "name", "spec", "dis")
HISTORY = ("ticker", "class", "since", "until", "sessions", "isin", "name", "spec", "dis")


class InstrumentsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which instruments, as listed on which day and as the ledger knew it when; None leaves a bound out."""

    ticker: str | None
    day: date | None
    asset_class: AssetClass | None
    as_of: UpTo | None


@click.command(
    epilog="""\b
Examples:
  main instruments --class unit
  main instruments PETR4                    every listing that it had, a line for each change
  main instruments --on 2019-05-02 --class share --format csv
  main instruments --renames                what may go on under another code

\b
Exit codes: 0 printed, also no candidate; 3 nothing listed of what was asked for.
"""
)
@ticker_option.option("Only this ticker, and the contracts under its code: every listing that they had.")
@click.option("--on", "day", type=params.DATE, help="As listed on this day: what traded then or before and after.")
@class_option
@click.option("--renames", "renamed", is_flag=True, help="Which may be one paper under two codes, and what says so.")
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew it then.  [default: now]")
@ledgers.archive_option
@output.csv_style_options
@click.pass_context
def instruments(context: click.Context, /, *, renamed: bool, style: Style, **given: Any) -> int:
    """Print what the exchange listed: code, ISIN, name, class, and from which session to which.

    By its own files (main import-cotahist). A listing changes with a name, an ISIN, a segment, an
    ex mark or a change of rights (dis, DISMES): a ticker's listings are a line for each change.

    Nothing is ever joined by itself: --renames prints candidates, and main retire --into records
    what a person decided.
    """
    asked = InstrumentsOptions(**given)
    ticker, day = asked.ticker, asked.day
    if renamed and (day or asked.asset_class):
        context.fail("got --renames with --on or --class, want it alone or with a ticker")
    if renamed:
        return _renames(asked, style)

    def listings(log: LogSource, view: View) -> list[Instrument]:
        return list(market_rows.listings(_state(log, view, asked)["instruments"], ticker, on=day))

    listed = ledgers.answered(settings.load(), listings)
    rows = [one for one in listed if asked.asset_class in {None, one.asset_class}]
    if not rows:
        what = f"no listing of {ticker or asked.asset_class or 'any instrument'}{'' if day is None else f' on {day}'}"
        raise NotImportedError(what, period=day)
    whole = ticker is None
    heading, cells = (LATEST, _of_instrument) if whole else (HISTORY, _of_listing)
    columns = (*table.columns_of(heading, WIDTHS, cells), TableColumn[Instrument]("STRIKE", _strike, is_number=True))
    laid_out = table.layout(NAMES, text_of_instrument if whole else text_of_listing, columns)
    table.show(rows, style, laid_out, table.heading_of(heading, WIDTHS))
    return Exit.OK


def text_of_instrument(one: Instrument) -> str:
    """Return the instrument on one line: from its first session to its last, as it is listed at the end."""
    return _line(one, _of_instrument(one))


def text_of_listing(one: Instrument) -> str:
    """Return one of an instrument's listings on one line: from when to when it held."""
    return _line(one, _of_listing(one))


def _line(one: Instrument, cells: Sequence[object]) -> str:
    strike = "" if one.strike is None else f"strike {one.strike}"
    return f"{table.line(cells, WIDTHS)}  {strike}".rstrip()


def _of_instrument(one: Instrument) -> Sequence[object]:
    return (one.ticker, one.asset_class, one.first_session, one.last_session, one.sessions_total, *_listed(one))


def _of_listing(one: Instrument) -> Sequence[object]:
    return (one.ticker, one.asset_class, one.since, one.until, one.sessions, *_listed(one))


def _listed(one: Instrument) -> Sequence[object]:
    return (one.isin, one.name, one.specification, "" if one.distribution is None else one.distribution)


def _strike(one: Instrument) -> object:
    return "" if one.strike is None else one.strike


def _state(log: LogSource, view: View, asked: InstrumentsOptions) -> State:
    """Return the read models as they were known then."""
    position = positions.reached(log, asked.as_of)
    if position < view.head.size:
        return view_at(log, position, [Prices(), Metrics(), Instruments()]).state
    return view.state


def _renames(asked: InstrumentsOptions, style: Style) -> int:
    """Print the candidates, and how a person records one of them."""

    def candidates(log: LogSource, view: View) -> list[RenameCandidate]:
        found = renames.candidates(_state(log, view, asked))
        return [one for one in found if asked.ticker in {None, one.ticker, one.into}]

    found = ledgers.answered(settings.load(), candidates)
    if not found:
        output.say("no candidate: nothing that ended has a neighbour that speaks for it", explains=False)
        return Exit.OK
    table.show(
        found, style, table.layout(RENAMED_NAMES, text_of_candidate), "what ended, what began, what speaks for it"
    )
    if (one := next((one for one in found if one.recorded is None), None)) is not None:
        output.say(
            f"hint: main retire {one.ticker} --on {one.last_session} --into {one.into} --reason 'what happened'",
            explains=False,
        )
    return Exit.OK


def text_of_candidate(one: RenameCandidate) -> str:
    """Return the candidate on one line, with all that speaks for it."""
    said = [
        *(["the same ISIN"] if one.same_isin else []),
        *(["the same name"] if one.same_name else []),
        "no session between" if not one.sessions_between else f"{one.sessions_between} sessions between",
        "no closes" if one.close_ratio is None else f"first close {one.close_ratio:.4f} of the last",
    ]
    names = one.name if one.same_name else f"{one.name}, then {one.into_name}"
    recorded = "" if one.recorded is None else f"; recorded into {one.recorded}"
    return (
        f"{one.ticker:<12}  until {one.last_session}  {one.into:<12}  from {one.first_session}  {one.speaks} of 4: "
        f"{', '.join(said)} ({names}){recorded}"
    )
