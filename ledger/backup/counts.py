"""How many events of each type, provider and stream a run of events holds."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from ledger.codec import UNDECODABLE, Envelope, streams_hash
from ledger.events import LEDGER_STREAM, BackupCreated
from ledger.values import EventCount

HEAD_BYTES = 600  # of an event's data: its first two names and texts, which in most types are ticker and provider
TICKER, PROVIDER = b"\xa6ticker", b"\xa8provider"  # as msgpack has the names
FIXMAP, FIXMAP_END, MAP16_BYTES = 0x80, 0x90, 3
FIXSTR, FIXSTR_END, STR8 = 0xA0, 0xC0, 0xD9


class Counts(msgspec.Struct, frozen=True):
    """Events by type, by provider and by stream, each sorted by name.

    An event that names no provider counts for none.
    """

    types: tuple[EventCount, ...]
    providers: tuple[EventCount, ...]
    streams: tuple[EventCount, ...]

    @property
    def tickers(self) -> tuple[EventCount, ...]:
        """The streams but for the ledger's own."""
        return tuple(one for one in self.streams if one.name != LEDGER_STREAM)

    def agree(self, recorded: BackupCreated) -> bool:
        """Return whether they are the counts that were recorded, as far as that event says them."""
        return (
            self.types == recorded.types
            and recorded.providers in {None, self.providers}
            and len(self.streams) == recorded.streams
            and streams_hash(self.streams) == recorded.streams_hash
        )


class _Provided(msgspec.Struct, frozen=True):
    provider: str | None = None


class Tally:
    """Counts the events that it is given."""

    def __init__(self) -> None:
        self._types: Counter[str] = Counter()
        self._providers: Counter[bytes] = Counter()
        self._streams: Counter[str] = Counter()

    def add(self, envelopes: Sequence[Envelope]) -> None:
        """Count these events too."""
        self._types.update([envelope.type for envelope in envelopes])
        self._streams.update([envelope.stream for envelope in envelopes])
        self._providers.update([provider_of(envelope.data) for envelope in envelopes])

    def counts(self) -> Counts:
        """Return what has been counted so far."""
        providers = {name.decode(): events for name, events in self._providers.items() if name}
        return Counts(_sorted(self._types), _sorted(providers), _sorted(self._streams))


def provider_of(data: msgspec.Raw) -> bytes:
    """Return the provider that an event's data name, in UTF-8; empty where they name none, or cannot."""
    head = bytes(memoryview(data)[:HEAD_BYTES])
    # Nearly every event begins with its ticker and its provider; decoding all of it costs five times as much.
    if head:
        at = 1 if FIXMAP <= head[0] < FIXMAP_END else MAP16_BYTES
        if head.startswith(TICKER, at):
            _, at = _text(head, at + len(TICKER))
        if head.startswith(PROVIDER, at):
            found, at = _text(head, at + len(PROVIDER))
            if found and at <= len(head):
                return found
    try:
        return (_decode_provided(data).provider or "").encode()
    except UNDECODABLE:
        return b""


def _text(head: bytes, at: int) -> tuple[bytes, int]:
    """Return the msgpack text that begins at `at`, and where it ends; nothing at all where it is a long one or none."""
    mark = head[at] if at < len(head) else 0
    if FIXSTR <= mark < FIXSTR_END:
        end = at + 1 + (mark - FIXSTR)
        return head[at + 1 : end], end
    if mark == STR8 and at + 1 < len(head):
        end = at + 2 + head[at + 1]
        return head[at + 2 : end], end
    return b"", len(head) + 1


_decode_provided = msgspec.msgpack.Decoder(_Provided).decode


def merged(one: Counts, other: Counts) -> Counts:
    """Return the counts of two runs of events as those of one."""
    return Counts(_sum(one.types, other.types), _sum(one.providers, other.providers), _sum(one.streams, other.streams))


def _sum(one: Sequence[EventCount], other: Sequence[EventCount]) -> tuple[EventCount, ...]:
    total: Counter[str] = Counter()
    for count in (*one, *other):
        total[count.name] += count.events
    return _sorted(total)


def _sorted(counted: dict[str, int]) -> tuple[EventCount, ...]:
    return tuple(EventCount(name, events) for name, events in sorted(counted.items()))
