"""Puts a snapshot on disk: the CSV, then its `.checksum`, each whole or not at all."""

import errno
import os
from pathlib import Path

from ledger.checksum import CHECKSUM_SUFFIX
from ledger.durable import sync_folder
from ledger.errors import DiskFullError, LedgerError, UnwritableError
from projections.snapshot_csv import Csv

FILE_MODE = 0o666  # less the user's umask: a snapshot is for others to read


def publish(csv: Csv, folder: Path) -> bool:
    """Make `folder` hold the CSV and its `.checksum`, durably; return whether the CSV's bytes changed.

    A file that is right already is not touched. After a crash between the two, the next run writes the second.

    Raises: DiskFullError; UnwritableError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        changed = _put(folder / csv.name, csv.content)
        if _put(folder / f"{csv.name}{CHECKSUM_SUFFIX}", csv.checksum) or changed:
            sync_folder(folder)
    except OSError as error:
        raise _translated(error, folder) from error
    return changed


def _put(path: Path, content: bytes) -> bool:
    """Make the file at `path` hold `content`; return whether it did not before."""
    if path.is_file() and path.read_bytes() == content:
        return False
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        _write(temporary, content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    return True


def _write(path: Path, content: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(fd)


def _translated(error: OSError, folder: Path) -> LedgerError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFullError(folder)
    return UnwritableError(folder, error.strerror or str(error))
