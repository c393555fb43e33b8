"""How many events of each type and of each ticker a run of records holds."""

from collections import Counter

import msgspec

from ledger.chain import Record
from ledger.codec import decode_envelope
from ledger.events import LEDGER_STREAM, EventCount


class Counts(msgspec.Struct, frozen=True):
    """Events by type and by ticker, each sorted by name; what is about no ticker counts by its type alone."""

    types: tuple[EventCount, ...]
    tickers: tuple[EventCount, ...]


class Tally:
    """Counts the records that it is called with."""

    def __init__(self) -> None:
        self._types: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()

    def __call__(self, record: Record) -> None:
        """Count one record.

        Raises: DamagedError when its body is no event.
        """
        envelope = decode_envelope(record.seq, record.body)
        self._types[envelope.type] += 1
        self._streams[envelope.stream] += 1

    def counts(self) -> Counts:
        """Return what has been counted so far."""
        streams = {name: events for name, events in self._streams.items() if name != LEDGER_STREAM}
        return Counts(_sorted(self._types), _sorted(streams))


def _sorted(counted: dict[str, int]) -> tuple[EventCount, ...]:
    return tuple(EventCount(name, events) for name, events in sorted(counted.items()))
