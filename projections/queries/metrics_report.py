"""What `main metrics` prints of a ticker, and how bad it is. Pure: the caller brings the time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Literal, get_args

import msgspec
from msgspec.structs import replace

from ledger.ingest.providers.registry import brought_by_hand, has_sessions
from ledger.market.sessions import final_sessions_after
from projections.fold.tables import Tables
from projections.models.log_entry import FAILURES, Status
from projections.models.metrics import Measured, files, measured
from projections.models.units import InstantUs
from projections.queries.gaps import uncovered

if TYPE_CHECKING:
    from projections.actions.witnessed import DisputeCount

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

    A provider that is brought by hand is one report, of all its `tickers` together, without a `ticker`: rows, findings
    and status are those of its last file, and `missing` are the sessions that no file of it covers.

    `disputed_actions` are the corporate actions of its ticker that witnesses tell in two ways and no person decided,
    `unsized_actions` those of no known size; of several tickers together where none has a report of its own.
    """

    ticker: str | None
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
    tickers: int = 1
    disputed_actions: int = 0
    unsized_actions: int = 0

    @property
    def named(self) -> str:
        """What it is about."""
        return self.ticker or f"{self.tickers} tickers of {self.provider}"


def graded_reports(
    tables: Tables,
    ticker: str | None = None,
    *,
    now_us: int,
    lag_threshold_s: int,
    doubts: "Mapping[str, DisputeCount] | None" = None,
) -> list[TickerReport]:
    """Return the graded report of each ticker asked for (or of the one), then one of each provider brought by hand.

    `doubts` are the corporate actions of each ticker that somebody has to look into, where they were counted.
    """
    found: list[TickerReport] = []
    brought: dict[str, list[Measured]] = {}
    for one in measured(tables, ticker):
        if ticker is None and brought_by_hand(one.provider):
            brought.setdefault(one.provider, []).append(one)
        else:
            found.append(report(one, now_us=now_us))
    for provider, some in sorted(brought.items()):
        missing = sum(1 for _ in uncovered(tuple(files(tables, provider))))
        found.append(together(some, missing=missing, now_us=now_us))
    return [graded(one, lag_threshold_s=lag_threshold_s) for one in _doubted(found, doubts or {})]


def _doubted(found: Sequence[TickerReport], doubts: "Mapping[str, DisputeCount]") -> Iterator[TickerReport]:
    """Yield the reports with what is in doubt of each: of tickers without one, on the first of several together."""
    own = {one.ticker for one in found}
    rest = [count for name, count in doubts.items() if name not in own]
    for one in found:
        some = [count for name, count in doubts.items() if name == one.ticker]
        if one.ticker is None:
            some, rest = rest, []
        yield replace(
            one,
            disputed_actions=sum(count.differs for count in some),
            unsized_actions=sum(count.unsized for count in some),
        )


def together(some: Sequence[Measured], *, missing: int, now_us: int) -> TickerReport:
    """Return one report of all that is brought of a provider; a series that ended counts where nothing else does."""
    counting = [one for one in some if one.retired is None] or some
    each = [report(one, now_us=now_us) for one in counting]
    newest = max(each, key=lambda one: (one.last_ingest or 0, one.status not in FAILURES))
    last_file = [one for one in each if one.last_ingest == newest.last_ingest]
    failed = [one for one in each if one.consecutive_failures and one.status in FAILURES]
    return replace(
        newest,
        ticker=None,
        tickers=len(each),
        status=failed[0].status if failed else newest.status,
        job_latency_ms=round(sum(one.job_latency_ms for one in each) / len(each)),
        rows_fetched=sum(one.rows_fetched for one in last_file),
        rows_total=sum(one.rows_total for one in each),
        error_count=sum(one.error_count for one in each),
        consecutive_failures=max(one.consecutive_failures for one in each),
        last_date=max((one.last_date for one in each if one.last_date is not None), default=None),
        sessions_behind=min((one.sessions_behind for one in each if one.sessions_behind is not None), default=None),
        rejected=sum(one.rejected for one in last_file),
        flagged=sum(one.flagged for one in last_file),
        warned=sum(one.warned for one in last_file),
        missing=missing,
        retired_on=None,
        retired_into=None,
    )


def report(one: Measured, *, now_us: int) -> TickerReport:
    """Return the ticker's report as of `now_us`; a lag is below zero where the log is ahead of that clock."""
    measures = one.measures
    last, behind, retired = measures.last_ingest, measures.last_date, one.retired
    until = date.max if retired is None else retired.on
    return TickerReport(
        ticker=one.ticker,
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
        provider=one.provider,
        rejected=measures.rejected,
        flagged=measures.flagged,
        warned=measures.warned,
        missing=measures.missing,
        retired_on=None if retired is None else retired.on,
        retired_into=None if retired is None else retired.into,
    )


def severity(found: TickerReport, *, lag_threshold_s: int) -> int:
    """Return 2 when the ticker is late and a session it could hold has become final, 1 when its last run went badly.

    1 also where corporate actions are in doubt.

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
    in_doubt = found.disputed_actions or found.unsized_actions
    return WARNING if found.status in FAILURES or found.rejected or found.flagged or in_doubt else OK


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
        if found.status not in FAILURES and not (found.rejected or found.flagged):
            in_doubt = f"{found.disputed_actions} told in two ways, {found.unsized_actions} of no known size"
            reason = f"corporate actions in doubt: {in_doubt} (main actions --disputed)"
    return replace(found, severity=SEVERITIES[grave], reason=reason)


def worst(reports: Iterable[TickerReport]) -> TickerReport | None:
    """Return the gravest of the graded reports, the first of several; None when there is none."""
    return max(reports, key=grade, default=None)


def grade(found: TickerReport | None) -> int:
    """Return the exit code of a graded report; 3 where there is none."""
    return UNKNOWN if found is None else SEVERITIES.index(found.severity)
