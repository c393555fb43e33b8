"""`main actions`: dividends, splits and capital gains, as they are known and as they were reported."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, positions, series_option, ticker_option
from cli.render.renderers import Layout
from cli.render.table import TableColumn
from ledger.log_source import LogSource
from projections.api import series_rows
from projections.api.rows import CorporateAction
from projections.models import decisions, units
from projections.queries.position import UpTo
from projections.store.store import View

if TYPE_CHECKING:
    from projections.api.disputes import DisputedAction

SHOWN_PLACES = 6  # of an amount, and as many more as it has


class ActionsOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Whose actions (None: every ticker's), as of when and by whose word; each change, or what is in doubt."""

    ticker: str | None
    as_of: UpTo | None
    source: str | None
    revisions: bool
    disputed: bool


@click.command(
    epilog="""\b
Examples:
  main actions --ticker VALE3
  main actions --ticker VALE3 --as-of 2026-01-31 --format json
  main actions --ticker VALE3 --revisions
  main actions --disputed                  of every ticker, what is in doubt
  main actions PETR4 --disputed --format csv

\b
--disputed compares what the witnesses say, day by day: all cash of a day together, its splits,
bonuses and groupings together, as traded, and each step of the exchange's own count of changes of
rights (DISMES). agreed: two name one size; single: only one names it;
differs: two sizes or days, or the price did not move by it; unsized: nobody says what it is worth.
The first of ACTION_SOURCES that names it counts; what is unsized ends the adjusted prices there.

\b
Exit codes: 0 also when there are none, 1 with --disputed some differ or have no size, 3 no series.
"""
)
@ticker_option.option("Whose actions; with --disputed every ticker's without it.")
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew them then.  [default: now]")
@click.option("--revisions", is_flag=True, help="Every change, oldest first, instead of what holds.")
@click.option("--disputed", is_flag=True, help="Where the witnesses differ, or nobody knows the size.")
@series_option.source_option
@ledgers.archive_option
@output.csv_style_options
@click.pass_context
def actions(context: click.Context, /, *, style: Style, **given: Any) -> int:
    """Print a ticker's corporate actions, as each provider tells of them.

    Within a provider the newest answer that names a kind of action on a day decides on it;
    one that a later answer lacks stays held, and is flagged.
    """
    asked = ActionsOptions(**given)
    if asked.disputed and (asked.revisions or asked.source):
        context.fail("got --disputed with --revisions or --source, want it without")
    if asked.ticker is None and not asked.disputed:
        context.fail("got no ticker, want --ticker, or --disputed for all of them")
    if asked.disputed:
        return _disputed(asked, style)

    def told(log: LogSource, view: View) -> list[CorporateAction]:
        position = positions.reached(log, asked.as_of)
        tables, name = view.state["prices"], asked.ticker or ""
        if asked.source is not None or not decisions.judged(tables, name):
            series_option.judged(view.state, name, asked.source)
        return series_rows.actions_of(tables, name, asked.source, position, every_change=asked.revisions)

    found = ledgers.answered(settings.load(), told)
    output.give(output.rendered(found, style, msgspec.structs.replace(LAYOUT, lines=output.lines(text, TABLE))))
    if not found:
        output.say("nothing to show", explains=False)
    return Exit.OK


def _disputed(asked: ActionsOptions, style: Style) -> int:
    # Imported here: exact fractions cost as much as everything else that actions need.
    from projections.actions import taped
    from projections.api import disputes

    def seen(log: LogSource, view: View) -> dict[str, list[disputes.DisputedAction]]:
        if asked.ticker is not None:
            series_option.judged(view.state, asked.ticker, None)
        names = taped.tickers(view.state) if asked.ticker is None else [asked.ticker]
        position, order = positions.reached(log, asked.as_of), settings.load().action_sources
        return {
            name: list(disputes.rows(name, disputes.seen(log, view.state, name, position, order))) for name in names
        }

    told = ledgers.answered(settings.load(), seen)
    found = [row for rows in told.values() for row in rows]
    doubted = [row for row in found if row.state in disputes.IN_DOUBT]
    lines = output.lines(disputed_text, DISPUTED_TABLE)
    output.give(output.rendered(doubted, style, msgspec.structs.replace(DISPUTED_LAYOUT, lines=lines)))
    alike, alone = (sum(row.state == state for row in found) for state in ("agreed", "single"))
    say = f"{len(doubted)} in doubt; {alike} told alike, {alone} by one witness alone, of {len(told)} tickers"
    output.say(say, explains=bool(doubted))
    return Exit.WARNING if doubted else Exit.OK


