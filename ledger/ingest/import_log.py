"""The log that an import appends to: evidence with its decision in one append, under the import's job."""

from collections.abc import Sequence

import msgspec

from ledger.appending import Append
from ledger.chain import Seq
from ledger.codec import Draft
from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.store.event_log import EventLog


class ImportedEvents(msgspec.Struct, frozen=True):
    """What an import says of one ticker: evidence and the decision that it caused, or a failure; under one id."""

    events: tuple[FetchSucceeded | ValidationCompleted | IngestFailed, ...]
    append_id: bytes


class ImportLog:
    """Takes evidence that was judged by what the ledger in use held, and takes it into no other ledger."""

    def __init__(self, log: EventLog | None, *, job_id: bytes, lock_timeout_s: float) -> None:
        """`log` None, or open for reading, makes it a dry run."""
        self._log = None if log is None or log.readonly else log
        self._ledger = log.folder if log is not None else None
        self._job_id = job_id
        self._lock_timeout_s = lock_timeout_s

    def append(self, imported: Sequence[ImportedEvents]) -> list[Seq | None]:
        """Append the events of each ticker, all of one or none; return the seq of its last, None in a dry run.

        Their ids are not in the log yet. Many of them share a transaction; see `EventLog.append_many`.

        Raises: what `EventLog.append_many` raises, LedgerReplacedError too.
        """
        log = self._log
        if log is None:
            return [None] * len(imported)
        # Decisions name their evidence by seqs that nobody else may take in between.
        with log.locked().held(self._lock_timeout_s):
            size = first = log.head().size
            appends = []
            for one in imported:
                drafts = [
                    Draft(job_id=self._job_id, stream=event.ticker, event=event, cause=size if place else None)
                    for place, event in enumerate(one.events)
                ]
                appends.append(Append(drafts, one.append_id))
                size += len(drafts)
            appended = log.append_many(appends, expected_size=first, expected_folder=self._ledger)
        return [Seq(one.first + one.count - 1) for one in appended]
