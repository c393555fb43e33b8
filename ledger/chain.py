"""The hash chain over stored bodies. Pure: no clock, no disk, no event types.

Source: docs/format.md, "Chain".
"""

from collections.abc import Callable, Iterable
from typing import NewType, cast

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
    """One event as stored: its seq, its link and the bytes of its body."""

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


def hashing() -> Callable[[bytes], bytes]:
    """Return BLAKE3 of what it is given, by a hasher of its own: a new one costs more than hashing a short text.

    Not for several threads.
    """
    hasher = blake3()
    reset, update, digest = hasher.reset, hasher.update, hasher.digest

    def hashed(content: bytes) -> bytes:
        reset()
        update(content)
        return digest()

    return hashed


def links(prev: Link, bodies: Iterable[bytes]) -> list[Link]:
    """Return the link after each of `bodies`, the first one following `prev`.

    The only loop over the chain: appends, verification, archives and folds all hash through it.
    One hasher is reused, since a new one per event costs a sixth of the rate.
    A list per batch, since a generator costs a fifth.
    """
    hasher = blake3()
    reset, update = hasher.reset, hasher.update
    digest = cast("Callable[[], Link]", hasher.digest)
    found: list[Link] = []
    take = found.append
    for body in bodies:
        reset()
        update(prev + body)
        prev = digest()
        take(prev)
    return found
