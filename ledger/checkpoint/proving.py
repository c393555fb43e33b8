"""Makes proofs about a log: from the tiles beside a checkpoint, or from the log itself where none are there."""

from collections.abc import Callable, Iterable

import msgspec

from ledger.checkpoint.errors import NotCoveredError
from ledger.checkpoint.merkle_proof import consistency_proof, inclusion_proof
from ledger.checkpoint.published import Published
from ledger.checkpoint.rereading import Batches, grow
from ledger.checkpoint.statement import Statement
from ledger.checkpoint.tiles import Tile, subtree_of
from ledger.checkpoint.tlog_proof import TlogProof
from ledger.checkpoint.tree import leaf, root
from ledger.log_source import LogSource

Contents = Callable[[Tile], bytes]
Source = Callable[[set[Tile], int], Contents]  # gives the contents of these tiles of a tree over so many leaves


def from_tiles(published: Published) -> Source:
    """Return where the tiles under a folder are read."""
    return lambda _tiles, _size: published.content


def from_log(read: Callable[[], Batches]) -> Source:
    """Return where tiles are made again from a log, read once from seq 0 for each proof; every link is checked."""

    def contents(wanted: set[Tile], size: int) -> Contents:
        kept: dict[Tile, bytes] = {}

        def keep(tiles: Iterable[tuple[Tile, bytes]]) -> None:
            kept.update((tile, content) for tile, content in tiles if tile in wanted)

        grow(read(), [], keep=keep, keep_size=size)
        return kept.__getitem__

    return contents


def prove(log: LogSource, seq: int, statement: Statement, note: bytes, *, source: Source, with_body: bool) -> TlogProof:
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

    hashes = made(source(_tiles_read(made), statement.size))
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


def prove_extension(old: Statement, new: Statement, *, source: Source) -> Extension:
    """Return what the tree in `source` has at the sizes of `old` and `new`, the larger; nothing is judged.

    Raises: TileError; what reading the log raises.
    """

    def made(content: Contents) -> Extension:
        subtree = subtree_of(new.size, content)
        hashes = consistency_proof(old.size, new.size, subtree)
        return Extension(tuple(hashes), root(old.size, subtree), root(new.size, subtree))

    return made(source(_tiles_read(made), new.size))


def _tiles_read(prove: Callable[[Contents], object]) -> set[Tile]:
    asked = set[Tile]()

    def content(tile: Tile) -> bytes:
        asked.add(tile)
        return bytes(tile.content_bytes)

    prove(content)
    return asked
