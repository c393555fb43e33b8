"""Checkpoints in files and at URLs, and where the tree under one is read: tiles beside it, else a log."""

from pathlib import Path

from cli.context import places
from ledger.backup.archive_log import ArchiveLog
from ledger.checkpoint.note import VerifierKey, open_note, split_note
from ledger.checkpoint.proving import FromLog, FromTiles, HashSource
from ledger.checkpoint.published import Published
from ledger.checkpoint.published_tree import TILES, PublishedTree
from ledger.checkpoint.rereading import Batches
from ledger.checkpoint.statement import Statement, parse_statement
from ledger.errors import unreadable
from ledger.files.regular import open_regular
from ledger.log_source import LogSource
from ledger.objects.errors import NoObjectError
from ledger.objects.segments import CHECKPOINTS
from ledger.store.event_log import EventLog

LIMIT_BYTES = 128 * 1024
PROOF_LIMIT_BYTES = 32 * 1024 * 1024  # the largest event in base64, and then some


def read_note(path: Path | str, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """Return what is in the file of a checkpoint, or at its URL, as far as one can reach.

    Raises: UnreadableError; NoObjectError, StoreError; as `places.opened` does.
    """
    if isinstance(path, str):
        base, name = place_and_name(path)
        found = places.opened(base).find(name)
        if found is None:
            raise NoObjectError(base, name)
        return found.content
    try:
        with open(open_regular(path), "rb") as file:
            return file.read(limit_bytes)
    except OSError as error:
        raise unreadable(path, error) from error


def signed_statement(note: bytes, key: VerifierKey) -> Statement:
    """Return what a checkpoint states, once `key` is found to have signed it.

    Raises: NoteError.
    """
    return parse_statement(open_note(note, key))


def unsigned_statement(note: bytes) -> Statement:
    """Return what a checkpoint states, whoever signed it: for proofs, which are checked against a key later.

    Raises: NoteError.
    """
    return parse_statement(split_note(note)[0])


def published(place: Path | str, *, create: bool = False) -> PublishedTree:
    """Return what is, or will be, published in a folder or at a URL.

    Raises: as `places.opened` does.
    """
    if isinstance(place, Path):
        return Published(place)
    # Imported here: only a command that is given a URL pays for what reads one.
    from ledger.checkpoint.published_objects import PublishedObjects

    return PublishedObjects(places.opened(place, create=create))


def place_of(path: Path | str) -> Path | str:
    """Return the folder, or the URL, that the checkpoint at `path` is published in."""
    return path.parent if isinstance(path, Path) else place_and_name(path)[0]


def place_and_name(url: str) -> tuple[str, str]:
    """Return the place that an object of a checkpoint is at, and its name there."""
    base, _, name = url.rpartition("/")
    above, _, folder = base.rpartition("/")
    return (above, f"{CHECKPOINTS}/{name}") if folder == CHECKPOINTS else (base, name)


def tiles_beside(path: Path | str) -> PublishedTree | None:
    """Return the tiles that are published beside the checkpoint at `path`, None where there are none.

    Raises: as `read_note` does.
    """
    place = place_of(path)
    there = (place / TILES).is_dir() if isinstance(place, Path) else bool(places.opened(place).objects(TILES))
    return published(place) if there else None


def batches(log: LogSource) -> Batches:
    """Return the events of `log` as they are stored.

    Raises: as reading it does.
    """
    if isinstance(log, EventLog):
        return log.values(0, log.head().size)
    assert isinstance(log, ArchiveLog)  # noqa: S101 - what `--ledger` gives
    return log.values()


def source_of(log: LogSource) -> HashSource:
    """Return where the tree is made again from `log`."""
    return FromLog(lambda: batches(log))


def source_at(published: PublishedTree | None, log: LogSource) -> HashSource:
    """Return the tiles where there are some, else the log."""
    return source_of(log) if published is None else FromTiles(published)
