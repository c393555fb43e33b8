"""A ticker's metrics as they are printed: the six fields that operators know, then the rest. Pure."""

from datetime import date

import msgspec

from cli.render import times
from cli.render.table import TableColumn
from projections.queries.metrics_report import TickerReport


class LagRow(msgspec.Struct, frozen=True, kw_only=True):
    """How long ago a ticker was last ingested, and how many sessions became final since the last one held."""

    ticker: str | None  # null: all tickers of a provider that is brought by hand
    ingest_lag_seconds: int | None
    sessions_behind: int | None


class LastDateRow(msgspec.Struct, frozen=True, kw_only=True):
    """The last session held of a ticker."""

    ticker: str
    last_date: date
    sessions_behind: int
    provider: str


def _seconds(lag_seconds: int | None) -> str:
    return "-" if lag_seconds is None else f"{lag_seconds}s"


def _behind(one: TickerReport | LagRow) -> object:
    return "-" if one.sessions_behind is None else one.sessions_behind


# What a terminal shows, what matters most first.
TABLE: tuple[TableColumn[TickerReport], ...] = (
    TableColumn("TICKER", lambda one: one.ticker or "all"),
    TableColumn("STATUS", lambda one: one.status),
    TableColumn("LAG", lambda one: _seconds(one.ingest_lag_seconds), is_number=True),
    TableColumn("LAST DATE", lambda one: one.last_date or "-"),
    TableColumn("BEHIND", _behind, is_number=True),
    TableColumn("ERRORS", lambda one: one.error_count, is_number=True),
    TableColumn("MISSING", lambda one: one.missing or "", is_number=True),
    TableColumn("IN DOUBT", lambda one: one.disputed_actions + one.unsized_actions or "", is_number=True),
    TableColumn("RETIRED", lambda one: one.retired_on or ""),
    TableColumn("GOES ON AS", lambda one: one.retired_into or ""),
    TableColumn("ROWS", lambda one: one.rows_fetched, is_number=True),
    TableColumn("LATENCY", lambda one: f"{one.job_latency_ms}ms", is_number=True),
    TableColumn("PROVIDER", lambda one: one.provider),
    TableColumn("LAST INGEST", lambda one: "never" if one.last_ingest is None else times.text(one.last_ingest)),
)
LAG_TABLE: tuple[TableColumn[LagRow], ...] = (
    TableColumn("TICKER", lambda one: one.ticker or "all"),
    TableColumn("LAG", lambda one: _seconds(one.ingest_lag_seconds), is_number=True),
    TableColumn("BEHIND", _behind, is_number=True),
)


def lag(report: TickerReport) -> LagRow:
    """Return what `main metrics ingest-lag` prints of a ticker."""
    return LagRow(
        ticker=report.ticker, ingest_lag_seconds=report.ingest_lag_seconds, sessions_behind=report.sessions_behind
    )


def text(one: TickerReport) -> str:
    """Return the line that operators read: their six facts, then the rest."""
    last = one.last_ingest
    facts = [
        f"Ticker: {one.ticker or 'all'}",
        f"Last ingest: {'never' if last is None else times.text(last)}",
        f"Ingest lag: {_seconds(one.ingest_lag_seconds)}",
        f"Job latency avg: {one.job_latency_ms}ms",
        f"Rows: {one.rows_fetched}",
        f"Errors: {one.error_count}",
        f"Status: {one.status}",
        f"Last date: {one.last_date or '-'}",
        f"Sessions behind: {_behind(one)}",
        *([f"Missing: {one.missing}"] if one.missing else []),
        *([f"Disputed actions: {one.disputed_actions}"] if one.disputed_actions else []),
        *([f"Unsized actions: {one.unsized_actions}"] if one.unsized_actions else []),
        f"Provider: {one.provider}",
        *([] if one.retired_on is None else [f"Retired: {one.retired_on}"]),
        *([] if one.retired_into is None else [f"Goes on as: {one.retired_into}"]),
    ]
    return " | ".join(facts)


def lag_text(one: LagRow) -> str:
    """Return the lag on one line."""
    lag_s = _seconds(one.ingest_lag_seconds)
    return f"Ticker: {one.ticker or 'all'} | Ingest lag: {lag_s} | Sessions behind: {_behind(one)}"
