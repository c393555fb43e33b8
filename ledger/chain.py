"""The hash chain over stored bodies. Pure: no clock, no disk, no event types.

Source: docs/format.md, "Chain".
"""

from collections.abc import Iterable, Iterator
from typing import NewType

import msgspec
from blake3 import blake3

Seq = NewType("Seq", int)
Link = NewType("Link", bytes)

LINK_BYTES = 32
GENESIS = Link(blake3(b"b3-ledger chain v1").digest())


class Head(msgspec.Struct, frozen=True, array_like=True):
    """A log's size and the link of its last event (`GENESIS` when it has none)."""

    size: int
    link: Link


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One stored event as it lies on disk: its seq, its link and its body's bytes."""

    seq: Seq
    link: Link
    body: bytes


EMPTY_HEAD = Head(0, GENESIS)


def link(prev: Link, body: bytes) -> Link:
    """Return the chain hash after `body`: BLAKE3(prev || body).

    `prev` is exactly 32 bytes, so the concatenation reads one way only.
    `body` is the stored envelope, byte for byte.

    Source: docs/format.md, "Chain".
    """
    return Link(blake3(prev + body).digest())


def walk(prev: Link, bodies: Iterable[bytes]) -> Iterator[Link]:
    """Yield the link after each of `bodies`, the first one following `prev`.

    One hasher is reused: a new object for each event costs a sixth of the rate.
    """
    hasher = blake3()
    for body in bodies:
        hasher.reset()
        hasher.update(prev + body)
        prev = Link(hasher.digest())
        yield prev
