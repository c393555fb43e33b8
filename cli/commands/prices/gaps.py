"""`main gaps`: sessions of B3 that ought to be held and are not."""

from datetime import date

import click

from cli.app import clock, exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, series_option, ticker_option
from cli.render.table import TableColumn
from ledger.ingest.providers import registry
from ledger.log_source import LogSource, created
from projections.api import series_rows
from projections.api.rows import MissingSession
from projections.models import metrics, retirements, units
from projections.queries.gaps import DueSessions, last_due, uncovered
from projections.store.store import View


@click.command(
    epilog="""\b
Examples:
  main gaps
  main gaps --ticker PETR4 --format json

\b
Exit codes: 0 nothing is missing, 1 some sessions are, 3 no series.
"""
)
@ticker_option.option("Only this ticker.")
@series_option.source_option
@ledgers.archive_option
@output.style_options
def gaps(ticker: str | None, source: str | None, style: Style) -> int:
    """Print the sessions that are missing, from the first one known to be due to the last final one.

    That is the first one held, or an earlier one that an answer ought to have brought.
    Of a retired series none is due after its end, nor of a contract after its expiry.

    Of a provider whose files are brought by hand a session is missing that no file covers, once for
    all its tickers; with --ticker, one whose row was rejected too. A day without a trade is no gap.

    Nothing is ever filled in by guessing: later runs ask for recent gaps again.
    """
    given = settings.load()

    def missing(log: LogSource, view: View) -> list[MissingSession]:
        until = last_due(created(log).kind, clock.now_us(given, reading=True))
        measures, series = view.state["metrics"], series_option.some(view.state, ticker, source)
        ended = {ticker: one.on for ticker, one in retirements.in_force(measures).items()}
        brought = {one.provider for one in series if registry.brought_by_hand(one.provider)}
        files = {provider: tuple(metrics.files(measures, provider)) for provider in brought}
        # Of a provider that is brought by hand each session counts once, and not for every code of the exchange.
        together = brought if ticker is None else set()
        found = [
            series_rows.uncovered_session(provider, day)
            for provider in sorted(together)
            for day in uncovered(files[provider])
        ]
        for one in (one for one in series if one.provider not in together):
            due = DueSessions(
                until=until,
                since=min(metrics.asked(measures, one).missing, default=None),
                ended=ended.get(one.ticker, date.max),
                files=files.get(one.provider, ()),
            )
            found += series_rows.missing_sessions(view.state["prices"], one, due)
        return found

    found = ledgers.answered(given, missing)
    output.show(found, style, text=text, table=TABLE, none="no session is missing")
    return exits.ended(Exit.WARNING if found else Exit.OK, f"sessions without a price: {len(found)}")


def text(one: MissingSession) -> str:
    """Return the gap on one line."""
    return f"{one.ticker or 'all':<10}  {one.date}  {one.provider}  {_why(one)}"


def _why(one: MissingSession) -> str:
    """Return what is known of why the session is missing."""
    if one.ticker is None:
        return "no file covers it"
    since, last_asked, last_rejected = (
        None if at is None else units.exact_text(at) for at in (one.since, one.last_asked_at, one.last_rejected_at)
    )
    found = []
    if one.asked:
        reason = "its row is rejected" if one.rejected else "no row"
        found.append(f"{reason}, asked for {one.asked}x since {since}, last {last_asked}")
    if one.rejected_answers:
        found.append(f"the whole answer rejected {one.rejected_answers}x, last {last_rejected}")
    return "; ".join(found) or "not asked for yet"


# What a terminal shows.
TABLE: tuple[TableColumn[MissingSession], ...] = (
    TableColumn("TICKER", lambda one: one.ticker or "all"),
    TableColumn("DATE", lambda one: one.date),
    TableColumn("PROVIDER", lambda one: one.provider),
    TableColumn("WHY", _why, is_cut=True),
)
