"""An event as people and scripts see it: hex for bytes, text for ids and times."""

from typing import Any

import msgspec

from cli.render import times
from ledger import ids
from ledger.chain import Record
from ledger.codec import decode_envelope
from projections.relations.logged_events import readable, stored


class EventRow(msgspec.Struct, frozen=True, kw_only=True):
    """One event; `data` holds what was stored, times in it as microseconds UTC, an answer without its body."""

    seq: int
    recorded_at: str
    job_id: str
    cause: int | None
    stream: str
    type: str
    data: dict[str, Any]
    append_id: str
    link: str


def row(record: Record) -> EventRow:
    """Return `record` as it is printed; no event type needs to be known.

    Raises: DamagedError when the stored bytes are no event.
    """
    envelope = decode_envelope(record.seq, record.body)
    return EventRow(
        seq=envelope.seq,
        recorded_at=times.exact(envelope.recorded_at),
        job_id=ids.text(envelope.job_id),
        cause=envelope.cause,
        stream=envelope.stream,
        type=envelope.type,
        data=readable(stored(envelope)),
        append_id=envelope.append_id.hex(),
        link=record.link.hex(),
    )


def line(event: EventRow) -> str:
    """Return the event on one line: seq, time, type, stream, cause and job."""
    cause = "-" if event.cause is None else event.cause
    links = f"cause={cause} job={event.job_id}"
    return f"{event.seq:>8}  {event.recorded_at}  {event.type:<22}  {event.stream:<10}  {links}"


def page(event: EventRow) -> str:
    """Return the event whole: one line per field, then its data indented."""
    fields = msgspec.structs.asdict(event)
    data = msgspec.json.format(msgspec.json.encode(fields.pop("data")), indent=2).decode()
    lines = [f"{name}: {'-' if value is None else value}" for name, value in fields.items()]
    return "\n".join([*lines, f"data: {data}"])
