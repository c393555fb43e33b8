"""Makes proofs about a log: from the tiles beside a checkpoint, or from the log itself where none are there."""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import msgspec

from ledger.checkpoint.errors import NotCoveredError
from ledger.checkpoint.merkle_proof import consistency_proof, inclusion_proof
from ledger.checkpoint.published_tree import PublishedTree
from ledger.checkpoint.rereading import Batches, grow
from ledger.checkpoint.statement import Statement
from ledger.checkpoint.tiles import Tile, subtree_of
from ledger.checkpoint.tlog_proof import TlogProof
from ledger.checkpoint.tree import leaf, root
from ledger.log_source import LogSource

T = TypeVar("T")
Contents = Callable[[Tile], bytes]


class HashSource(Protocol):
    """Where the tiles of a tree are found."""

    def give(self, make: Callable[[Contents], T], *, size: int) -> T:
        """Return what `make` makes of the tiles of a tree over `size` leaves."""
        ...


class FromTiles:
    """The tiles that were published somewhere."""

    def __init__(self, published: PublishedTree) -> None:
        self._published = published

    def give(self, make: Callable[[Contents], T], *, size: int) -> T:  # noqa: ARG002 - a tile knows its width
        """Return what `make` makes of them; only those it asks for are read."""
        return make(self._published.content)


class FromLog:
    """Tiles made again from a log, `read` from seq 0, every link checked; only those that are asked for are kept."""

    def __init__(self, read: Callable[[], Batches]) -> None:
        self._read = read

    def give(self, make: Callable[[Contents], T], *, size: int) -> T:
        """Return what `make` makes of them, once it has said, of empty ones, which it asks for."""
        asked = set[Tile]()

        def empty(tile: Tile) -> bytes:
            asked.add(tile)
            return bytes(tile.content_bytes)

        make(empty)
        kept: dict[Tile, bytes] = {}

        def keep(tiles: Iterable[tuple[Tile, bytes]]) -> None:
            kept.update((tile, content) for tile, content in tiles if tile in asked)

        grow(self._read(), [], keep=keep, keep_size=size)
        return make(kept.__getitem__)


def prove(
    log: LogSource, seq: int, statement: Statement, note: bytes, *, source: HashSource, with_body: bool
) -> TlogProof:
    """Return the proof that the event at `seq` of `log` is in the tree of `statement`, which is what `note` signs.

    It was found to lead to the root. With tiles it costs some milliseconds, else what reading the log does.

    Raises: NotCoveredError where the checkpoint does not reach so far; NotProvenError where the event is not the one
    that was signed; TileError; what reading the log raises.
    """
    if seq >= statement.size:
        raise NotCoveredError(f"a checkpoint of {statement.size} events", wanted=f"one that covers seq {seq}")
    (record,) = log.read(seq, seq + 1)

    def made(content: Contents) -> list[bytes]:
        return inclusion_proof(seq, statement.size, subtree_of(statement.size, content))

    hashes = source.give(made, size=statement.size)
    proof = TlogProof(
        index=seq,
        leaf=leaf(seq, record.link, record.body),
        body=record.body if with_body else b"",
        hashes=tuple(hashes),
        note=note,
    )
    proof.check(statement)
    return proof


class Extension(msgspec.Struct, frozen=True):
    """The consistency proof between two sizes of a tree, and its roots at both."""

    hashes: tuple[bytes, ...]
    old_root: bytes
    new_root: bytes


def prove_extension(old: Statement, new: Statement, *, source: HashSource) -> Extension:
    """Return what the tree in `source` has at the sizes of `old` and `new`, the larger; nothing is judged.

    Raises: TileError; what reading the log raises.
    """

    def made(content: Contents) -> Extension:
        subtree = subtree_of(new.size, content)
        hashes = consistency_proof(old.size, new.size, subtree)
        return Extension(tuple(hashes), root(old.size, subtree), root(new.size, subtree))

    return source.give(made, size=new.size)
