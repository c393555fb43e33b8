"""`main actions`: dividends, splits and capital gains, as they are known and as they were told."""

from collections.abc import Sequence
from datetime import date

import click
import msgspec

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, series_option
from cli.render import money, times
from ledger.events import Action, ActionKind
from ledger.market.series import Series
from projections.models import corporate_actions
from projections.models.corporate_actions import ActionCause, ActionChange
from projections.models.decisions import decisions
from projections.queries.position import UpTo, position_of


class ActionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One corporate action: reais a share for a payment, `denominator` old shares into `numerator` new for a split.

    `cause` says how it came to be so: told first, or as a correction; `withdrawn` is told no longer.
    """

    ticker: str
    date: date
    kind: ActionKind
    amount: float | None
    numerator: int | None
    denominator: int | None
    cause: ActionCause
    seq: int
    learned_at: str
    provider: str


@click.command(
    epilog="""\b
Examples:
  main actions --ticker VALE3
  main actions --ticker VALE3 --as-of 2026-01-31 --format json
  main actions --ticker VALE3 --revisions

\b
Exit codes: 0 also when there are none, 3 no series.
"""
)
@click.option("--ticker", type=params.TICKER, required=True, help="Whose actions.")
@click.option("--as-of", type=params.UP_TO, help="As the ledger knew them then.  [default: now]")
@click.option("--revisions", is_flag=True, help="Every change, oldest first, instead of what holds.")
@series_option.source_option
@ledgers.archive_option
@output.style_options
def actions(ticker: str, as_of: UpTo | None, source: str | None, *, revisions: bool, style: Style) -> int:
    """Print a ticker's dividends, splits and capital gains.

    An answer over a window says all that its provider knows of that window:
    an action that it no longer names is withdrawn.
    """
    with ledgers.reading(settings.load()) as log, ledgers.view_of(log) as view:
        position = view.head.size if as_of is None else position_of(log, as_of)
        series = series_option.one(view.state, ticker, source)
        judged = decisions(view.state["prices"], series, position)
        changes = corporate_actions.changes(judged) if revisions else corporate_actions.holding(judged)
        rows = [row for change in changes for row in _rows(series, change)]
    output.show(rows, style, text=_text)
    return Exit.OK


def _rows(series: Series, change: ActionChange) -> Sequence[ActionRow]:
    told = change.new or change.old
    return [_row(series, change, action) for action in told]


def _row(series: Series, change: ActionChange, action: Action) -> ActionRow:
    return ActionRow(
        ticker=series.ticker,
        date=action.ex_date,
        kind=action.kind,
        amount=None if action.amount is None else money.paid(action.amount),
        numerator=action.numerator,
        denominator=action.denominator,
        cause=change.cause,
        seq=change.seq,
        learned_at=times.exact(change.recorded_at),
        provider=series.provider,
    )


def _text(one: ActionRow) -> str:
    value = f"{one.denominator} to {one.numerator}" if one.amount is None else f"{one.amount:.6f}"
    return f"{one.date}  {one.kind:<12}  {value:>12}  {one.cause:<10}  learned {one.learned_at}  seq {one.seq}"
