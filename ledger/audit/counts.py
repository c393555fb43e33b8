"""How many events of each type, provider and stream a run of events holds."""

from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from operator import itemgetter

import msgspec

from ledger.audit.rehash import seq_prefix, seqs_follow
from ledger.chain import LINK_BYTES
from ledger.codec import UNDECODABLE, Envelope, decode_envelopes, streams_hash
from ledger.events import LEDGER_STREAM, BackupCreated
from ledger.values import EventCount

HEAD_BYTES = 600  # of an event's data: its first two names and texts, which in most types are ticker and provider
TICKER, PROVIDER = b"\xa6ticker", b"\xa8provider"  # as msgpack has the names
FIXMAP, FIXMAP_END, MAP16, MAP16_BYTES = 0x80, 0x90, 0xDE, 3
FIXSTR, FIXSTR_END, STR8 = 0xA0, 0xC0, 0xD9
UINT64, ID = 0xCF, b"\xc4\x10"  # how a time and an id of 16 bytes begin
TIME_BYTES, ID_BYTES = 9, 18
NIL = 0xC0
# What an envelope has between seq and cause: a time as uint64, far below the last of times, and two ids of 16 bytes.
BEFORE_CAUSE_BYTES = TIME_BYTES + 2 * ID_BYTES
BEFORE_CAUSE = (
    (0, bytes([UINT64])),
    (1, b"\0"),
    *((at + more, ID[more : more + 1]) for at in (TIME_BYTES, TIME_BYTES + ID_BYTES) for more in range(len(ID))),
)
# How long an envelope's cause is, by its first byte: nil or an unsigned integer below 2**32; 0 for any other.
CAUSE_BYTES = bytes(
    1 if byte < FIXMAP or byte == NIL else {0xCC: 2, 0xCD: 3, 0xCE: 5}.get(byte, 0) for byte in range(256)
)
FIRST_BYTES = 40  # of a stream and a type: what comes before the provider's name is as long wherever they are the same
MOST_FIRSTS = 10_000


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


class _Skipped(msgspec.Struct, array_like=True, gc=False):
    """Any array, of which nothing is kept."""


class Tally:
    """Counts the events that it is given."""

    def __init__(self) -> None:
        self._types: Counter[str] = Counter()
        self._providers: Counter[bytes] = Counter()
        self._streams: Counter[str] = Counter()
        self._slices: Counter[bytes] = Counter()
        self._names: dict[bytes, tuple[str, str, bytes]] = {}  # of a slice: its stream, type and provider
        self._marks: dict[int, dict[bytes, int]] = {}  # by where a stream begins, by its first bytes; see `_marks_of`

    def add(self, envelopes: Sequence[Envelope]) -> None:
        """Count these events too."""
        self._types.update([envelope.type for envelope in envelopes])
        self._streams.update([envelope.stream for envelope in envelopes])
        self._providers.update([provider_of(envelope.data) for envelope in envelopes])

    def add_checked(self, values: Sequence[bytes], start: int) -> None:
        """Count the events of `values` (link ‖ body, from seq `start` on), whose bytes were checked before.

        By slices, at a third of the cost of decoding; that is what an event of any other shape gets.

        Raises: DamagedError for a body that is no envelope, as decoding does.
        """
        others = self._sliced(values, start) if envelopes_hold(values) else range(len(values))
        for at in others:
            self.add(decode_envelopes([values[at][LINK_BYTES:]], start=start + at))

    def _sliced(self, values: Sequence[bytes], start: int) -> Sequence[int]:
        """Count those of `values` that are shaped as most are by what is cut out of them; return where the others are.

        These are all of them where one is shaped otherwise before its stream.
        """
        streams = streams_at(values, start)
        places = set(streams)
        if len(places) == 1:
            return self._alike(values, places.pop())
        if not places:
            return range(len(values))
        others: list[int] = []
        # Nearly always two: events have a cause or none.
        for place in places:
            here = [at for at, stream in enumerate(streams) if stream == place]
            others += [here[at] for at in self._alike([values[at] for at in here], place)]
        return sorted(others)

    def _alike(self, values: Sequence[bytes], stream: int) -> Sequence[int]:
        """Do what `_sliced` does for events whose streams begin at the same place."""
        firsts = list(map(itemgetter(slice(stream, stream + FIRST_BYTES)), values))
        # A guess, by how the event's first bytes went on before: what is cut out shows whether it holds.
        marks = map(self._marks_of(firsts, values, stream).__getitem__, firsts)
        try:
            found = [value[stream : at + 1 + value[at] - FIXSTR] for value, at in zip(values, marks, strict=True)]
            counted = Counter(found)
            new = counted.keys() - self._names.keys()
            self._names |= {one: named(one) for one in new if is_slice(one)}
        except (IndexError, UnicodeDecodeError):
            return range(len(values))
        wrong = new - self._names.keys()
        for one in wrong:
            del counted[one]
        self._slices.update(counted)
        return [at for at, one in enumerate(found) if one in wrong] if wrong else ()

    def _marks_of(self, firsts: Sequence[bytes], values: Sequence[bytes], stream: int) -> dict[bytes, int]:
        """Return where the provider's text begins in events whose streams begin at `stream`, by their first bytes."""
        marks = self._marks.setdefault(stream, {})
        if new := set(firsts) - marks.keys():
            if len(marks) > MOST_FIRSTS:
                marks.clear()
            marks |= {
                first: mark_of(value, stream) for first, value in zip(firsts, values, strict=True) if first in new
            }
        return marks

    def counts(self) -> Counts:
        """Return what has been counted so far."""
        for one, events in self._slices.items():
            stream, kind, provider = self._names[one]
            self._streams[stream] += events
            self._types[kind] += events
            self._providers[provider] += events
        self._slices.clear()
        providers: Counter[str] = Counter()
        for name, events in self._providers.items():
            # One that is no text names none, as data that cannot be decoded do.
            with suppress(UnicodeDecodeError):
                providers[name.decode()] += events
        del providers[""]
        return Counts(_sorted(self._types), _sorted(providers), _sorted(self._streams))


