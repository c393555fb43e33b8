"""What is wrong with a ledger now, as `main alerts` tells it. Pure: the caller brings the time and the thresholds."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from ledger.events import AlertSeverity
from ledger.ingest.providers.registry import brought_by_hand
from projections.fold.tables import Tables
from projections.models.alert_episodes import Subject
from projections.models.metrics import Measured, measured
from projections.models.newest_proofs import last_backup, last_checkpoint, last_verification
from projections.queries.metrics_report import graded, report

if TYPE_CHECKING:
    from projections.actions.witnessed import DisputeCount

US_A_S = 1_000_000
INGEST_LAG = "ingest.lag"
ERROR_RATE = "ingest.error_rate"
MISSING = "sessions.missing"
BACKUP_AGE = "backup.age"
VERIFICATION_AGE = "verification.age"
CHECKPOINT_AGE = "checkpoint.age"
DISK_FREE = "disk.free"
BAD_VERDICT = "verdict.bad"
DISPUTED = "actions.disputed"
METRICS = (
    INGEST_LAG,
    ERROR_RATE,
    MISSING,
    BACKUP_AGE,
    VERIFICATION_AGE,
    CHECKPOINT_AGE,
    DISK_FREE,
    BAD_VERDICT,
    DISPUTED,
)


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: a figure beyond its threshold; units are seconds, percent, sessions or bytes.

    `ticker` is None for what is about the ledger, and for all that was brought by hand together.
    """

    metric: str
    ticker: str | None = None
    value: float
    threshold: float
    severity: AlertSeverity = "warning"
    reason: str

    @property
    def subject(self) -> Subject:
        """What it is about."""
        return self.metric, self.ticker


class Thresholds(msgspec.Struct, frozen=True, kw_only=True):
    """From where on a figure is an alarm; an age of 0 is never one."""

    lag_s: int
    error_percent: float
    backup_age_s: int
    verification_age_s: int
    checkpoint_age_s: int


def of_tickers(tables: Tables, *, now_us: int, thresholds: Thresholds) -> Iterator[Alarm]:
    """Yield what is wrong with the ingest of each ticker asked for, then of all that was brought by hand, as of one."""
    by_hand: list[Measured] = []
    for one in measured(tables):
        if one.retired is not None:
            continue  # a series that ended is history
        if brought_by_hand(one.provider):
            by_hand.append(one)
            continue
        found = graded(report(one, now_us=now_us), lag_threshold_s=thresholds.lag_s)
        if found.severity == "critical":
            yield Alarm(
                metric=INGEST_LAG,
                ticker=one.ticker,
                value=found.ingest_lag_seconds or 0,
                threshold=thresholds.lag_s,
                severity="critical",
                reason=found.reason or "",
            )
        yield from _counted([one], one.ticker, thresholds)
    yield from _counted(by_hand, None, thresholds)


def _counted(some: Sequence[Measured], ticker: str | None, thresholds: Thresholds) -> Iterator[Alarm]:
    runs = sum(len(one.measures.failures) for one in some)
    failed = sum(sum(one.measures.failures) for one in some)
    if runs and (percent := 100 * failed / runs) > thresholds.error_percent:
        reason = f"got {failed} of the last {runs} runs failed, want at most {thresholds.error_percent:g}%"
        yield Alarm(metric=ERROR_RATE, ticker=ticker, value=percent, threshold=thresholds.error_percent, reason=reason)
    if missing := sum(one.measures.missing for one in some):
        reason = f"got {missing} sessions missing, want none"
        yield Alarm(metric=MISSING, ticker=ticker, value=missing, threshold=0, reason=reason)


def of_actions(open_ones: "DisputeCount") -> Iterator[Alarm]:
    """Yield how many corporate actions are in doubt, where any is."""
    if reason := open_ones.reason:
        yield Alarm(metric=DISPUTED, value=open_ones.differs + open_ones.unsized, threshold=0, reason=reason)


def of_proofs(tables: Tables, *, created_us: int, now_us: int, thresholds: Thresholds) -> Iterator[Alarm]:
    """Yield which of the last backup, verification and checkpoint is too old.

    Before the first backup or verification the ledger's age counts; of who signs no checkpoints none is missed.
    """
    signed = last_checkpoint(tables)
    for metric, what, newest, limit_s in (
        (BACKUP_AGE, "backup", last_backup(tables), thresholds.backup_age_s),
        (VERIFICATION_AGE, "verification", last_verification(tables), thresholds.verification_age_s),
        (CHECKPOINT_AGE, "checkpoint", signed, 0 if signed is None else thresholds.checkpoint_age_s),
    ):
        age_s = (now_us - (created_us if newest is None else newest.recorded_at)) // US_A_S
        if limit_s and age_s > limit_s:
            got = f"no {what} in {age_s}s" if newest is None else f"{age_s}s since the last {what}"
            reason = f"got {got}, want at most {limit_s}s"
            yield Alarm(metric=metric, value=age_s, threshold=limit_s, reason=reason)


def gravest(alarms: Iterable[Alarm]) -> AlertSeverity | None:
    """Return the worst severity of `alarms`, None where nothing is wrong."""
    found = {one.severity for one in alarms}
    return "critical" if "critical" in found else "warning" if found else None
