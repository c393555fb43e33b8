"""What a run asks of each job, what a job knows beforehand, and how it ends. Pure."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Literal, Protocol
from zlib import crc32

import msgspec

from ledger.chain import Seq
from ledger.errors import LedgerError
from ledger.events import ValidationCompleted
from ledger.ingest.fetch import Patience
from ledger.ingest.rules.held import Held, Reach
from ledger.market import sessions
from ledger.market.series import Series
from ledger.values import Window

OVERLAP_SESSIONS = 5
GAP_SESSIONS = 60  # a provider fills in missing days within weeks; older gaps are suspensions more often than not
NEWLY_MISSING_DAYS = 14  # how long a session of any age is asked for after it was found missing
LATE_SESSIONS = 10  # how far behind a series may be for its state to be read once
DEFAULT_DAYS = 730
REFRESH_DAYS = 30
DAYS_A_WEEK, WEEKDAYS = 7, 5

JobStatus = Literal["success", "warning", "rejected", "error", "locked", "dry_run"]


class Observer(Protocol):
    """Where a job reports its steps; `warn` is for what an operator ought to look into."""

    def info(self, message: str, **fields: object) -> None:
        """Note a step."""
        ...

    def warn(self, message: str, **fields: object) -> None:
        """Note something odd."""
        ...


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What every job of a run was asked for."""

    patience: Patience
    lock_timeout_s: float
    threshold_percent: float
    start: date | None = None
    end: date | None = None
    max_days: int | None = None
    force_refresh: bool = False
    refresh_days: int = REFRESH_DAYS  # between two looks at a ticker's whole range; 0: never
    pending_only: bool = False  # judge what is pending; ask nobody
    dry_run: bool = False


class SeriesState(msgspec.Struct, frozen=True):
    """What the read side knows of a series before a job.

    `pending` are the fetches of its ticker that nobody judged, oldest first: of every provider's series, since the
    job of one finishes what a job of another left. `held` goes as far back as it was asked for.
    """

    held: Held
    missing: Mapping[date, date] = {}  # sessions that answers lacked, with the day on which that was first found
    whole_on: date | None = None  # the day of the last answer over everything held
    pending: Mapping[Series, tuple[Seq, ...]] = {}
    ended_on: date = date.max  # a person recorded that no session is due after it


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


def window(plan: Plan, ticker: str, state: SeriesState, today: date) -> Window:
    """Return which days to ask for: what is new, an overlap and what is missing, unless the plan says otherwise.

    The overlap of 5 sessions is there to notice a provider's silent revision; a look at the whole range now and then
    learns what came late. Of a series that ended nothing later is asked for, but for what is held of it.
    """
    held = state.held
    end = plan.end or min(today, max((state.ended_on, *held.bars)))
    if plan.start is not None:
        return Window(plan.start, max(plan.start, end))
    if plan.force_refresh or plan.max_days is not None or not held.bars:
        return Window(end - timedelta(days=plan.max_days or DEFAULT_DAYS), end)
    first, last = min(held.bars), max(held.bars)
    overlap, recent = sessions.shift(last, -OVERLAP_SESSIONS), sessions.shift(last, -GAP_SESSIONS)
    gaps = [day for day in sessions.sessions(Window(max(first, recent), last)) if day not in held.bars]
    newly_missing = [
        day for day, found_on in state.missing.items() if day >= recent or (today - found_on).days < NEWLY_MISSING_DAYS
    ]
    asked = [overlap, *gaps, *newly_missing]
    if refresh_due(ticker, state.whole_on, today, days=plan.refresh_days):
        asked += [first, *state.missing]
    return Window(min(*asked, end), end)


def known(state: Callable[[Series, Reach], SeriesState], series: Series, today: date) -> SeriesState:
    """Return what `state` gives of the series, as far back as `window` looks; the usual answer is judged by no more."""
    found = state(series, _looked_at(sessions.shift(today, -LATE_SESSIONS), today))
    if not found.held.bars:
        return found
    reach = _looked_at(max(found.held.bars), today)
    return found if found.held.reaches(reach) else state(series, reach)


def _looked_at(last: date, today: date) -> Reach:
    return Reach(Window(sessions.shift(min(last, today), -GAP_SESSIONS), max(last, today)), ends=True)


def refresh_due(ticker: str, whole_on: date | None, today: date, *, days: int) -> bool:
    """Return whether the whole range of `ticker` is to be asked for: at most `days` after the last time.

    Each ticker has a weekday of its own among so many that they come round within `days`, so that a Monday-to-Friday
    cron never looks at all of them on one day.
    """
    if days <= 0 or whole_on is None or whole_on == today:
        return False
    if (today - whole_on).days >= days:
        return True
    weekdays = max(days * 2 // 3, 1)  # of the 5 in 7 that there are, less what a holiday takes
    of_today = today.toordinal() // DAYS_A_WEEK * WEEKDAYS + min(today.weekday(), WEEKDAYS - 1)
    return of_today % weekdays == crc32(ticker.encode()) % weekdays


def milliseconds_between(started_at: int, finished_at: int) -> int:
    """Return how long something took, of two times in microseconds; 0 where the clock went back meanwhile."""
    return max(finished_at - started_at, 0) // 1000
