"""Holds a log, a backup or published tiles against a checkpoint whose signature was found good.

Source: docs/format.md, "Checkpoint".
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from ledger.audit.flaw import Flaw
from ledger.audit.verify import VerifyReport, VerifyVerdict
from ledger.backup.archive_log import ArchiveLog, archive_log
from ledger.checkpoint.errors import OtherLedgerError, TileError
from ledger.checkpoint.published_tree import PublishedTree
from ledger.checkpoint.rereading import Batches, KnownSoFar, drop, first_difference, grow, stored
from ledger.checkpoint.statement import Statement
from ledger.checkpoint.tiles import ENTRIES, HEIGHT, WIDTH, GrowingTree, Tile, hashes
from ledger.checkpoint.tree import LEAF
from ledger.files.isolated import IsolatedProcess
from ledger.store.engine import Engine

WITNESS = "checkpoint"

HeldVerdict = Literal["intact", "rolled_back", "forked"]


class Grown(msgspec.Struct, frozen=True):
    """What a log holds as far as a checkpoint reaches; `origin` and `root` None where it is shorter."""

    ledger_id: bytes
    size: int
    origin: str | None
    root: bytes | None
    first_difference: int | None = None


def hold_ledger(report: VerifyReport, folder: Path, statement: Statement, published: PublishedTree) -> VerifyReport:
    """Return `report` on the ledger in `folder`, whose chain holds, with what the checkpoint adds to it.

    The database is read in a child process. `published` may say which event differs first.

    Raises: OtherLedgerError; IsolatedProcessError when the child dies.
    """

    def look() -> Grown:
        engine = Engine(folder, readonly=True)
        size = engine.head().size
        return _grown(partial(stored, engine, size), size, statement, published)

    return _held(report, IsolatedProcess(look, Grown).result(), statement)


def hold_archive(report: VerifyReport, path: Path, statement: Statement, published: PublishedTree) -> VerifyReport:
    """Return what `hold_ledger` does, of the archive at `path`, which was found intact.

    Raises: OtherLedgerError; as `archive_log` does.
    """
    archive: ArchiveLog = archive_log(path)
    return _held(report, _grown(archive.values, archive.head().size, statement, published), statement)


def _grown(read: Callable[[], Batches], size: int, statement: Statement, published: PublishedTree) -> Grown:
    known = KnownSoFar()
    reach = min(size, statement.size)
    marks = grow(known.watched(read()), [], keep=drop, keep_size=reach)
    found = known.known()
    if size < statement.size:
        return Grown(found.ledger_id, size, None, None)
    root = marks[reach].root
    differs = None if root == statement.root else first_difference(read(), published, reach)
    return Grown(found.ledger_id, size, found.origin(reach), root, differs)


def _held(report: VerifyReport, grown: Grown, statement: Statement) -> VerifyReport:
    if grown.ledger_id != statement.ledger_id:
        raise OtherLedgerError(grown.ledger_id.hex(), wanted=statement.ledger_id.hex())
    if grown.root is None or grown.origin is None:
        expected = f"seq {statement.size - 1}, which the {WITNESS} signed"
        return _bad(report, "rolled_back", Flaw(grown.size, "missing event", expected, "the end"))
    if grown.root != statement.root:
        expected = f"{statement.root.hex()}, which the {WITNESS} signed"
        return _bad(report, "forked", Flaw(grown.first_difference, "root", expected, grown.root.hex()))
    if grown.origin != statement.origin:
        return _bad(report, "forked", Flaw(None, "origin", statement.origin, grown.origin))
    return replace(report, witnesses=(*report.witnesses, WITNESS))


def _bad(report: VerifyReport, verdict: HeldVerdict, flaw: Flaw) -> VerifyReport:
    good = report.events if flaw.seq is None else flaw.seq  # where nobody can say: the chain holds all the same
    return replace(report, verdict=verdict, first_bad=flaw, last_good_seq=good - 1 if good else None, witnesses=())


def hold_tiles(statement: Statement, published: PublishedTree) -> VerifyReport:
    """Return whether the published tiles and bundles are all there, and are the tree that was signed.

    Every leaf is hashed again, and every tile compared with what the leaves make of it; constant memory.

    Raises: UnreadableError; StoreError.
    """
    tree = GrowingTree()
    flaw, link = None, b""
    for index in range(-(-statement.size // WIDTH)):
        try:
            leaves = published.leaves(index, size=statement.size)
        except TileError as error:
            flaw = Flaw(index * WIDTH, "bundle", error.wanted, error.found)
            break
        misplaced = (
            Flaw(seq, "leaf", f"seq {seq}", f"seq {found}")
            for seq, leaf in enumerate(leaves, index * WIDTH)
            if (found := LEAF.unpack(leaf)[0]) != seq
        )
        flaw = flaw or next(misplaced, None) or _compared(tree.add(leaves), published)
        link = LEAF.unpack(leaves[-1])[1]
    flaw = flaw or _compared(tree.partial(), published)
    if flaw is not None:
        return _tiles_report(statement, "truncated" if flaw.found == "no file" else "tampered", flaw, link)
    if (root := tree.root()) != statement.root:
        expected = f"{statement.root.hex()}, which the {WITNESS} signed"
        return _tiles_report(statement, "forked", Flaw(None, "root", expected, root.hex()), link)
    return _tiles_report(statement, "intact", None, link)


def _compared(tiles: Iterable[tuple[Tile, bytes]], published: PublishedTree) -> Flaw | None:
    flaw = None
    for tile, content in tiles:  # all of them: they are what makes the tree grow
        if flaw is not None or tile.level == ENTRIES:
            continue
        try:
            found = published.content(tile)
        except TileError as error:
            flaw = Flaw(None, f"tile {tile.path}", error.wanted, error.found)
            continue
        if found != content:
            pairs = enumerate(zip(hashes(found), hashes(content), strict=True))
            at = next(at for at, (one, other) in pairs if one != other)
            seq = (tile.index * WIDTH + at) << HEIGHT * tile.level
            flaw = Flaw(seq, f"tile {tile.path}", "the hash of its leaves", "another hash")
    return flaw


def _tiles_report(statement: Statement, verdict: VerifyVerdict, flaw: Flaw | None, link: bytes) -> VerifyReport:
    good = statement.size if flaw is None else flaw.seq or 0
    return VerifyReport(
        verdict=verdict,
        events=statement.size,
        head_seq=statement.size - 1,
        head=link or None,
        first_bad=flaw,
        last_good_seq=good - 1 if good else None,
        body_bytes=0,
        witnesses=(WITNESS,) if flaw is None else (),
    )
