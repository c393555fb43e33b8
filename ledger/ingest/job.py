"""One ticker's job: lock, finish what is pending, fetch, judge, append. Evidence is durable before anything judges it.

Crash windows: after a fetch is recorded and before its decision, the fetch is pending, and the next job of that
ticker judges it first, under the dead job's id, whichever provider it is itself to ask. Every append has a natural
key, so a retry repeats nothing. Evidence that cannot be read ends with a failure that names it as its cause.

What a job asks for and decides depends on what the ledger held: when a restore replaces that ledger meanwhile, the
job appends none of it to the new one and has to be started again.
"""

from collections.abc import Callable, Sequence
from typing import Literal

from ledger import ids
from ledger.chain import Seq
from ledger.codec import Draft, decode_envelope, decode_event
from ledger.errors import (
    DamagedError,
    LedgerError,
    LedgerReplacedError,
    ProviderClockError,
    TickerLockError,
    WriterLockError,
)
from ledger.events import (
    Event,
    FetchFailed,
    FetchSucceeded,
    IngestFailed,
    IngestRefused,
    ValidationCompleted,
)
from ledger.foreseen import foreseen
from ledger.ingest import judging
from ledger.ingest.awaited_log import AwaitedLog
from ledger.ingest.fetch import Fetcher, RecordedFetch
from ledger.ingest.judging import EvidenceError
from ledger.ingest.plan import (
    InterruptedJobError,
    JobStatus,
    Observer,
    Outcome,
    Plan,
    ScaleError,
    SeriesState,
    known,
    milliseconds_between,
    window,
)
from ledger.ingest.providers.port import Provider, ProviderError
from ledger.ingest.rules.held import Held, Reach
from ledger.ingest.rules.scale import WholeRangeNeeded
from ledger.ingest.ticker_lock import ticker_lock
from ledger.market import sessions
from ledger.market.series import Series
from ledger.store.ceiling import ClockAheadError
from ledger.store.event_log import EventLog

CLOCK_WARN_S = 5 * 60
CLOCK_LIMIT_S = 24 * 60 * 60
MICROSECONDS = 1_000_000


