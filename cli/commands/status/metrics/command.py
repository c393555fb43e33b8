"""`main metrics`, `main metrics ingest-lag` and `main metrics last-date`: how each ticker's ingest goes."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import click

from cli.app import group_options, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.commands.status.metrics import row, scrape
from cli.commands.status.metrics.row import LastDateRow
from cli.context import ledgers, params, ticker_option
from cli.render.renderers import PROMETHEUS
from ledger.errors import NothingToShowError
from ledger.log_source import LogSource
from projections.actions import taped
from projections.queries.metrics_report import TickerReport, grade, graded_reports, worst
from projections.store.store import View

T = TypeVar("T")


@click.group(
    cls=ticker_option.TickerGroup,
    invoke_without_command=True,
    subcommand_metavar="[ingest-lag | last-date TICKER]",
    epilog="""\b
Examples:
  main metrics
  main metrics --ticker PETR4 --format json
  main metrics --format prometheus --out /var/lib/node_exporter/b3ledger.prom
  main metrics ingest-lag
  main metrics last-date PETR4

\b
Exit codes: those of the worst ticker. 1 its last run failed, or had rows rejected or flagged, or
corporate actions of it are in doubt (main actions --disputed) that no person decided, 2 its
last ingest is older than METRICS_INGEST_LAG_THRESHOLD and a B3 session became final since the last one held
(a weekend or a holiday alone is no alarm), 3 no ingest recorded. With --format prometheus the page is
written even where the ledger cannot be read: it then says b3ledger_up 0.
""",
)
@click.option("--ticker", type=params.TICKER, help="Only this ticker.")
@click.option("--out", type=params.OUT_FILE, help="With --format prometheus: the file to write whole.")
@ledgers.archive_option
@output.metrics_style_options
@click.pass_context
def metrics(context: click.Context, /, ticker: str | None, out: Path | None, style: Style) -> int | None:
    """Say how each ticker's ingest goes: a line a ticker, on a terminal a table.

    A provider whose files are brought by hand has one line for all its tickers, which --ticker tells apart.
    """
    if context.invoked_subcommand is not None:
        group_options.refuse(context)
        return None
    if out is not None and style.format != PROMETHEUS:
        context.fail(f"got --out with --format {style.format}, want --format prometheus")
    if style.format == PROMETHEUS:
        # What is scraped describes the log even where nothing was ingested, so it is printed first.
        return _exit(_some(scrape.give(reports, ticker, style, out), ticker))
    found = _some(_answered(ticker), ticker)
    output.report(found, style, text=row.text, table=row.TABLE)
    return _exit(found)


@metrics.command(
    "ingest-lag",
    epilog="""\b
Examples:
  main metrics ingest-lag
  main metrics ingest-lag --ticker PETR4 --format json

\b
Exit codes: those of main metrics.
""",
)
@ticker_option.option("Only this ticker.")
@ledgers.archive_option
@output.style_options
def ingest_lag(ticker: str | None, style: Style) -> int:
    """Say how long ago each ticker was last ingested."""
    found = _answered(ticker)
    output.show(map(row.lag, _some(found, ticker)), style, text=row.lag_text, table=row.LAG_TABLE)
    return _exit(found)


@metrics.command(
    "last-date",
    epilog="""\b
Examples:
  main metrics last-date PETR4

\b
Exit codes: 0 printed, 3 no session held.
""",
)
@click.argument("ticker", type=params.TICKER)
@ledgers.archive_option
@output.style_options
def last_date(ticker: str, style: Style) -> int:
    """Print the last session held of a ticker."""
    found = _answered(ticker)
    rows = [
        LastDateRow(
            ticker=ticker, last_date=one.last_date, sessions_behind=one.sessions_behind or 0, provider=one.provider
        )
        for one in found
        if one.last_date is not None
    ]
    output.show(_some(rows, ticker), style, text=lambda one: one.last_date.isoformat())
    return Exit.OK


def _answered(ticker: str | None) -> list[TickerReport]:
    given = settings.load()
    return ledgers.answered(given, lambda log, view: reports(log, view, ticker, given))


def reports(log: LogSource, view: View, ticker: str | None, given: Settings) -> list[TickerReport]:
    """Return how each ticker (or the one) goes, and how bad it is."""
    names = [name for name in taped.tickers(view.state) if ticker in {None, name}]
    doubts = None
    if names:
        from projections.api import disputes  # here: exact fractions cost as much as everything else

        doubts = disputes.counts(log, view.state, names, order=given.action_sources)
    return graded_reports(
        view.state["metrics"],
        ticker,
        now_us=ledgers.read_at(given, log),
        lag_threshold_s=given.metrics_ingest_lag_threshold,
        doubts=doubts,
    )


def _some(found: Sequence[T], ticker: str | None) -> Sequence[T]:
    """Return `found` when there is any.

    Raises: NothingToShowError.
    """
    if not found:
        raise NothingToShowError(f"no ingest of {ticker or 'any ticker'}", wanted="one recorded")
    return found


def _exit(found: Sequence[TickerReport]) -> Exit:
    for severity in ("critical", "warning"):
        reasons: dict[str | None, list[str]] = {}
        for one in found:
            if one.severity == severity:
                reasons.setdefault(one.reason, []).append(one.named)
        for reason, tickers in reasons.items():
            whose = tickers[0] if len(tickers) == 1 else f"{len(tickers)} tickers ({', '.join(tickers)})"
            output.say(f"{severity}: {whose}: {reason}")
    return Exit(grade(worst(found)))
