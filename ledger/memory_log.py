"""A log in memory: the obvious reference for the one on disk, and a source for tests and tools."""

import threading
from collections.abc import Callable, Iterator, Sequence

from ledger.appending import Append, Appended, chain_records, check_call, head_after, hold_back, match_repeat
from ledger.chain import EMPTY_HEAD, Head, Link, Record, Seq
from ledger.claims import check_claims
from ledger.codec import Draft, decode_envelope
from ledger.errors import ConflictError


class MemoryLog:
    """An append-only log that lives as long as the object."""

    def __init__(self, *, now: Callable[[], int]) -> None:
        self._now = now
        self._records: list[Record] = []
        self._appends: dict[bytes, tuple[int, int]] = {}
        self._lock = threading.Lock()

    def append(self, drafts: Sequence[Draft], *, append_id: bytes, expected_size: int | None = None) -> Appended:
        """Append all of `drafts` or none, under the contract of `ledger.store.event_log.EventLog.append`."""
        check_call(Append(drafts, append_id))
        with self._lock:
            if append_id in self._appends:
                first, count = self._appends[append_id]
                stored = self._records[first : first + count]
                match_repeat(drafts, stored, append_id=append_id, first=first)
                return Appended(first=Seq(first), count=count, head=head_after(stored), repeated=True)
            head = self.head()
            if expected_size is not None and expected_size != head.size:
                raise ConflictError(expected=expected_size, actual=head.size)
            check_claims((draft.event for draft in drafts), self._link_at)
            last = self._records[-1] if self._records else None
            last_recorded_at = decode_envelope(last.seq, last.body).recorded_at if last else 0
            recorded_at, held_back_us = hold_back(self._now(), last_recorded_at)
            records = chain_records(drafts, head=head, recorded_at=recorded_at, append_id=append_id)
            self._records.extend(records)
            self._appends[append_id] = (head.size, len(records))
        return Appended(first=Seq(head.size), count=len(records), head=head_after(records), held_back_us=held_back_us)

    def head(self) -> Head:
        """Return the size and the last link."""
        return head_after(self._records) if self._records else EMPTY_HEAD

    def _link_at(self, seq: int) -> Link | None:
        return self._records[seq].link if seq < len(self._records) else None

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield the records of [start, stop) as they were when reading began."""
        yield from self._records[start:stop]
