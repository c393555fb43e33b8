"""LMDB's own lock file, given its disk space before LMDB maps it.

LMDB makes it sparse and then writes to it through memory: on a full disk that is not an error but a SIGBUS.
"""

import errno
import os
from pathlib import Path

from ledger.errors import DiskFullError

LOCK_FILE = "lock.mdb"
LOCK_BYTES = 64 * 1024  # room for twice the readers that we allow; LMDB takes the file as large as it finds it
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def allocate_lock(folder: Path) -> None:
    """Make the lock file of a new LMDB folder whole on disk; one that has been used is left alone.

    Opened only when nobody has used it: closing it would drop the locks that LMDB holds on it in this process.

    Raises: DiskFullError.
    """
    path = folder / LOCK_FILE
    if path.exists() and path.stat().st_size:
        return
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(fd, 0, LOCK_BYTES)
        finally:
            os.close(fd)
    except OSError as error:
        # Whatever else is wrong with the folder, LMDB says it better.
        if error.errno in FULL:
            raise DiskFullError(path) from error
