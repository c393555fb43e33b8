"""`main revisions`: what changed, when it was learned, and why."""

from collections.abc import Iterable, Iterator
from itertools import groupby

import click

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, series_option, ticker_option
from cli.context.params import Span
from cli.render import money
from cli.render.renderers import Layout
from projections.api import series_rows
from projections.api.rows import Change
from projections.models import units


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
@ticker_option.option("Only this ticker.")
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
    found = ledgers.answered(
        settings.load(),
        lambda _, view: [
            one
            for series in series_option.some(view.state, ticker, source)
            for one in series_rows.changes(view.state["prices"], series, everything=everything, since_us=first_us)
        ],
    )
    found.sort(key=lambda one: one.seq)
    output.give(output.rendered(found, style, Layout(lines=lines)))
    if not found:
        output.say(f"no revision{f' of {ticker}' if ticker else ''}", explains=False)
    return Exit.OK


def lines(found: Iterable[Change]) -> Iterator[str]:
    """Yield a line per change, but one for all sessions that a decision rescaled in one field."""
    for _, group in groupby(found, key=lambda one: (one.ticker, one.provider, one.seq)):
        made = list(group)
        at = units.second_text(made[0].learned_at)
        place = f"{at}  seq {made[0].seq:>6}  {made[0].ticker:<10}  {made[0].provider}"
        for one in made:
            if one.cause != "rescale":
                cause = "first, late" if one.late else one.cause
                old, new = ("-" if value is None else value for value in (one.old, one.new))
                since = "" if one.old_seq is None else f"  held since seq {one.old_seq}"
                moved = f"{old} -> {new}  {money.change_text(one.change)}{since}"
                yield f"{place}  {cause:<11}  {one.date}  {one.field:<9}  {moved}"
        rescaled = sorted((one for one in made if one.cause == "rescale"), key=lambda one: one.field)
        for field, moved_together in groupby(rescaled, key=lambda one: one.field):
            ones = list(moved_together)
            # Of whole numbers of the same unit: their ratio is the nearest double.
            pairs = ((one.new.scaleb(6), one.old.scaleb(6)) for one in ones if one.old and one.new is not None)
            # The middle one: a session that was corrected at the same time moved by more or less.
            ratios = sorted(int(new) / int(old) for new, old in pairs)
            days = sorted(one.date for one in ones)
            by = f"{len(ones)} sessions by {ratios[len(ratios) // 2]:.6f}"
            yield f"{place}  {'rescale':<11}  {days[0]} to {days[-1]}  {field:<9}  {by}"
