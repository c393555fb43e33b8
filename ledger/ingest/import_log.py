"""The log that an import appends to: evidence with its decision in one append, under the import's job."""

from ledger.chain import Seq
from ledger.codec import Draft
from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.store.event_log import EventLog


class ImportLog:
    """Takes evidence that was judged by what the ledger in use held, and takes it into no other ledger."""

    def __init__(self, log: EventLog | None, *, job_id: bytes, lock_timeout_s: float) -> None:
        """`log` None, or open for reading, makes it a dry run."""
        self._log = None if log is None or log.readonly else log
        self._ledger = log.folder if log is not None else None
        self._job_id = job_id
        self._lock_timeout_s = lock_timeout_s

    def append(self, fetch: FetchSucceeded, decision: ValidationCompleted, *, append_id: bytes) -> Seq | None:
        """Append both or neither; return the seq of the decision, None in a dry run.

        Raises: what `EventLog.append` raises, LedgerReplacedError too.
        """
        log = self._log
        if log is None:
            return None
        # The decision names its evidence by a seq that nobody else may take in between.
        with log.locked().held(self._lock_timeout_s):
            size = log.head().size
            drafts = [
                Draft(job_id=self._job_id, stream=fetch.ticker, event=fetch),
                Draft(job_id=self._job_id, stream=fetch.ticker, event=decision, cause=size),
            ]
            appended = log.append(drafts, append_id=append_id, expected_size=size, expected_folder=self._ledger)
        return Seq(appended.first + 1)
