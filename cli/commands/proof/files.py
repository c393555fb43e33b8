"""Checkpoints in files, and where the tree under one is read: tiles beside it, else a log."""

from pathlib import Path

from ledger.backup.archive_log import ArchiveLog
from ledger.checkpoint.note import VerifierKey, open_note, split_note
from ledger.checkpoint.proving import FromLog, FromTiles, HashSource
from ledger.checkpoint.published import TILES, Published
from ledger.checkpoint.rereading import Batches
from ledger.checkpoint.statement import Statement, parse_statement
from ledger.errors import unreadable
from ledger.files.regular import open_regular
from ledger.log_source import LogSource
from ledger.store.event_log import EventLog

LIMIT_BYTES = 128 * 1024
PROOF_LIMIT_BYTES = 32 * 1024 * 1024  # the largest event in base64, and then some


def read_note(path: Path, *, limit_bytes: int = LIMIT_BYTES) -> bytes:
    """Return what is in the file of a checkpoint, as far as one can reach.

    Raises: UnreadableError.
    """
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


def tiles_beside(path: Path) -> Published | None:
    """Return the tiles that lie beside the checkpoint at `path`, None where there are none."""
    return Published(path.parent) if (path.parent / TILES).is_dir() else None


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


def source_at(published: Published | None, log: LogSource) -> HashSource:
    """Return the tiles where there are some, else the log."""
    return source_of(log) if published is None else FromTiles(published)