class Job:
    """One run of one ticker against one provider. The only place of ingest with a clock."""

    def __init__(  # noqa: PLR0913 - everything a job touches, said once
        self,
        ticker: str,
        *,
        log: EventLog | AwaitedLog | None,
        provider: Provider,
        plan: Plan,
        now: Callable[[], int],
        state: Callable[[Series, Reach], SeriesState],
        observer: Observer,
    ) -> None:
        """Prepare a job; `log` None makes it a dry run, which writes nothing at all.

        `state` gives a series as far as it is asked to reach. It is asked under the ticker's lock, and again after
        each decision: it must then show that decision.
        """
        self.ticker = ticker
        self._series = Series(ticker, provider.name)
        self.job_id = ids.new_id(now())
        self.ledger = log.folder if log is not None else None
        self._log = log
        self._provider = provider
        self._plan = plan
        self._now = now
        self._state = state
        self._observer = observer
        self._seq: Seq | None = None
        self._began_at = now()
        self._interrupted = False
        self._decided = False
        self._fetcher = Fetcher(provider, patience=plan.patience, now=now, recorder=self)

    def run(self) -> Outcome:
        """Do the job and return how it ended; a failure of the provider, the lock or the disk is an outcome.

        Raises: LedgerReplacedError when a restore came between; what was to be decided is decided nowhere.
        """
        if self._log is None:
            return self._guarded(lambda: self._fetch_and_judge(self._known(self._series)))
        try:
            with ticker_lock(
                self._log.home.locks,
                self.ticker,
                job_id=self.job_id,
                now_us=self._began_at,
                timeout_s=self._plan.lock_timeout_s,
            ):
                return self._guarded(self._locked)
        except TickerLockError as error:
            return self._refused(error)
        except LedgerReplacedError:
            raise
        except LedgerError as error:
            return self._outcome("error", error=error)

    def require_ledger(self) -> None:
        """Check that the ledger in use is, as far as this process knows, the one that the job began in.

        Raises: LedgerReplacedError.
        """
        if self._log is not None and self.ledger is not None:
            self._log.require_folder(self.ledger)

    def interrupt(self) -> None:
        """End the job from another thread: record the interruption, and decide nothing more.

        After its decision there is nothing to record: the next run writes the snapshot that the decision calls for.
        """
        self._interrupted = True
        if not self._decided:
            self.record_failure("interrupted", "interrupted", "ended by a signal before its decision")

    def record_failure(self, stage: str, kind: Literal["interrupted", "internal"], message: str) -> Seq | None:
        """Record that the job failed for a reason other than the provider's answer; return the job's last event.

        `stage` is the step that failed.
        """
        event = IngestFailed(
            ticker=self.ticker,
            provider=self._provider.name,
            attempt=max(self._fetcher.attempts, 1),
            started_at=self._began_at,
            finished_at=self._now(),
            stage=stage,
            error_kind=kind,
            message=message,
        )
        try:
            self._append(event, f"ingest.failed/{self.job_id.hex()}")
        except LedgerError as trouble:
            # The disk or the lock that failed the job may fail its record too: the outcome still reports it.
            self._observer.warn(str(trouble), **self._about(self._fetcher.attempts))
        return self._seq

    # --- where its fetcher records ---------------------------------------------------------

    def succeeded(self, event: FetchSucceeded) -> Seq | None:
        """Make the evidence durable.

        Raises: ProviderClockError when the provider's clock and ours are more than a day apart.
        """
        self._check_clock(event.source.http_date, event.finished_at)
        took_ms = milliseconds_between(event.started_at, event.finished_at)
        seq = self._append(event, f"fetch/{self.job_id.hex()}/{event.attempt}")
        self._observer.info("fetched", **self._about(event.attempt), rows=len(event.bars), duration_ms=took_ms)
        return seq

    def failed(self, event: FetchFailed, *, wait_s: float | None = None) -> None:
        """Record an attempt that failed."""
        self._check_clock(event.http_date, event.finished_at)
        self._observer.warn(
            f"{event.error_kind}: {event.message}",
            **self._about(event.attempt),
            status_code=event.status_code,
            retry_after=event.retry_after_s,
            duration_ms=milliseconds_between(event.started_at, event.finished_at),
            final=event.final,
            wait_s=wait_s,
        )
        self._append(event, f"fetch/{self.job_id.hex()}/{event.attempt}")

    # --- the steps -----------------------------------------------------------------------------

    def _guarded(self, steps: Callable[[], Outcome]) -> Outcome:
        try:
            with foreseen("job"):
                return steps()
        except ProviderError as error:
            return self._outcome("error", error=error)
        except (ProviderClockError, ClockAheadError, InterruptedJobError) as error:
            # A time that cannot be trusted must not enter the log, in no event; `interrupt` has made its own record.
            return self._outcome("error", error=error)
        except WriterLockError as error:
            # What keeps the job from writing keeps it from recording that.
            return self._outcome("locked", error=error)
        except LedgerError as error:
            # An error met while the ledger was being replaced is evidence about neither ledger.
            self.require_ledger()
            self._observer.warn(str(error), **self._about(self._fetcher.attempts))
            self.record_failure(getattr(error, "stage", "append"), "internal", str(error))
            return self._outcome("error", error=error)

    def _locked(self) -> Outcome:
        state = self._known(self._series)
        for other in sorted(state.pending.keys() - {self._series}):
            for seq in state.pending[other]:
                self._finish(other, seq)
        last = None
        for seq in state.pending.get(self._series, ()):
            last = self._finish(self._series, seq)
        if self._plan.pending_only:
            return last or self._outcome("success")
        if last is not None and last.decision is not None:
            bars = self._known(self._series).held.bars
            # With no session final since, the decision over what was pending is all that there is to do.
            if bars and not sessions.final_sessions_after(max(bars), self._now()):
                return last
        return self._fetch_and_judge(self._known(self._series) if state.pending else state)

    def _finish(self, series: Series, seq: Seq) -> Outcome:
        """Judge the evidence of `series` that a dead job left at `seq`, under that job's id."""
        evidence, job_id = self._evidence(seq)
        self._observer.info("judging a pending fetch", **self._about_fetch(evidence), seq=seq)
        held = self._known(series).held
        try:
            decision = self._judge(evidence, held, job_id=job_id)
        except EvidenceError as error:
            return self._outcome("error", error=error)
        if not isinstance(decision, WholeRangeNeeded):
            return self._decide([(evidence, decision)], job_id=job_id)
        if series == self._series and not self._plan.pending_only:
            return self._widen(evidence, decision, held, job_id=job_id)
        # Nobody may be asked, or another provider would have to be: it waits for a job that asks that one.
        needs = ScaleError(self.ticker, f"a pending fetch on another scale ({decision.reason})")
        if series != self._series:
            self._observer.warn(str(needs), **self._about_fetch(evidence), seq=seq)
        return self._outcome("error", error=needs)

    def _fetch_and_judge(self, state: SeriesState) -> Outcome:
        held, today = state.held, sessions.trading_day(self._now())
        evidence = self._fetcher.fetch(self.ticker, window(self._plan, self.ticker, state, today))
        decision = self._judge(evidence, held, job_id=self.job_id)
        if isinstance(decision, WholeRangeNeeded):
            return self._widen(evidence, decision, held, job_id=self.job_id)
        return self._decide([(evidence, decision)], job_id=self.job_id)

    def _widen(self, narrow: RecordedFetch, needed: WholeRangeNeeded, held: Held, *, job_id: bytes) -> Outcome:
        """Ask for the whole range held, and decide on both answers at once: a series never mixes two scales."""
        self._observer.info(
            "asking for the whole range", **self._about_fetch(narrow), reason=needed.reason, ratio=needed.ratio
        )
        whole = self._fetcher.fetch(self.ticker, needed.window)
        decision = self._judge(whole, held, job_id=self.job_id)
        if isinstance(decision, WholeRangeNeeded):
            raise ScaleError(self.ticker, decision.reason)
        aside = judging.set_aside(narrow.fetch, held, threshold_percent=self._plan.threshold_percent)
        if job_id != self.job_id:
            self._decide([(narrow, aside)], job_id=job_id)
            return self._decide([(whole, decision)], job_id=self.job_id)
        return self._decide([(narrow, aside), (whole, decision)], job_id=self.job_id)

    def _judge(self, evidence: RecordedFetch, held: Held, *, job_id: bytes) -> ValidationCompleted | WholeRangeNeeded:
        """Return what the rules make of the evidence.

        Raises: EvidenceError for evidence that cannot be read, once that is recorded and the fetch no longer pending.
        """
        fetch, percent = evidence.fetch, self._plan.threshold_percent
        try:
            return judging.judged(fetch, held, threshold_percent=percent, more=lambda *of: self._state(*of).held)
        except EvidenceError as error:
            self._observer.warn(str(error), **self._about_fetch(evidence))
            self._close(
                [(evidence, judging.failure(evidence.fetch, error))], f"ingest.failed/{evidence.seq}", job_id=job_id
            )
            raise

    def _decide(self, judged: list[tuple[RecordedFetch, ValidationCompleted]], *, job_id: bytes) -> Outcome:
        evidence, decision = judged[-1]
        self._close(judged, f"validate/{evidence.seq}", job_id=job_id)
        self._observer.info(
            "decided",
            **self._about_fetch(evidence),
            verdict=decision.verdict,
            added=decision.added,
            revised=decision.revised,
            rejected=len(decision.rejected),
        )
        verdict: JobStatus = "success" if decision.verdict == "superseded" else decision.verdict
        return Outcome(
            ticker=self.ticker,
            provider=evidence.fetch.provider,
            job_id=job_id,
            status="dry_run" if self._log is None else verdict,
            seq=self._seq,
            decision=decision,
        )

    def _close(
        self, ends: Sequence[tuple[RecordedFetch, ValidationCompleted | IngestFailed]], key: str, *, job_id: bytes
    ) -> None:
        """Append what becomes of each piece of evidence, in one append under the natural key `key`."""
        evidence, end = ends[-1]
        if self._log is None or evidence.seq is None:
            return
        self._go_on()
        drafts = [self._draft(job_id, event, cause=known.seq) for known, event in ends]
        identifier = ids.append_id(key, job_id=job_id)
        appended = self._log.append(drafts, append_id=identifier, expected_folder=self.ledger)
        if appended is not None and evidence.fetch.provider == self._series.provider:
            self._seq = Seq(appended.first + appended.count - 1)
            self._decided = isinstance(end, ValidationCompleted) and end.verdict != "superseded"

    # --- the leaves ----------------------------------------------------------------------------

    def _known(self, series: Series) -> SeriesState:
        return known(self._state, series, sessions.trading_day(self._now()))

    def _evidence(self, seq: Seq) -> tuple[RecordedFetch, bytes]:
        assert self._log is not None  # noqa: S101 - only a job with a log has anything pending
        records = list(self._log.read(seq, seq + 1))
        # Another thread may have gone on to a restored ledger: there the seq is another event's, or nobody's.
        self.require_ledger()
        (record,) = records
        envelope = decode_envelope(seq, record.body)
        fetch = decode_event(envelope)
        if not isinstance(fetch, FetchSucceeded):
            raise DamagedError(seq, "pending fetch", expected=FetchSucceeded.TAG, found=envelope.type)
        return RecordedFetch(fetch, seq), envelope.job_id

    def _append(self, event: Event, natural_key: str) -> Seq | None:
        if self._log is None:
            return None
        if not isinstance(event, IngestFailed):
            self._go_on()
        identifier = ids.append_id(natural_key, job_id=self.job_id)
        ledger = None if isinstance(event, IngestFailed | IngestRefused) else self.ledger  # about no event
        appended = self._log.append([self._draft(self.job_id, event)], append_id=identifier, expected_folder=ledger)
        if appended is None:
            return None
        self.ledger = self.ledger or self._log.folder
        if appended.held_back_us > CLOCK_WARN_S * MICROSECONDS:
            self._observer.warn("clock went back", **self._about(0), behind_s=appended.held_back_us // MICROSECONDS)
        self._seq = appended.first
        return appended.first

    def _go_on(self) -> None:
        if self._interrupted:
            raise InterruptedJobError(self.ticker)

    def _draft(self, job_id: bytes, event: Event, *, cause: int | None = None) -> Draft:
        return Draft(job_id=job_id, stream=self.ticker, event=event, cause=cause)

    def _refused(self, error: TickerLockError) -> Outcome:
        event = IngestRefused(
            ticker=self.ticker,
            provider=self._provider.name,
            started_at=self._began_at,
            finished_at=self._now(),
            message=str(error),
            holder_pid=error.holder_pid,
            holder_job_id=error.holder_job_id,
        )
        self._observer.warn(f"locked: {error}", **self._about(0))
        try:
            self._append(event, f"ingest.refused/{self.job_id.hex()}")
        except LedgerError as trouble:
            self._observer.warn(str(trouble), **self._about(0))
        return self._outcome("locked", error=error)

    def _check_clock(self, http_date: int | None, finished_at: int) -> None:
        if http_date is None:
            return
        apart_s = abs(finished_at - http_date) // MICROSECONDS
        if apart_s > CLOCK_LIMIT_S:
            raise ProviderClockError(self._provider.name, apart_s=apart_s, limit_s=CLOCK_LIMIT_S)
        if apart_s > CLOCK_WARN_S:
            self._observer.warn("clocks apart", **self._about(self._fetcher.attempts), apart_s=apart_s)

    def _about(self, attempt: int) -> dict[str, object]:
        return {
            "job_id": ids.text(self.job_id),
            "ticker": self.ticker,
            "provider": self._provider.name,
            "attempt": attempt,
        }

    def _about_fetch(self, evidence: RecordedFetch) -> dict[str, object]:
        return self._about(evidence.fetch.attempt) | {"provider": evidence.fetch.provider}

    def _outcome(self, status: JobStatus, *, error: LedgerError | None = None) -> Outcome:
        ticker, name = self.ticker, self._provider.name
        return Outcome(ticker=ticker, provider=name, job_id=self.job_id, status=status, seq=self._seq, error=error)
