"""`main gaps`: sessions of B3 that ought to be held and are not."""

from collections.abc import Iterator
from datetime import date

import click
import msgspec

from cli.app import clock, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, series_option
from cli.render import times
from ledger.log_source import LogSource, created
from ledger.market import sessions
from ledger.market.series import Series
from projections.queries import gaps as missing
from projections.queries.gaps import Gap


class GapRow(msgspec.Struct, frozen=True, kw_only=True):
    """One missing session: how many accepted answers over it did not bring it, since when, and when last.

    `rejected` when the last of them had a row that a rule refused; `behind` when no later session is held.
    `rejected_answers` more were rejected as a whole, the last at `last_rejected_at`.
    """

    ticker: str
    date: date
    asked: int
    since: str | None
    last_asked_at: str | None
    rejected: bool
    rejected_answers: int
    last_rejected_at: str | None
    behind: bool
    provider: str


@click.command(
    epilog="""\b
Examples:
  main gaps
  main gaps --ticker PETR4 --format json

\b
Exit codes: 0 nothing is missing, 1 some sessions are, 3 no series.
"""
)
@click.option("--ticker", type=params.TICKER, help="Only this ticker.")
@series_option.source_option
@ledgers.archive_option
@output.style_options
def gaps(ticker: str | None, source: str | None, style: Style) -> int:
    """Print the sessions that are missing, from the first one held to the last final one.

    Nothing is ever filled in by guessing: later runs ask for recent gaps again.
    """
    given = settings.load()
    with ledgers.reading(given) as log, ledgers.view_of(log) as view:
        until = _last_due(log, clock.now_us(given, reading=True))
        found = [
            _row(series, gap)
            for series in series_option.some(view.state, ticker, source)
            for gap in missing.gaps(view.state["prices"], series, until)
        ]
    output.show(found, style, text=_text)
    return Exit.WARNING if found else Exit.OK


def _last_due(log: LogSource, now_us: int) -> date:
    """Return the last session that ought to be held: the newest final one, or the day on which the sample ends."""
    if created(log).kind == "sample":
        # Imported here: only the sample's ledger asks.
        from ledger.ingest.providers.sample import provider as sample

        return sample.LAST_DAY
    return sessions.last_final_session(now_us)


def _row(series: Series, gap: Gap) -> GapRow:
    return GapRow(
        ticker=series.ticker,
        date=gap.date,
        asked=gap.asked,
        since=None if gap.since is None else times.exact(gap.since),
        last_asked_at=None if gap.last_asked is None else times.exact(gap.last_asked),
        rejected=gap.rejected,
        rejected_answers=gap.rejected_answers,
        last_rejected_at=None if gap.last_rejected is None else times.exact(gap.last_rejected),
        behind=gap.behind,
        provider=series.provider,
    )


def _text(one: GapRow) -> str:
    found = "; ".join(_answers(one)) or "not asked for yet"
    return f"{one.ticker:<10}  {one.date}  {one.provider}  {found}"


def _answers(one: GapRow) -> Iterator[str]:
    if one.asked:
        reason = "its row is rejected" if one.rejected else "no row"
        yield f"{reason}, asked for {one.asked}x since {one.since}, last {one.last_asked_at}"
    if one.rejected_answers:
        yield f"the whole answer rejected {one.rejected_answers}x, last {one.last_rejected_at}"
