"""What `main metrics` prints of a ticker, and how bad it is. Pure: the caller brings the time."""

from collections.abc import Iterable
from datetime import date
from typing import Literal, get_args

import msgspec
from msgspec.structs import replace

from ledger.ingest.providers.registry import brought_by_hand, has_sessions
from ledger.market.sessions import final_sessions_after
from projections.models.log_entry import FAILURES, Status
from projections.models.metrics import Measured
from projections.models.units import InstantUs

US_A_S = 1_000_000
OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
Severity = Literal["ok", "warning", "critical"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)


class TickerReport(msgspec.Struct, frozen=True, kw_only=True):
    """How one ticker's ingest goes; null where nothing was ever accepted.

    `job_latency_ms` is the mean over the last 30 final entries, `error_count` the failures among them,
    `rejected` rows, `flagged` and `warned` findings by the last one, `missing` the sessions that accepted answers ought
    to have brought and did not, `sessions_behind` the B3 sessions that became final since `last_date`. No session is
    due after `retired_on`: a person recorded that the series ended then, and as what it goes on.
    """

    ticker: str
    last_ingest: InstantUs | None
    ingest_lag_seconds: int | None
    job_latency_ms: int
    rows_fetched: int
    error_count: int
    status: Status
    sessions_behind: int | None
    consecutive_failures: int
    rows_total: int
    last_date: date | None
    provider: str
    rejected: int
    flagged: int
    warned: int
    missing: int
    severity: Severity = "ok"  # filled by `graded`
    reason: str | None = None  # why it is no better
    retired_on: date | None = None
    retired_into: str | None = None


def report(measured: Measured, *, now_us: int) -> TickerReport:
    """Return the ticker's report as of `now_us`; a lag is below zero where the log is ahead of that clock."""
    measures = measured.measures
    last, behind, retired = measures.last_ingest, measures.last_date, measured.retired
    until = date.max if retired is None else retired.on
    return TickerReport(
        ticker=measured.ticker,
        last_ingest=last,
        ingest_lag_seconds=None if last is None else int((now_us - last) / US_A_S),
        job_latency_ms=round(sum(measures.durations_ms) / len(measures.durations_ms)),
        rows_fetched=measures.rows_fetched,
        error_count=sum(measures.failures),
        status=measures.status,
        sessions_behind=None if behind is None else final_sessions_after(behind, now_us, until=until),
        consecutive_failures=measures.consecutive_failures,
        rows_total=measures.rows_total,
        last_date=measures.last_date,
        provider=measured.provider,
        rejected=measures.rejected,
        flagged=measures.flagged,
        warned=measures.warned,
        missing=measures.missing,
        retired_on=None if retired is None else retired.on,
        retired_into=None if retired is None else retired.into,
    )


def severity(found: TickerReport, *, lag_threshold_s: int) -> int:
    """Return 2 when the ticker is late and a session it could hold has become final, 1 when its last run went badly.

    Late alone is no alarm: over a weekend or Carnival there is nothing to fetch.
    A ticker of which nothing was ever accepted has no session to be behind, and its last run went badly.
    A file that was imported years ago is not late, nor is a series that ended. Ahead of the clock is an error: nothing
    is late by such a clock.
    """
    if found.ingest_lag_seconds is not None and found.ingest_lag_seconds < 0:
        return CRITICAL
    if found.retired_on is not None:
        return OK
    late = found.ingest_lag_seconds is not None and found.ingest_lag_seconds > lag_threshold_s
    asked = has_sessions(found.provider) and not brought_by_hand(found.provider)
    due = asked and (found.sessions_behind is None or found.sessions_behind > 0)
    if late and due:
        return CRITICAL
    return WARNING if found.status in FAILURES or found.rejected or found.flagged else OK


def graded(found: TickerReport, *, lag_threshold_s: int) -> TickerReport:
    """Return the report with its severity, which is the exit code's, and the reason."""
    grave = severity(found, lag_threshold_s=lag_threshold_s)
    reason = None
    if grave == CRITICAL and found.ingest_lag_seconds is not None and found.ingest_lag_seconds < 0:
        reason = f"got a last ingest {-found.ingest_lag_seconds}s ahead of the clock, want one before it"
    elif grave == CRITICAL:
        behind = "" if found.sessions_behind is None else f"; sessions behind: {found.sessions_behind}"
        reason = f"got {found.ingest_lag_seconds}s since its last ingest, want at most {lag_threshold_s}s{behind}"
    elif grave == WARNING:
        failed = f"the last run ended as {found.status}"
        reason = failed if found.status in FAILURES else f"{found.rejected} rows rejected, {found.flagged} flagged"
    return replace(found, severity=SEVERITIES[grave], reason=reason)


def worst(reports: Iterable[TickerReport]) -> TickerReport | None:
    """Return the gravest of the graded reports, the first of several; None when there is none."""
    return max(reports, key=grade, default=None)


def grade(found: TickerReport | None) -> int:
    """Return the exit code of a graded report; 3 where there is none."""
    return UNKNOWN if found is None else SEVERITIES.index(found.severity)
