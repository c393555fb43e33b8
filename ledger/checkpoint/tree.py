"""The Merkle tree over a log: leaves, roots, and the hash of any range that a proof names. Pure.

A leaf is 72 bytes, `seq, u64 ‖ link ‖ SHA-256(body)`: a stranger needs no BLAKE3 and none of the data to hash one.

Source: RFC 6962, section 2.1; docs/format.md, "Checkpoint".
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256

from ledger.chain import LINK_BYTES

HASH_BYTES = 32
LEAF = struct.Struct(">Q32s32s")
EMPTY_ROOT = sha256(b"").digest()

_LEAF_MARK, _NODE_MARK = b"\x00", b"\x01"

# The hash of the perfect subtree `index` of height `level`: leaves [index << level, (index + 1) << level).
Subtree = Callable[[int, int], bytes]


def leaf(seq: int, link: bytes, body: bytes) -> bytes:
    """Return the leaf of the event stored at `seq`."""
    return LEAF.pack(seq, link, sha256(body).digest())


def leaves(values: Sequence[bytes], *, start: int) -> list[bytes]:
    """Return the leaves of stored values (link ‖ body) from seq `start` on."""
    pack = LEAF.pack
    return [
        pack(seq, value[:LINK_BYTES], sha256(value[LINK_BYTES:]).digest()) for seq, value in enumerate(values, start)
    ]


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf that holds `data`."""
    return sha256(_LEAF_MARK + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of the node over `left` and `right`."""
    return sha256(_NODE_MARK + left + right).digest()


def perfect_hash(hashes: Sequence[bytes]) -> bytes:
    """Return the hash of the perfect tree over `hashes`, a power of two of them."""
    while len(hashes) > 1:
        hashes = [sha256(_NODE_MARK + hashes[at] + hashes[at + 1]).digest() for at in range(0, len(hashes), 2)]
    return hashes[0]


def perfect_parts(start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the (level, index) of the largest perfect subtrees that make up leaves [start, stop), from the left.

    `start` is a multiple of the largest power of two below `stop - start`, as in every range of a proof.
    """
    while start < stop:
        level = (stop - start).bit_length() - 1
        yield level, start >> level
        start += 1 << level


def range_hash(start: int, stop: int, subtree: Subtree) -> bytes:
    """Return the hash of the tree over leaves [start, stop), at least one; see `perfect_parts`."""
    *lefts, found = (subtree(level, index) for level, index in perfect_parts(start, stop))
    for left in reversed(lefts):
        found = node_hash(left, found)
    return found


def root(size: int, subtree: Subtree) -> bytes:
    """Return the root of the tree over the first `size` leaves."""
    return range_hash(0, size, subtree) if size else EMPTY_ROOT
