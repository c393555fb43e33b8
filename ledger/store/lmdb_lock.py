"""What LMDB's own lock file needs of us: disk space before LMDB maps it, and one process at a time that sets it up.

LMDB makes it sparse and then writes to it through memory: on a full disk that is not an error but a SIGBUS.
"""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def one_opener(data_file: Path) -> Iterator[None]:
    """Let no other process open the environment of `data_file` during the block.

    The first one in sets the lock file up anew: the number of the last transaction to 0, then to what the newest meta
    page says. Killed in between, it leaves that 0 to whoever waits for it inside LMDB and then takes itself for the
    second one in: to that process the older meta page is the newest, to read and to write from.
    So openers wait outside, for an flock on the data file, which LMDB does not lock and the kernel lets go of.
    """
    try:
        fd = os.open(data_file, os.O_RDONLY)
    except OSError:
        fd = None  # it is still to be made, by one process alone; whatever else is wrong, LMDB says it better
    try:
        if fd is not None:
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        if fd is not None:
            fcntl.flock(fd, fcntl.LOCK_UN)  # for a child too, that was forked meanwhile and has it open
            os.close(fd)
