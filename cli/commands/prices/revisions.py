"""`main revisions`: what changed, when it was learned, and why."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import groupby

import click
import msgspec

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import TEXT, Style
from cli.context import ledgers, params, series_option
from cli.context.params import Span
from cli.render import money, times
from ledger.market.series import Series
from projections.fold.tables import State
from projections.queries import revisions as told
from projections.queries.revisions import Cause, Revision


class RevisionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One field of one session that got another value; prices in reais, volume in shares.

    `first` has no old value and `withdrawn` no new one: their field is the close, which stands for the bar.
    `seq` is the decision that made it, `old_seq` the one that it replaced.
    """

    ticker: str
    date: date
    field: str
    old: float | int | None
    new: float | int | None
    change: float | None  # new/old - 1
    cause: Cause
    late: bool  # a first bar of a session that had been asked for in vain
    seq: int
    learned_at: str
    old_seq: int | None
    old_learned_at: str | None
    provider: str


@click.command(
    epilog="""\b
Examples:
  main revisions --ticker PETR4
  main revisions --since 2026-02-01 --format json
  main revisions --ticker PETR4 --all

\b
Exit codes: 0 also when nothing changed, 3 no series.
"""
)
@click.option("--ticker", type=params.TICKER, help="Only this ticker.")
@click.option("--since", type=params.SPAN, help="Only what was learned on this UTC day, at this time, or later.")
@click.option("--all", "everything", is_flag=True, help="First bars that came on time, too.")
@series_option.source_option
@ledgers.archive_option
@output.style_options
def revisions(ticker: str | None, since: Span | None, source: str | None, *, everything: bool, style: Style) -> int:
    """Print what changed in the prices, when that was learned, and why.

    Causes: first (late: the session had been asked for in vain), correction,
    rescale (one ratio through older sessions: a split, or a dividend in
    adjusted closes), withdrawn (the provider has it no longer; it stays held).
    In text a rescale is one line a field; in JSON each session is.
    """
    first_us = 0 if since is None else since.first_us
    with ledgers.viewing(settings.load()) as view:
        found = [
            (series, revision)
            for series in series_option.some(view.state, ticker, source)
            for revision in _wanted(view.state, series, first_us, everything=everything)
        ]
    found.sort(key=lambda pair: pair[1].seq)
    if style.format == TEXT:
        output.show(_lines(found), style, text=str)
    else:
        output.show((_row(series, one) for series, one in found), style, text=str)
    return Exit.OK


def _wanted(state: State, series: Series, first_us: int, *, everything: bool) -> Iterator[Revision]:
    for one in told.revisions(state["prices"], series):
        if one.recorded_at >= first_us and (everything or one.late or one.cause != "first"):
            yield one


def _row(series: Series, one: Revision) -> RevisionRow:
    return RevisionRow(
        ticker=series.ticker,
        date=one.date,
        field=one.field,
        old=money.field_number(one.field, one.old),
        new=money.field_number(one.field, one.new),
        change=one.change,
        cause=one.cause,
        late=one.late,
        seq=one.seq,
        learned_at=times.exact(one.recorded_at),
        old_seq=one.old_seq,
        old_learned_at=None if one.old_recorded_at is None else times.exact(one.old_recorded_at),
        provider=series.provider,
    )


def _lines(found: Sequence[tuple[Series, Revision]]) -> Iterator[str]:
    """Yield a line a revision, but one for all sessions that a decision rescaled in one field."""
    for (series, seq), group in groupby(found, key=lambda pair: (pair[0], pair[1].seq)):
        made = [revision for _, revision in group]
        for one in made:
            if one.cause != "rescale":
                yield f"{_place(series, seq, one)}  {_line(one)}"
        rescaled = sorted((one for one in made if one.cause == "rescale"), key=lambda one: one.field)
        for field, ones in groupby(rescaled, key=lambda one: one.field):
            yield f"{_place(series, seq, made[0])}  {_rescale_line(field, list(ones))}"


def _place(series: Series, seq: int, one: Revision) -> str:
    return f"{times.text(one.recorded_at)}  seq {seq:>6}  {series.ticker:<10}  {series.provider}"


def _line(one: Revision) -> str:
    cause = "first, late" if one.late else one.cause
    old, new = (money.field_text(one.field, value) for value in (one.old, one.new))
    since = "" if one.old_seq is None else f"  held since seq {one.old_seq}"
    return f"{cause:<11}  {one.date}  {one.field:<9}  {old} -> {new}  {money.change_text(one.change)}{since}"


def _rescale_line(field: str, ones: Sequence[Revision]) -> str:
    # The middle one: a session that was corrected at the same time moved by more or less.
    ratios = sorted(one.new / one.old for one in ones if one.old and one.new is not None)
    days = sorted(one.date for one in ones)
    by = f"{len(ones)} sessions by {ratios[len(ratios) // 2]:.6f}"
    return f"{'rescale':<11}  {days[0]} to {days[-1]}  {field:<9}  {by}"