def text(one: CorporateAction) -> str:
    """Return the action on one line."""
    strike = "" if one.strike is None else f"  at {one.strike}"
    label = "" if one.label is None else f"  {one.label}"
    learned = f"learned {units.exact_text(one.learned_at)}  seq {one.seq}"
    return f"{one.date}  {one.kind:<12}  {_size(one):>12}  {one.cause:<10}  {learned}  {one.provider}{label}{strike}"


def _size(one: CorporateAction) -> str:
    if one.amount is None:
        return f"{one.denominator} to {one.numerator}" if one.numerator else "-"
    _, _, places = str(one.amount).partition(".")
    return f"{one.amount:.{max(SHOWN_PLACES, len(places))}f}"


# What a terminal shows, what matters most first.
TABLE: tuple[TableColumn[CorporateAction], ...] = (
    TableColumn("DATE", lambda one: one.date),
    TableColumn("KIND", lambda one: one.kind),
    TableColumn("SIZE", _size, is_number=True),
    TableColumn("STRIKE", lambda one: "" if one.strike is None else one.strike, is_number=True),
    TableColumn("CAUSE", lambda one: one.cause),
    TableColumn("PROVIDER", lambda one: one.provider),
    TableColumn("LABEL", lambda one: one.label or "", is_cut=True),
    TableColumn("SEQ", lambda one: one.seq, is_number=True),
    TableColumn("LEARNED", lambda one: units.second_text(one.learned_at)),
)


def disputed_text(one: "DisputedAction") -> str:
    """Return what is said of one day's actions on one line."""
    counts = "nothing counts" if one.provider is None else f"{one.size} of {one.provider} counts"
    return f"{one.ticker}  {one.date}  {one.family:<12}  {one.state:<7}  {_told(one)}; {counts}: {one.reason}"


def _told(one: "DisputedAction") -> str:
    return ", ".join(f"{name} {size}" for name, size in one.told.items()) or "nobody"


# What a terminal shows of them.
DISPUTED_TABLE: tuple[TableColumn["DisputedAction"], ...] = (
    TableColumn("TICKER", lambda one: one.ticker),
    TableColumn("DATE", lambda one: one.date),
    TableColumn("FAMILY", lambda one: one.family),
    TableColumn("STATE", lambda one: one.state),
    TableColumn("COUNTS", lambda one: "nothing" if one.provider is None else f"{one.size} of {one.provider}"),
    TableColumn("TOLD", _told, is_cut=True),
    TableColumn("REASON", lambda one: one.reason or "", is_cut=True),
)


CSV_HEADER = (
    *("ticker", "date", "kind", "amount", "numerator", "denominator", "cause", "provider"),
    *("com_date", "pay_date", "isin", "label", "strike", "seq", "learned_at"),
)
DISPUTED_CSV_HEADER = ("ticker", "date", "family", "state", "provider", "size", "told", "reason")


def csv_lines(one: CorporateAction) -> Iterator[tuple[object, ...]]:
    """Yield the cells of an action."""
    yield tuple(
        units.exact_text(value) if isinstance(value, datetime) else value
        for value in (getattr(one, name) for name in CSV_HEADER)
    )


def disputed_csv_lines(one: "DisputedAction") -> Iterator[tuple[object, ...]]:
    """Yield the cells of what is in doubt; what was told in one cell, provider by provider."""
    told = "; ".join(f"{name} {size}" for name, size in one.told.items())
    yield (one.ticker, one.date, one.family, one.state, one.provider, one.size, told, one.reason)


LAYOUT: Layout[CorporateAction] = Layout(lines=partial(map, text), csv_header=CSV_HEADER, csv_lines=csv_lines)
DISPUTED_LAYOUT: Layout["DisputedAction"] = Layout(
    lines=partial(map, disputed_text), csv_header=DISPUTED_CSV_HEADER, csv_lines=disputed_csv_lines
)
