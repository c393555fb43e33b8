"""Facts of reports made by hand: small ones, large ones, hostile ones."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from ledger.audit.flaw import Flaw
from ledger.events import BackupCreated
from projections.api.rows import Change, CorporateAction, LogEntry, MissingSession, Price
from projections.queries.metrics_report import TickerReport
from projections.report.facts import AlertFacts, ChainChecked, CustodyEvent, ReportFacts, SourceFacts, TickerFacts

AT = datetime(2026, 2, 13, 12, tzinfo=UTC)
AT_US = 1_770_984_000_000_000
FIRST = date(2025, 1, 2)
HEAD = "ab" * 32


def price(day: int, close: str, ticker: str = "PETR4.SA") -> Price:
    """Return the session so many days after the first, all of its prices alike."""
    value = Decimal(close)
    return Price(
        ticker=ticker,
        date=FIRST + timedelta(days=day),
        open=value,
        high=value,
        low=value,
        close=value,
        volume=1,
        provider_adj_close=None,
        provider="yfinance",
        basis="split_adjusted",
        seq=2,
        learned_at=AT,
    )


def change(day: int, cause: Any, old: str | None, new: str | None, **fields: Any) -> Change:
    """Return a change of the close that day."""
    given: dict[str, Any] = {"field": "close", "late": False, "seq": 5, "change": None, **fields}
    return Change(
        ticker="PETR4.SA",
        date=FIRST + timedelta(days=day),
        old=None if old is None else Decimal(old),
        new=None if new is None else Decimal(new),
        cause=cause,
        learned_at=AT,
        old_seq=None,
        old_learned_at=None,
        provider="yfinance",
        **given,
    )


def action(day: int, kind: Any = "dividend", amount: str | None = "0.50") -> CorporateAction:
    """Return a payment, or a split of one into two where there is no amount."""
    return CorporateAction(
        ticker="PETR4.SA",
        date=FIRST + timedelta(days=day),
        kind=kind,
        amount=None if amount is None else Decimal(amount),
        numerator=None if amount else 2,
        denominator=None if amount else 1,
        cause="first",
        seq=2,
        learned_at=AT,
        provider="yfinance",
    )


def missing(day: int, **fields: Any) -> MissingSession:
    """Return a session that is not there."""
    given: dict[str, Any] = {"asked": 1, "rejected": False, "rejected_answers": 0, "behind": False, **fields}
    return MissingSession(
        ticker="PETR4.SA",
        date=FIRST + timedelta(days=day),
        since=AT,
        last_asked_at=AT,
        last_rejected_at=None,
        provider="yfinance",
        **given,
    )


def health(ticker: str = "PETR4.SA", **fields: Any) -> TickerReport:
    """Return a ticker that is well, but for `fields`."""
    given: dict[str, Any] = {"status": "success", "rejected": 0, "flagged": 0, "severity": "ok", "reason": None}
    given["provider"] = "yfinance"
    times: dict[str, Any] = {"last_ingest": AT_US, "ingest_lag_seconds": 0, "sessions_behind": 0}
    return TickerReport(
        ticker=ticker,
        job_latency_ms=1,
        rows_fetched=1,
        error_count=0,
        consecutive_failures=0,
        rows_total=1,
        last_date=FIRST,
        warned=0,
        missing=0,
        **{**given, **times, **fields},
    )


def entry(**fields: Any) -> LogEntry:
    """Return an attempt that failed, but for `fields`."""
    given: dict[str, Any] = {"status": "error", "error_message": "rate-limit 429", "superseded": False, **fields}
    return LogEntry(
        ticker="PETR4.SA",
        job_id="j",
        started_at=AT,
        finished_at=AT,
        rows_fetched=0,
        duration_ms=1,
        provider="yfinance",
        attempt=1,
        retry_after=None,
        final=True,
        error_kind=None,
        status_code=None,
        accepted=0,
        rejected=0,
        flagged=0,
        seq=1,
        recorded_at=AT,
        **given,
    )


def alert(**fields: Any) -> AlertFacts:
    """Return an alert of the ledger that is not over, but for `fields`."""
    given: dict[str, Any] = {"metric": "backup.age", "ticker": None, "severity": "warning", **fields}
    return AlertFacts(seq=7, raised_at=AT_US, **{"reason": "got no backup", **given})


def ticker(name: str = "PETR4.SA", **fields: Any) -> TickerFacts:
    """Return a ticker of four sessions with something of each kind, but for `fields`."""
    given: dict[str, Any] = {
        "health": health(name),
        "prices": tuple(price(day, close) for day, close in enumerate(("10.00", "12.50", "11.25", "9.75"))),
        "changes": (
            change(1, "correction", "11.00", "12.50", change=0.136),
            change(2, "first", None, "11.25", late=True),
        ),
        "missing": (missing(9, behind=True),),
        "actions": (action(2), action(3, "split", None)),
    }
    return TickerFacts(ticker=name, **{"provider": "yfinance", **given, **fields})


def facts(*tickers: TickerFacts, flaw: Flaw | None = None, **fields: Any) -> ReportFacts:
    """Return a report on the tickers, but for `fields`."""
    verdict: Any = "intact" if flaw is None else "tampered"
    backup = CustodyEvent(seq=6, recorded_at=AT_US - 90_061_000_000, type=BackupCreated.TAG, size=6, detail="a.db")
    source = SourceFacts(provider="yfinance", tickers=1, read=1, sessions=4, first=FIRST, last=FIRST)
    given: dict[str, Any] = {
        "software": "b3-ledger test",
        "custody": (backup,),
        "custody_count": 1,
        "newest": {backup.type: backup},
        "sources": (source,),
        "runs": (entry(status="success", error_message=None),),
        "failures": (entry(),),
        "order": ("yfinance", "cotahist"),
        "kind": "real",
    }
    return ReportFacts(
        ledger_id="01" * 16,
        created_at=AT_US,
        chain=ChainChecked(verdict=verdict, position=9, head="" if flaw else HEAD, recorded_at=AT_US, flaw=flaw),
        lag_threshold_s=86_400,
        tickers=tickers,
        **{**given, **fields},
    )
