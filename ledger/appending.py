"""What an append means, whatever it is stored in: chaining records, and telling a retry from a clash. Pure.

Source: docs/format.md, "Append".
"""

from collections.abc import Iterable, Sequence

import msgspec

from ledger.chain import Head, Link, Record, Seq, links
from ledger.codec import Draft, decode_envelope, decode_event, encode_data, encode_draft
from ledger.errors import AppendIdError, DamagedError
from ledger.ids import ID_BYTES
from ledger.limits import OutOfRangeError, check_name, names

HELD_BACK_LIMIT_US = 5 * 60 * 1_000_000


class Append(msgspec.Struct, frozen=True):
    """Events that go into the log together or not at all, and the id of that append."""

    drafts: Sequence[Draft]
    append_id: bytes


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """An acknowledged append: its events are [first, first + count), the log's head after it is `head`.

    `repeated` when the same append was acknowledged before; then `head` is the head after it at that time.
    `held_back_us` is how far the clock was behind the log's last event.
    """

    first: Seq
    count: int
    head: Head
    repeated: bool = False
    held_back_us: int = 0


def check_call(append: Append) -> None:
    """Raise ValueError unless there is something to append under a whole id."""
    if not append.drafts:
        message = "got no events, want at least one"
        raise ValueError(message)
    if len(append.append_id) != ID_BYTES:
        message = f"got an append id of {len(append.append_id)} bytes, want {ID_BYTES}"
        raise ValueError(message)


def chain_records(drafts: Sequence[Draft], *, head: Head, recorded_at: int, append_id: bytes) -> list[Record]:
    """Return the records that carry `drafts` on from `head`, chained; nothing is encoded twice.

    Raises: BodyTooLargeError when one event passes the limit, OutOfRangeError when one holds what no reader would
    take; then no record is made.
    """
    bodies = [
        encode_draft(draft, seq=seq, recorded_at=recorded_at, append_id=append_id)
        for seq, draft in enumerate(drafts, head.size)
    ]
    for seq, (draft, body) in enumerate(zip(drafts, bodies, strict=True), head.size):
        _check_readable(draft, seq, body)
    chained = enumerate(zip(links(head.link, bodies), bodies, strict=True), head.size)
    return [Record(Seq(seq), link, body) for seq, (link, body) in chained]


def _check_readable(draft: Draft, seq: int, body: bytes) -> None:
    """Return quietly when the event can be read as verification reads it."""
    try:
        envelope = decode_envelope(seq, body)
        event = decode_event(envelope)
    except DamagedError as error:
        raise OutOfRangeError(f"{error.kind} of {draft.event.TAG} ({error.found})", wanted="values in range") from error
    if envelope.cause is not None and envelope.cause >= seq:
        raise OutOfRangeError(f"cause {envelope.cause} at seq {seq}", wanted="an earlier event")
    for name in names(envelope.stream, event):
        check_name(name)


def hold_back(now_us: int, last_recorded_at: int) -> tuple[int, int]:
    """Return (recorded_at, how far the clock was behind): recorded_at never decreases."""
    return max(now_us, last_recorded_at), max(last_recorded_at - now_us, 0)


def match_repeat(drafts: Sequence[Draft], stored: Iterable[Record], *, append_id: bytes, first: int) -> None:
    """Return quietly when `stored` are `drafts`, seq and time aside.

    Raises: AppendIdError naming the first difference.
    """
    records = list(stored)
    if len(records) != len(drafts):
        raise AppendIdError(append_id, first=first, reason=f"{len(drafts)} events, stored {len(records)}")
    for draft, record in zip(drafts, records, strict=True):
        envelope = decode_envelope(record.seq, record.body)
        pairs = {
            "job_id": (draft.job_id, envelope.job_id),
            "cause": (draft.cause, envelope.cause),
            "stream": (draft.stream, envelope.stream),
            "type": (draft.event.TAG, envelope.type),
            "data": (encode_data(draft.event), bytes(envelope.data)),
        }
        for field, (given, found) in pairs.items():
            if given != found:
                raise AppendIdError(append_id, first=first, reason=f"{field} of seq {record.seq}")


def head_after(records: Sequence[Record]) -> Head:
    """Return the head of a log whose last records are `records` (at least one)."""
    last = records[-1]
    return Head(last.seq + 1, Link(last.link))
