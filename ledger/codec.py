"""Stored bytes <-> envelopes <-> events. Pure.

The body is what the chain hashes; nothing here ever re-encodes a body that was read.

Source: docs/format.md, "Body".
"""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, TypeVar

import msgspec
from blake3 import blake3

from ledger.errors import BodyTooLargeError, DamagedError, UnknownEventError
from ledger.events import AMOUNTS_PER_MICRO, EVENT_TYPES, LEDGER_STREAM, Event, LedgerCreated
from ledger.values import Count, EventCount, Id, Time

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


_encoder = msgspec.msgpack.Encoder()

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]


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


def _decision_2(data: dict[str, Any]) -> dict[str, Any]:
    """Return a decision without commitments as one of the next version: nil where it says nothing."""
    added: dict[str, Any] = {"before": None, "after": None, "threshold_percent": None, "rank": None, "outranked": []}
    if data.keys() & added.keys():
        raise msgspec.ValidationError("Object contains a field of the next version")
    actions = msgspec.convert(data.get("actions"), tuple[_RetiredAction, ...])
    return {**data, "actions": [action.lifted() for action in actions], **added}


def streams_hash(streams: Iterable[EventCount]) -> bytes:
    """Return BLAKE3 of the msgpack array of `[stream, events]`, ascending by the UTF-8 of the stream."""
    return blake3(_encoder.encode(sorted(streams, key=lambda one: one.name))).digest()


def _backup_2(data: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a backup with its streams as the next version has them; it counted no providers."""
    added = {"providers": None, "streams": 0, "streams_hash": b""}
    if data.keys() & added.keys():
        raise msgspec.ValidationError("Object contains a field of the next version")
    tickers = msgspec.convert(data.get("tickers"), tuple[EventCount, ...])
    # What was about no ticker was of the ledger's own stream, and in no count but the types'.
    size, told = msgspec.convert(data.get("size"), Count), sum(one.events for one in tickers)
    streams = [*tickers, EventCount(LEDGER_STREAM, size - told)] if size > told else list(tickers)
    kept = {name: value for name, value in data.items() if name != "tickers"}
    return {**kept, **added, "streams": len(streams), "streams_hash": streams_hash(streams)}


# Retired tag -> (the tag of the next version, how to turn the data map into that version's).
UPCASTERS: dict[str, tuple[str, Upcaster]] = {
    "backup.created/1": ("backup.created/2", _backup_2),
    "validation.completed/1": ("validation.completed/2", _decision_2),
}

# What the decoder raises on arbitrary bytes: invalid UTF-8 and endless nesting are not a DecodeError.
UNDECODABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_envelope_decoder = msgspec.msgpack.Decoder(Envelope)
_map_decoder = msgspec.msgpack.Decoder(dict[str, Any])


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


@cache
def _data_decoder(tag: str) -> msgspec.msgpack.Decoder[Event]:
    return msgspec.msgpack.Decoder(EVENT_TYPES[tag])


def decode_event(envelope: Envelope) -> Event:
    """Return the event inside `envelope`, an old version upgraded one step at a time.

    Raises: UnknownEventError for a tag this version does not know; DamagedError for data of another shape.
    """
    try:
        if envelope.type in EVENT_TYPES:
            return _data_decoder(envelope.type).decode(envelope.data)
        if envelope.type in UPCASTERS:
            tag, data = envelope.type, _map_decoder.decode(envelope.data)
            while tag in UPCASTERS:
                tag, step = UPCASTERS[tag]
                data = step(data)
            return _data_decoder(tag).decode(_encoder.encode(data))
    except (*UNDECODABLE, OverflowError) as error:
        raise DamagedError(envelope.seq, "data", expected=envelope.type, found=str(error)) from error
    raise UnknownEventError(envelope.seq, envelope.type)


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
