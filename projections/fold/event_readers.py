"""Events as the folds read them: one shape per tag, shared, so that each event is decoded once for all folds.

Evidence is read with the provider's answer and its bars as they are encoded: they are nine tenths of the log,
and nearly no read model needs them. Pure.
"""

from collections.abc import Callable
from functools import cache

import msgspec

from ledger.codec import UNDECODABLE, UPCASTERS, Envelope, decode_event, encode_data
from ledger.errors import DamagedError, UnknownEventError
from ledger.events import EVENT_TYPES, FetchSucceeded
from ledger.values import Answer, Count, Time

HEADER_BYTES = 5  # of an array of msgpack, at most

Fact = msgspec.Struct
Reader = Callable[[Envelope], Fact]


class Evidence(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the folds need from `fetch.succeeded`; `answer` and `bars` stay encoded."""

    ticker: str
    provider: str
    attempt: Count
    started_at: Time
    finished_at: Time
    answer: msgspec.Raw
    bars: msgspec.Raw

    @property
    def rows(self) -> int:
        """How many bars the provider sent; O(1)."""
        return raw_length(self.bars)


decode_answer = msgspec.msgpack.Decoder(Answer).decode

FACTS: dict[str, type[Fact]] = {**EVENT_TYPES, FetchSucceeded.TAG: Evidence}


def array_length(encoded: bytes) -> int:
    """Return how many items the header of the msgpack array `encoded` announces; O(1).

    Raises: msgspec.DecodeError when it is no array.

    Source: the MessagePack specification, "array format family".
    """
    first = encoded[0]
    if first & 0xF0 == 0x90:  # noqa: PLR2004 - fixarray, as the specification writes it
        return first & 0x0F
    size_bytes = {0xDC: 2, 0xDD: 4}.get(first)
    if size_bytes is None:
        raise msgspec.DecodeError(f"Expected `array`, got type byte {first:#x}")
    return int.from_bytes(encoded[1 : 1 + size_bytes], "big")


def raw_length(encoded: msgspec.Raw) -> int:
    """Return what `array_length` does, without a copy of the items.

    Raises: as `array_length` does.
    """
    return array_length(bytes(memoryview(encoded)[:HEADER_BYTES]))


def current_tag(seq: int, tag: str) -> str:
    """Return the tag whose shape an event of `tag` is read in: its own, or the one it is upcast to.

    Raises: UnknownEventError for a tag that this version does not know.
    """
    current = tag
    while current in UPCASTERS:
        current = UPCASTERS[current].tag
    if current not in FACTS:
        raise UnknownEventError(seq, tag)
    return current


@cache
def reader(tag: str, current: str) -> Reader:
    """Return a decoder of events inside envelopes of type `tag`, into the shape in which folds read `current`.

    The decoder raises DamagedError for data of another shape.
    """
    if current != tag and FACTS[current] is EVENT_TYPES[current]:
        return decode_event
    decode = msgspec.msgpack.Decoder(FACTS[current]).decode

    def read(envelope: Envelope) -> Fact:
        data = envelope.data if current == tag else encode_data(decode_event(envelope))
        try:
            return decode(data)
        except UNDECODABLE as error:
            raise DamagedError(envelope.seq, "data", expected=tag, found=str(error)) from error

    return read


def decode_fact(envelope: Envelope) -> Fact:
    """Return the event inside `envelope` in the shape that folds read.

    Raises: UnknownEventError for an unknown tag; DamagedError for data of another shape.
    """
    return reader(envelope.type, current_tag(envelope.seq, envelope.type))(envelope)
