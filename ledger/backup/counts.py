"""How many events of each type and of each ticker a run of events holds."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from ledger.codec import Envelope
from ledger.events import LEDGER_STREAM
from ledger.values import EventCount


class Counts(msgspec.Struct, frozen=True):
    """Events by type and by ticker, each sorted by name; what is about no ticker counts by its type alone."""

    types: tuple[EventCount, ...]
    tickers: tuple[EventCount, ...]


class Tally:
    """Counts the events that it is given."""

    def __init__(self) -> None:
        self._types: Counter[str] = Counter()
        self._streams: Counter[str] = Counter()

    def add(self, envelopes: Sequence[Envelope]) -> None:
        """Count these events too."""
        self._types.update([envelope.type for envelope in envelopes])
        self._streams.update([envelope.stream for envelope in envelopes])

    def counts(self) -> Counts:
        """Return what has been counted so far."""
        streams = {name: events for name, events in self._streams.items() if name != LEDGER_STREAM}
        return Counts(_sorted(self._types), _sorted(streams))


def merged(one: Counts, other: Counts) -> Counts:
    """Return the counts of two runs of events as those of one."""
    return Counts(_sum(one.types, other.types), _sum(one.tickers, other.tickers))


def _sum(one: Sequence[EventCount], other: Sequence[EventCount]) -> tuple[EventCount, ...]:
    total: Counter[str] = Counter()
    for count in (*one, *other):
        total[count.name] += count.events
    return _sorted(total)


def _sorted(counted: dict[str, int]) -> tuple[EventCount, ...]:
    return tuple(EventCount(name, events) for name, events in sorted(counted.items()))
