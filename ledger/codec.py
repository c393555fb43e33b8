"""Stored bytes <-> envelopes <-> events. Pure.

The body is what the chain hashes; nothing here ever re-encodes a body that was read.

Source: docs/format.md, "Body".
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache, reduce
from itertools import takewhile
from typing import Any, NamedTuple, TypeVar, cast

import msgspec
from blake3 import blake3
from msgspec.structs import asdict

from ledger.errors import BodyTooLargeError, DamagedError, UnknownEventError
from ledger.events import (
    AMOUNTS_PER_MICRO,
    EVENT_TYPES,
    LEDGER_STREAM,
    BackupCreated,
    Event,
    LedgerCreated,
    ValidationCompleted,
)
from ledger.values import Action, Count, EventCount, Hash, Id, Time

BODY_LIMIT_BYTES = 16 * 1024 * 1024

E = TypeVar("E", bound=Event)


class Envelope(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False):
    """An event with everything the log records about it; `data` stays encoded until it is needed."""

    seq: Count
    recorded_at: Time  # microseconds UTC
    append_id: Id
    job_id: Id
    cause: Count | None
    stream: str
    type: str
    data: msgspec.Raw


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An event on its way into the log, which assigns its seq and time."""

    job_id: bytes
    stream: str
    event: Event
    cause: int | None = None


class Upcaster(NamedTuple):
    """How a retired version is read: its own shape, and the step to the version that followed it, tagged `tag`."""

    tag: str
    kind: type[msgspec.Struct]
    step: Callable[[Any], Any]


class _RetiredAction(msgspec.Struct, frozen=True, array_like=True):
    """An action of `validation.completed/1`: millionths of a real (else 0), shares after and before (else 1 and 1)."""

    day: str
    kind: str
    amount: int
    numerator: int
    denominator: int

    def lifted(self) -> list[Any]:
        """Return the action as the next version writes it."""
        if self.kind == "split":
            exact = [None, self.numerator, self.denominator]
        else:
            exact = [self.amount * AMOUNTS_PER_MICRO, None, None]
        return [self.day, self.kind, *exact, "BRL", None, None, None, None, None]


# `validation.completed/1`: a decision without what the next version says at its end, the commitments first.
_RETIRED_FIELDS = takewhile(lambda field: field[0] != "before", ValidationCompleted.__annotations__.items())
_RetiredDecision = msgspec.defstruct(
    "_RetiredDecision",
    [(name, tuple[_RetiredAction, ...] if name == "actions" else kind) for name, kind in _RETIRED_FIELDS],
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
)
_decode_actions = msgspec.msgpack.Decoder(tuple[Action, ...]).decode


def _decision_2(retired: Any) -> ValidationCompleted:
    """Return a decision without commitments as one of the next version: nil where it says nothing."""
    fields = asdict(retired)
    if retired.actions:  # through their bytes, since an amount may be none in the next version's terms
        fields["actions"] = _decode_actions(_encoder.encode([action.lifted() for action in retired.actions]))
    return ValidationCompleted(**fields)


# Written out, since a released version's fields stay as they are, whatever becomes of the next one's.
class _RetiredBackup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`backup.created/1`: every stream but the ledger's own by name, as a ticker; providers were not counted."""

    name: str
    size: Count
    link: Hash
    archive_bytes: Count
    sha256: Hash
    types: tuple[EventCount, ...]
    tickers: tuple[EventCount, ...]


def _backup_2(retired: Any) -> BackupCreated:
    """Return the record of a backup with its streams as the next version has them."""
    fields = asdict(retired)
    tickers = fields.pop("tickers")
    # What was about no ticker was of the ledger's own stream, and in no count but the types'.
    rest = retired.size - sum(one.events for one in tickers)
    streams = (*tickers, EventCount(LEDGER_STREAM, rest)) if rest > 0 else tickers
    return BackupCreated(**fields, providers=None, streams=len(streams), streams_hash=streams_hash(streams))


def streams_hash(streams: Iterable[EventCount]) -> bytes:
    """Return BLAKE3 of the msgpack array of `[stream, events]`, ascending by the UTF-8 of the stream."""
    return blake3(_encoder.encode(sorted(streams, key=lambda one: one.name))).digest()


UPCASTERS: dict[str, Upcaster] = {
    "backup.created/1": Upcaster(BackupCreated.TAG, _RetiredBackup, _backup_2),
    "validation.completed/1": Upcaster(ValidationCompleted.TAG, _RetiredDecision, _decision_2),
}

# What the decoder raises on arbitrary bytes: invalid UTF-8 and endless nesting are not a DecodeError.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_encoder = msgspec.msgpack.Encoder()
_envelope_decoder = msgspec.msgpack.Decoder(Envelope)


def encode_data(event: Event) -> bytes:
    """Return the event's data: a msgpack map with field names, in the order of its struct."""
    return _encoder.encode(event)