def envelopes_hold(values: Sequence[bytes]) -> bool:
    """Return whether each of `values` (link ‖ body) is one array with nothing after it, whatever is in it."""
    try:
        deque(map(_skip, map(_body, values)), maxlen=0)
    except UNDECODABLE:
        return False
    return True


def streams_at(values: Sequence[bytes], start: int) -> bytes:
    """Return where the stream begins in each of the events as stored from seq `start` on.

    Nothing at all unless the envelopes of all of them are shaped alike before it, and as a decoder takes them: their
    seqs, a time by now, two ids of 16 bytes, and a cause of any width.
    """
    seq_bytes, events = len(seq_prefix(start)), len(values)
    width = seq_bytes + BEFORE_CAUSE_BYTES + 1
    head = slice(LINK_BYTES, LINK_BYTES + width)
    heads = b"".join(map(itemgetter(head), values))
    if len(heads) != width * events or not seqs_follow(heads, start, events):
        return b""
    # One byte of all events at a time.
    if any(heads[seq_bytes + at :: width] != byte * events for at, byte in BEFORE_CAUSE):
        return b""
    streams = heads[width - 1 :: width].translate(_streams_after(LINK_BYTES + width - 1))
    return b"" if 0 in streams else streams


@cache
def _streams_after(cause: int) -> bytes:
    """Return where what follows a cause at `cause` begins, by the first byte of that; 0 for what is no cause."""
    return bytes(cause + length if length else 0 for length in CAUSE_BYTES)


def mark_of(value: bytes, stream: int) -> int:
    """Return where the provider's text begins in an event; where its stream does, for one that is shaped otherwise."""
    _, kind = _text(value, stream)
    _, data = _text(value, kind)
    at = _provider_at(value, data)
    return at if at < len(value) else stream


def is_slice(one: bytes) -> bool:
    """Return whether these bytes are a stream, a type, and data up to the end of the provider that they name.

    A question of the bytes alone: how their end was guessed is of no concern.
    """
    _, kind = _text(one, 0)
    _, data = _text(one, kind)
    found, end = _text(one, _provider_at(one, data))
    return bool(found) and end == len(one)


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
    found, end = _text(head, _provider_at(head, 0))
    if found and end <= len(head):
        return found
    try:
        return (_decode_provided(data).provider or "").encode()
    except UNDECODABLE:
        return b""


def _provider_at(head: bytes, data: int) -> int:
    """Return where the provider's text begins in data that begin at `data`, behind a ticker at most.

    Past the end where they begin with anything else.
    """
    mark = head[data] if data < len(head) else 0
    if not FIXMAP <= mark < FIXMAP_END and mark != MAP16:
        return len(head) + 1
    at = data + (MAP16_BYTES if mark == MAP16 else 1)
    if head.startswith(TICKER, at):
        _, at = _text(head, at + len(TICKER))
    return at + len(PROVIDER) if head.startswith(PROVIDER, at) else len(head) + 1


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


_body = itemgetter(slice(LINK_BYTES, None))
_skip = msgspec.msgpack.Decoder(_Skipped).decode
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
