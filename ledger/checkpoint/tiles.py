"""The tree as files that never change: tiles of 256 hashes, bundles of 256 leaves, and where each lies. Pure.

Source: C2SP tlog-tiles; docs/format.md, "Checkpoint".
"""

import struct
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from hashlib import sha256

import msgspec

from ledger.checkpoint.tree import EMPTY_ROOT, HASH_BYTES, LEAF, Subtree, node_hash, perfect_hash, perfect_parts

HEIGHT = 8
WIDTH = 1 << HEIGHT
ENTRIES = -1  # the level of a bundle

_LENGTH = struct.Struct(">H")
_LEAF_LENGTH = _LENGTH.pack(LEAF.size)
ENTRY_BYTES = _LENGTH.size + LEAF.size


class Tile(msgspec.Struct, frozen=True, order=True):
    """Hashes `index * 256` to `index * 256 + width` of a tile level; at level `ENTRIES` the leaves of level 0."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """Where it lies below the folder of the checkpoint: three digits a step, a partial one under its width."""
        digits = f"{self.index:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        steps = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        number = "/".join([*(f"x{step}" for step in steps[:-1]), steps[-1]])
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{number}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @property
    def stop(self) -> int:
        """The seq after the last event under it."""
        return (self.index * WIDTH + self.width) << HEIGHT * max(self.level, 0)

    @property
    def content_bytes(self) -> int:
        """How long its content is."""
        return self.width * (ENTRY_BYTES if self.level == ENTRIES else HASH_BYTES)


def tiles_of(size: int) -> Iterator[Tile]:
    """Yield every tile and bundle of a tree over `size` leaves, a level at a time, bundles first."""
    for level in (ENTRIES, *range(levels(size))):
        hashes = size >> HEIGHT * max(level, 0)
        for index in range(-(-hashes // WIDTH)):
            yield Tile(level, index, min(WIDTH, hashes - index * WIDTH))


def levels(size: int) -> int:
    """Return how many tile levels a tree over `size` leaves has."""
    return -(-size.bit_length() // HEIGHT)


def tile_at(level: int, index: int, size: int) -> Tile:
    """Return the tile `index` of `level`, as wide as it is in a tree over `size` leaves."""
    hashes = size >> HEIGHT * max(level, 0)
    return Tile(level, index, min(WIDTH, hashes - index * WIDTH))


def subtree_of(size: int, content: Callable[[Tile], bytes]) -> Subtree:
    """Return how the perfect subtrees of a tree over `size` leaves are hashed from what is in its tiles."""

    @cache  # a proof's ranges share most of their subtrees with each other and with the roots
    def subtree(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        first = index << height
        at = first % WIDTH
        held = hashes(content(tile_at(tile_level, first >> HEIGHT, size)))
        return perfect_hash(held[at : at + (1 << height)])

    return subtree


def bundle(entries: Sequence[bytes]) -> bytes:
    """Return the content of a bundle of leaves."""
    return b"".join([part for entry in entries for part in (_LEAF_LENGTH, entry)])


def entries(content: bytes) -> list[bytes]:
    """Return the leaves in a bundle.

    Raises: ValueError where one has another length than a leaf.
    """
    found = [content[at : at + ENTRY_BYTES] for at in range(0, len(content), ENTRY_BYTES)]
    if not all(entry.startswith(_LEAF_LENGTH) and len(entry) == ENTRY_BYTES for entry in found):
        message = f"got an entry of another length, want {LEAF.size} bytes"
        raise ValueError(message)
    return [entry[_LENGTH.size :] for entry in found]


def hashes(content: bytes) -> list[bytes]:
    """Return the hashes in a tile."""
    return [content[at : at + HASH_BYTES] for at in range(0, len(content), HASH_BYTES)]


class GrowingTree:
    """A tree that leaves are added to, and the tiles that they fill; memory: one tile a level and one bundle."""

    def __init__(self) -> None:
        self.size = 0
        self._open: list[list[bytes]] = []  # of each tile level, the hashes that fill no tile yet
        self._entries: list[bytes] = []

    def add(self, leaves: Sequence[bytes]) -> Iterator[tuple[Tile, bytes]]:
        """Add `leaves`; yield each tile and bundle that they make full, with its content. Exhaust it."""
        at = 0
        while at < len(leaves):
            taken = leaves[at : at + WIDTH - len(self._entries)]
            at += len(taken)
            self._entries += taken
            self.size += len(taken)
            added = [sha256(b"\x00" + entry).digest() for entry in taken]  # `leaf_hash`, written out: this is the cost
            if len(self._entries) == WIDTH:
                yield Tile(ENTRIES, self.size // WIDTH - 1, WIDTH), bundle(self._entries)
                self._entries = []
            yield from self._put(0, added)

    def _put(self, level: int, added: list[bytes]) -> Iterator[tuple[Tile, bytes]]:
        if level == len(self._open):
            self._open.append([])
        held = self._open[level]
        held += added
        if len(held) == WIDTH:
            yield Tile(level, (self.size >> HEIGHT * (level + 1)) - 1, WIDTH), b"".join(held)
            self._open[level] = []
            yield from self._put(level + 1, [perfect_hash(held)])

    def partial(self) -> Iterator[tuple[Tile, bytes]]:
        """Yield the tiles and the bundle that are not full at this size."""
        if self._entries:
            yield Tile(ENTRIES, self.size // WIDTH, len(self._entries)), bundle(self._entries)
        for level, held in enumerate(self._open):
            if held:
                yield Tile(level, self.size >> HEIGHT * (level + 1), len(held)), b"".join(held)

    def root(self) -> bytes:
        """Return the root of the tree as it is."""
        peaks = [
            perfect_hash(held[index << level : (index + 1) << level])
            for held in reversed(self._open)
            for level, index in perfect_parts(0, len(held))
        ]
        if not peaks:
            return EMPTY_ROOT
        *lefts, found = peaks
        for left in reversed(lefts):
            found = node_hash(left, found)
        return found
