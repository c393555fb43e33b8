"""Evidence that a person brings: each piece is judged, and appended with its decision under a name of its own.

The name is a hash of what was brought and its ticker: what was imported is never appended again, and an import that
died is taken up where it stopped by bringing the same once more.
"""

from collections import Counter
from collections.abc import Callable

import msgspec

from ledger import ids
from ledger.chain import Seq
from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ingest import judging
from ledger.ingest.import_log import ImportedEvents, ImportLog
from ledger.ingest.rules.held import Held, Reach
from ledger.ingest.ticker_lock import ticker_lock
from ledger.market.series import Series
from ledger.store.event_log import EventLog


class Brought(msgspec.Struct, frozen=True):
    """One ticker's evidence, and the natural key of its append."""

    fetch: FetchSucceeded
    key: str


class BroughtOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one ticker's evidence: `decision` None where it was imported before; no `seq` in a dry run.

    `added` of its actions were not held before.
    """

    ticker: str
    decision: ValidationCompleted | None
    seq: Seq | None
    added: int = 0


class HandImporter:
    """Records what is brought, ticker by ticker."""

    def __init__(
        self,
        log: EventLog | None,
        *,
        job_id: bytes,
        held: Callable[[Series, Reach], Held],
        threshold_percent: float,
        lock_timeout_s: float,
    ) -> None:
        """`log` None, or open for reading, makes it a dry run.

        `held` is asked under the ticker's lock what the ledger that `log` has open holds of a series.
        """
        self._log = log
        self._appends = ImportLog(log, job_id=job_id, lock_timeout_s=lock_timeout_s)
        self._job_id = job_id
        self._held = held
        self._threshold_percent = threshold_percent
        self._lock_timeout_s = lock_timeout_s

    def take(self, brought: Brought) -> BroughtOutcome:
        """Judge one ticker's evidence and append it with its decision, in one append.

        Raises: TickerLockError; EvidenceError; what `EventLog.append` raises, LedgerReplacedError too.
        """
        fetch, log = brought.fetch, self._log
        if log is None or log.readonly:
            decision, added = self._judged(fetch)
            return BroughtOutcome(ticker=fetch.ticker, decision=decision, seq=None, added=added)
        identifier = ids.append_id(brought.key)
        with ticker_lock(
            log.home.locks,
            fetch.ticker,
            job_id=self._job_id,
            now_us=fetch.started_at,
            timeout_s=self._lock_timeout_s,
        ):
            if run := log.append_run(identifier):
                return BroughtOutcome(ticker=fetch.ticker, decision=None, seq=Seq(run.first + run.count - 1))
            decision, added = self._judged(fetch)
            (seq,) = self._appends.append([ImportedEvents((fetch, decision), identifier)])
        return BroughtOutcome(ticker=fetch.ticker, decision=decision, seq=seq, added=added)

    def _judged(self, fetch: FetchSucceeded) -> tuple[ValidationCompleted, int]:
        held = self._held(Series(fetch.ticker, fetch.provider), Reach(fetch.request.window, ends=False))
        decision = judging.judged(fetch, held, threshold_percent=self._threshold_percent, more=self._held)
        assert isinstance(decision, ValidationCompleted)  # noqa: S101 - a series as traded has one scale
        return decision, (Counter(decision.actions) - Counter(held.actions)).total()
