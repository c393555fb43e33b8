"""What a run asks of each job, what a job knows beforehand, and how it ends. Pure."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal

import msgspec

from ledger.chain import Seq
from ledger.errors import LedgerError
from ledger.events import ValidationCompleted
from ledger.ingest.fetch import Patience
from ledger.ingest.rules.held import Held
from ledger.market import sessions
from ledger.market.series import Series
from ledger.values import Window

OVERLAP_SESSIONS = 5
GAP_SESSIONS = 60  # a provider fills in missing days within weeks; older gaps are suspensions more often than not
DEFAULT_DAYS = 730

JobStatus = Literal["success", "warning", "rejected", "error", "locked", "dry_run"]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What every job of a run was asked for."""

    patience: Patience
    lock_timeout_s: float
    threshold_percent: float
    start: date | None = None
    end: date | None = None
    max_days: int | None = None
    force_refresh: bool = False
    pending_only: bool = False  # judge what is pending; ask nobody
    dry_run: bool = False


class SeriesState(msgspec.Struct, frozen=True):
    """What the read side knows of a series before a job.

    `pending` are the fetches of its ticker that nobody judged, oldest first: of every provider's series, since the
    job of one finishes what a job of another left.
    """

    held: Held
    pending: Mapping[Series, tuple[Seq, ...]] = {}


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a job ended; `seq` is its last event, None where it wrote none."""

    ticker: str
    provider: str
    job_id: bytes
    status: JobStatus
    seq: Seq | None = None
    decision: ValidationCompleted | None = None
    error: LedgerError | None = None


class InterruptedJobError(LedgerError):
    """A person ended the job while it was at work."""

    def __init__(self, ticker: str) -> None:
        super().__init__(f"got a signal during the job of {ticker}, want it done")
        self.ticker = ticker


class ScaleError(LedgerError):
    """The evidence at hand cannot be decided on without mixing two scales."""

    def __init__(self, ticker: str, reason: str) -> None:
        super().__init__(f"got {reason} for {ticker}, want an answer over the whole range held")
        self.ticker, self.reason = ticker, reason


def window(plan: Plan, held: Held, today: date) -> Window:
    """Return which days to ask for: what is new, an overlap and recent gaps, unless the plan says otherwise.

    The overlap of 5 sessions is there to notice a provider's silent revision.
    """
    end = plan.end or today
    if plan.start is not None:
        return Window(plan.start, max(plan.start, end))
    if plan.force_refresh or plan.max_days is not None or not held.bars:
        return Window(end - timedelta(days=plan.max_days or DEFAULT_DAYS), end)
    last = max(held.bars)
    overlap = sessions.shift(last, -OVERLAP_SESSIONS)
    looked_at = Window(max(min(held.bars), sessions.shift(last, -GAP_SESSIONS)), overlap)
    missed = next((day for day in sessions.sessions(looked_at) if day not in held.bars), overlap)
    return Window(min(missed, end), end)
