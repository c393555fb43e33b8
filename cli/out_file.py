"""A file that a command writes for somebody else: whole, or not at all."""

import errno
import os
from pathlib import Path

from ledger.durable import sync_folder
from ledger.errors import DiskFullError, LedgerError, UnwritableError

MODE = 0o666  # less the user's umask: others are meant to read it


def write(path: Path, content: bytes) -> None:
    """Make `path` hold `content`, durably, by one rename: a reader sees the old file or the new one, whole.

    Raises: DiskFullError; UnwritableError.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        try:
            _put(temporary, content)
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)
    except OSError as error:
        raise _translated(error, path) from error


def _put(path: Path, content: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, MODE)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(fd)


def _translated(error: OSError, path: Path) -> LedgerError:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFullError(path)
    return UnwritableError(path, error.strerror or str(error))
