"""Events of the log as rows, whatever their type; an answer's body is left to who asks for it."""

from typing import Any

import msgspec

from ledger.chain import Record
from ledger.codec import UNDECODABLE, Envelope, decode_envelope
from ledger.errors import DamagedError
from projections.api.faces import to_python
from projections.models.units import Instant, JobId

# An answer's own fields: its body can be megabytes, and its length and hash identify it.
_ANSWER = frozenset({"body", "body_bytes", "sha256"})
# Fields that are whole answers, or what was taken from one.
_LONG = frozenset({"answer", "bars"})


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event of the log; `data` is JSON, without what a provider answered and the bars taken from it."""

    seq: int
    recorded_at: Instant
    type: str
    stream: str
    job_id: JobId
    cause: int | None
    link: str
    data: str


_encode = msgspec.json.Encoder().encode


def logged(record: Record) -> LoggedEvent:
    """Return `record` as a row; no event type needs to be known.

    Raises: DamagedError when the stored bytes are no event.
    """
    envelope = decode_envelope(record.seq, record.body)
    return to_python(
        LoggedEvent,
        seq=envelope.seq,
        recorded_at=envelope.recorded_at,
        type=envelope.type,
        stream=envelope.stream,
        job_id=envelope.job_id,
        cause=envelope.cause,
        link=record.link.hex(),
        data=_encode({name: readable(value) for name, value in stored(envelope).items() if name not in _LONG}).decode(),
    )


def stored(envelope: Envelope) -> Any:
    """Return the event's fields as they are stored; no event type needs to be known.

    Raises: DamagedError when they are no msgpack.
    """
    try:
        return msgspec.msgpack.decode(envelope.data)
    except UNDECODABLE as error:
        raise DamagedError(envelope.seq, "data", expected="msgpack", found=str(error)) from error


def readable(value: Any) -> Any:
    """Return decoded msgpack with bytes as hex, and every answer without its body."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        hidden = {"body"} if value.keys() >= _ANSWER else set()
        return {key: readable(item) for key, item in value.items() if key not in hidden}
    if isinstance(value, list):
        return [readable(item) for item in value]
    return value