def encode_body(envelope: Envelope) -> bytes:
    """Return the bytes that are stored and hashed for `envelope`.

    Raises: BodyTooLargeError over 16 MiB.
    """
    body = _encoder.encode(envelope)
    if len(body) > BODY_LIMIT_BYTES:
        raise BodyTooLargeError(body_bytes=len(body), limit_bytes=BODY_LIMIT_BYTES)
    return body


def encode_draft(draft: Draft, *, seq: int, recorded_at: int, append_id: bytes) -> bytes:
    """Return the bytes that are stored and hashed for `draft` at `seq`: `encode_body` of its envelope, in one pass.

    Raises: BodyTooLargeError over 16 MiB.
    """
    event = draft.event
    fields = (seq, recorded_at, append_id, draft.job_id, draft.cause, draft.stream, event.TAG, event)
    body = _encoder.encode(fields)
    if len(body) > BODY_LIMIT_BYTES:
        raise BodyTooLargeError(body_bytes=len(body), limit_bytes=BODY_LIMIT_BYTES)
    return body


def decode_envelope(seq: int, body: bytes) -> Envelope:
    """Return the envelope stored as `body` at `seq`, its data left encoded.

    Raises: DamagedError when the bytes are not an envelope, or are one that belongs elsewhere.
    """
    try:
        envelope = _envelope_decoder.decode(body)
    except UNDECODABLE as error:
        raise DamagedError(seq, "envelope", expected="a msgpack array of 8", found=str(error)) from error
    if envelope.seq != seq:
        raise DamagedError(seq, "seq", expected=str(seq), found=str(envelope.seq))
    return envelope


def decode_envelopes(bodies: Sequence[bytes], *, start: int) -> list[Envelope]:
    """Return what `decode_envelope` does for each of `bodies`, stored from seq `start` on, at two thirds of its cost.

    Raises: as `decode_envelope` does, for the first that is not an envelope.
    """
    try:
        envelopes = list(map(_envelope_decoder.decode, bodies))
    except UNDECODABLE:
        envelopes = []
    if [envelope.seq for envelope in envelopes] == list(range(start, start + len(bodies))):
        return envelopes
    return [decode_envelope(seq, body) for seq, body in enumerate(bodies, start)]


def envelopes(bodies: Sequence[bytes], *, start: int) -> Iterable[Envelope]:
    """Return what `decode_envelopes` does; the error of one that is not an envelope comes once its turn does.

    Raises: DamagedError, as they are taken.
    """
    try:
        return decode_envelopes(bodies, start=start)
    except DamagedError:
        return (decode_envelope(seq, body) for seq, body in enumerate(bodies, start))


@cache
def _reader(tag: str) -> Callable[[msgspec.Raw], Event]:
    """Return what decodes the data of an event; raises KeyError for a tag that this version does not know."""
    if tag in EVENT_TYPES:
        return cast("Callable[[msgspec.Raw], Event]", msgspec.msgpack.Decoder(EVENT_TYPES[tag]).decode)
    upcaster, steps = UPCASTERS[tag], list[Callable[[Any], Any]]()
    decode: Callable[[msgspec.Raw], Any] = msgspec.msgpack.Decoder(upcaster.kind).decode
    while True:  # a step at a time: what it comes to may be of a version that is retired too
        steps.append(upcaster.step)
        if upcaster.tag not in UPCASTERS:
            return lambda data: reduce(lambda event, step: step(event), steps, decode(data))
        upcaster = UPCASTERS[upcaster.tag]


def decode_event(envelope: Envelope) -> Event:
    """Return the event inside `envelope`, an old version upgraded one step at a time.

    Raises: UnknownEventError for a tag this version does not know; DamagedError for data of another shape.
    """
    try:
        read = _reader(envelope.type)
    except KeyError as error:
        raise UnknownEventError(envelope.seq, envelope.type) from error
    try:
        return read(envelope.data)
    except (*UNDECODABLE, OverflowError) as error:
        raise DamagedError(envelope.seq, "data", expected=envelope.type, found=str(error)) from error


def decode_as(envelope: Envelope, kind: type[E]) -> E:
    """Return the event whose fields lie in the envelope's data, which is to be of one kind, in whatever version.

    Raises: as `decode_event` does; DamagedError for an event of another kind.
    """
    event = decode_event(envelope)
    if not isinstance(event, kind):
        raise DamagedError(envelope.seq, "type", expected=kind.TAG, found=envelope.type)
    return event


def decode_created(body: bytes) -> LedgerCreated:
    """Return the event that every log begins with, from the body stored at seq 0.

    Raises: DamagedError when it is any other event, or none.
    """
    envelope = decode_envelope(0, body)
    if envelope.type != LedgerCreated.TAG:
        raise DamagedError(0, "first event", expected=LedgerCreated.TAG, found=envelope.type)
    return decode_as(envelope, LedgerCreated)
