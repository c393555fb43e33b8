"""How many events of each type, provider and stream a run of events holds."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from ledger.audit.rehash import seq_prefix
from ledger.chain import LINK_BYTES
from ledger.codec import UNDECODABLE, Envelope, decode_envelopes, streams_hash
from ledger.events import LEDGER_STREAM, BackupCreated
from ledger.values import EventCount

HEAD_BYTES = 600  # of an event's data: its first two names and texts, which in most types are ticker and provider
TICKER, PROVIDER = b"\xa6ticker", b"\xa8provider"  # as msgpack has the names
FIXMAP, FIXMAP_END, MAP16_BYTES = 0x80, 0x90, 3
FIXSTR, FIXSTR_END, STR8 = 0xA0, 0xC0, 0xD9
UINT64, ID = 0xCF, b"\xc4\x10"  # how a time and an id of 16 bytes begin
TIME_BYTES, ID_BYTES = 9, 18
NIL = 0xC0
UNSIGNED_BYTES = {0xCC: 2, 0xCD: 3, 0xCE: 5, 0xCF: 9}
# How long an envelope's cause is, by its first byte: nil or an unsigned integer; 0 for what is neither.
CAUSE_BYTES = bytes(1 if first < FIXMAP or first == NIL else UNSIGNED_BYTES.get(first, 0) for first in range(256))


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
        self._slices: Counter[bytes] = Counter()
        self._names: dict[bytes, tuple[str, str, bytes]] = {}  # of a slice: its stream, type and provider

    def add(self, envelopes: Sequence[Envelope]) -> None:
        """Count these events too."""
        self._types.update([envelope.type for envelope in envelopes])
        self._streams.update([envelope.stream for envelope in envelopes])
        self._providers.update([provider_of(envelope.data) for envelope in envelopes])

    def add_checked(self, values: Sequence[bytes], start: int) -> None:
        """Count the events of `values` (link ‖ body, from seq `start` on), whose bytes were checked before.

        By slices, at a third of the cost of decoding; that is what an event of any other shape gets.

        Raises: DamagedError for a body that is no envelope, where it is decoded at all.
        """
        found, others = slices(values, start)
        try:
            self._names |= {one: named(one) for one in set(found) - self._names.keys()}
        except UnicodeDecodeError:
            found, others = [], list(range(len(values)))
        self._slices.update(found)
        for at in others:
            self.add(decode_envelopes([values[at][LINK_BYTES:]], start=start + at))

    def counts(self) -> Counts:
        """Return what has been counted so far."""
        for one, events in self._slices.items():
            stream, kind, provider = self._names[one]
            self._streams[stream] += events
            self._types[kind] += events
            self._providers[provider] += events
        self._slices.clear()
        providers = {name.decode(): events for name, events in self._providers.items() if name}
        return Counts(_sorted(self._types), _sorted(providers), _sorted(self._streams))


def slices(values: Sequence[bytes], start: int) -> tuple[list[bytes], list[int]]:
    """Return the bytes from stream to provider of events as stored from seq `start` on, and which are shaped otherwise.

    What an envelope has before its stream is nearly always as long: uint64, two ids of 16 bytes, a cause.
    """
    time = LINK_BYTES + len(seq_prefix(start))
    append_id, job_id = time + TIME_BYTES, time + TIME_BYTES + ID_BYTES
    cause, found, others = job_id + ID_BYTES, list[bytes](), list[int]()
    for at, value in enumerate(values):
        try:
            stream = cause + CAUSE_BYTES[value[cause]]
            kind = stream + 1 + value[stream] - FIXSTR
            data = kind + 1 + value[kind] - FIXSTR
            name, ticker = data + (1 if FIXMAP <= value[data] < FIXMAP_END else MAP16_BYTES), FIXSTR
            if value[name : name + len(TICKER)] == TICKER:
                ticker = value[name + len(TICKER)]
                name += len(TICKER) + 1 + ticker - FIXSTR
            provider = name + len(PROVIDER)
            end = provider + 1 + value[provider] - FIXSTR
            shaped = value[time] == UINT64 and stream > cause and value[name:provider] == PROVIDER and end <= len(value)
            shaped = shaped and value[append_id : append_id + 2] == ID == value[job_id : job_id + 2]
            shaped = shaped and FIXSTR <= value[stream] < FIXSTR_END and FIXSTR <= value[kind] < FIXSTR_END
            shaped = shaped and FIXSTR <= ticker < FIXSTR_END and FIXSTR < value[provider] < FIXSTR_END
        except IndexError:
            shaped = False  # too short
        if shaped:
            found.append(value[stream:end])
        else:
            others.append(at)
    return found, others


def named(one: bytes) -> tuple[str, str, bytes]:
    """Return the stream, the type and the provider of a slice.

    Raises: UnicodeDecodeError.
    """
    stream, kind_at = _text(one, 0)
    kind, data_at = _text(one, kind_at)
    return stream.decode(), kind.decode(), provider_of(msgspec.Raw(one[data_at:]))


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
