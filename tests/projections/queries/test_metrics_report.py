"""What is printed of a ticker, and how bad it is: just inside and just outside each threshold."""

from datetime import date

import msgspec
import pytest
from msgspec.structs import replace

from ledger.market.sessions import final_at
from projections.models.metrics import Measured, Measures
from projections.queries.metrics_report import OK, WARNING, TickerReport, grade, graded, report, severity, worst

DAY_S = 86_400
FRIDAY = date(2026, 2, 13)  # the last session before Carnival 2026: the next one is Wednesday the 18th
WEDNESDAY = date(2026, 2, 18)
INGESTED_US = final_at(FRIDAY) + 60_000_000
GOOD = Measures(
    status="success",
    seq=3,
    rejected=0,
    last_ingest=INGESTED_US,
    rows_fetched=6,
    rows_total=500,
    last_date=FRIDAY,
    durations_ms=(1000, 1501),
    failures=(True, False),
    flagged=0,
    warned=3,
    missing=2,
)
REPORT = TickerReport(
    ticker="PETR4.SA",
    last_ingest=INGESTED_US,
    ingest_lag_seconds=3600,
    job_latency_ms=1250,
    rows_fetched=6,
    error_count=1,
    status="success",
    sessions_behind=0,
    consecutive_failures=0,
    rows_total=500,
    last_date=FRIDAY,
    provider="yfinance",
    rejected=0,
    flagged=0,
    warned=3,
    missing=2,
)


def test_a_report_tells_the_six_fields_first() -> None:
    """In the order in which operators know them, then the others."""
    found = report(Measured("PETR4.SA", "yfinance", GOOD), now_us=INGESTED_US + 3600_000_000)
    assert REPORT == found
    expected = ["ticker", "last_ingest", "ingest_lag_seconds", "job_latency_ms", "rows_fetched", "error_count"]
    assert expected == list(TickerReport.__struct_fields__)[:6]


@pytest.mark.parametrize(
    ("measures", "expected"),
    [({"flagged": 1}, WARNING), ({"rejected": 1}, WARNING), ({"warned": 9, "missing": 9}, OK)],
)
def test_what_was_flagged_is_a_warning(measures: dict[str, int], expected: int) -> None:
    """Frozen prices used to reach nobody; a session that is missing is counted, and is no alarm of its own."""
    found = report(Measured("PETR4.SA", "yfinance", replace(GOOD, **measures)), now_us=INGESTED_US)
    assert expected == severity(found, lag_threshold_s=86400)
    shown = graded(found, lag_threshold_s=86400)
    reason = "{rejected} rows rejected, {flagged} flagged".format(**{"rejected": 0, "flagged": 0} | measures)
    assert (("warning", reason) if expected else ("ok", None)) == (shown.severity, shown.reason)


def test_a_late_report_says_so() -> None:
    """In its own row: the exit code speaks for all tickers at once."""
    late = report(Measured("PETR4.SA", "yfinance", GOOD), now_us=final_at(WEDNESDAY))
    shown = graded(late, lag_threshold_s=3600)
    want = f"got {late.ingest_lag_seconds}s since its last ingest, want at most 3600s; sessions behind: 1"
    assert ("critical", want) == (shown.severity, shown.reason)


def test_a_clock_behind_the_log_is_an_error_and_no_lag_of_zero() -> None:
    """By a second or more; the fraction of one that two clocks differ by is nothing."""
    found = [report(Measured("PETR4.SA", "yfinance", GOOD), now_us=INGESTED_US - us) for us in (1, 1_000_000)]
    assert [(0, 0), (-1, 2)] == [(one.ingest_lag_seconds, severity(one, lag_threshold_s=DAY_S)) for one in found]


def test_carnival_is_no_alarm_until_the_next_session_is_final() -> None:
    """Late by days, and one microsecond before Wednesday's close is still nothing to have missed."""
    measured = Measured("PETR4.SA", "yfinance", GOOD)
    before = report(measured, now_us=final_at(WEDNESDAY) - 1)
    after = report(measured, now_us=final_at(WEDNESDAY))
    assert (0, 0) == (before.sessions_behind, severity(before, lag_threshold_s=DAY_S))
    assert (1, 2) == (after.sessions_behind, severity(after, lag_threshold_s=DAY_S))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 0),
        ({"ingest_lag_seconds": DAY_S, "sessions_behind": 1}, 0),
        ({"ingest_lag_seconds": DAY_S + 1, "sessions_behind": 1}, 2),
        ({"ingest_lag_seconds": DAY_S + 1, "sessions_behind": 0}, 0),
        ({"ingest_lag_seconds": DAY_S + 1, "sessions_behind": 1, "provider": "cotahist"}, 0),
        ({"ingest_lag_seconds": DAY_S + 1, "sessions_behind": 1, "provider": "cotahist", "rejected": 1}, 1),
        ({"status": "warning"}, 0),
        ({"status": "warning", "rejected": 1}, 1),
        ({"status": "rejected"}, 1),
        ({"status": "error"}, 1),
        ({"status": "locked"}, 1),
        ({"last_ingest": None, "ingest_lag_seconds": None, "sessions_behind": None, "status": "error"}, 1),
        ({"ingest_lag_seconds": DAY_S + 1, "sessions_behind": 1, "status": "error"}, 2),
    ],
)
def test_severity(changes: dict[str, object], expected: int) -> None:
    """Critical when late and behind; warning when the last run failed or had rows rejected."""
    assert expected == severity(msgspec.structs.replace(REPORT, **changes), lag_threshold_s=DAY_S)


def test_the_worst_ticker_decides() -> None:
    """And no ticker at all is unknown."""
    well, failed = (
        graded(one, lag_threshold_s=DAY_S) for one in (REPORT, msgspec.structs.replace(REPORT, status="error"))
    )
    assert [(None, 3), (well, 0), (failed, 1)] == [
        (worst(some), grade(worst(some))) for some in ([], [well], [well, failed, well])
    ]
