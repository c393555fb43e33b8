"""Finding events in a log: by type, ticker and day, the newest ones without reading the rest."""

from bisect import bisect_left
from collections.abc import Iterator

import msgspec

from cli.context.params import Span
from ledger.chain import Record
from ledger.codec import decode_envelope
from ledger.log_source import LogSource, sound
from projections.queries.position import recorded_at

_STEP = 256


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which events to show; None leaves a bound out. `types` are whole tags."""

    types: frozenset[str] | None = None
    ticker: str | None = None
    since: int | Span | None = None  # a seq, or a time
    limit: int | None = None

    def takes(self, record: Record) -> bool:
        """Return whether the event is of the type and ticker asked for."""
        if self.types is None and self.ticker is None:
            return True
        envelope = decode_envelope(record.seq, record.body)
        if self.types is not None and envelope.type not in self.types:
            return False
        return self.ticker is None or envelope.stream == self.ticker


def find(log: LogSource, wanted: Wanted) -> Iterator[Record]:
    """Yield the events that `wanted` describes, newest last; with a limit, the newest ones.

    Without a limit one pass; with one, O(log n) reads and then backwards until enough are found.

    Raises: DamagedError for an event on the way whose link does not hold.
    """
    size = log.head().size
    start = 0 if wanted.since is None else first_of(log, wanted.since, size)
    if wanted.limit is None:
        return (record for record in sound(log, start, size) if wanted.takes(record))
    found: list[Record] = []
    stop = size
    while stop > start and len(found) < wanted.limit:
        first = max(start, stop - _STEP)
        found = [record for record in sound(log, first, stop) if wanted.takes(record)] + found
        stop = first
    return iter(found[-wanted.limit :])


def first_of(log: LogSource, since: int | Span, size: int) -> int:
    """Return the seq `since`, or the first one of [0, size) recorded in that span or later; `size` without one."""
    if isinstance(since, int):
        return since
    return bisect_left(range(size), since.first_us, key=lambda seq: recorded_at(log, seq))
