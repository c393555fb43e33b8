"""Care for LMDB's own lock file: disk space before LMDB maps it, and one process at a time that initializes it.

LMDB makes it sparse and then writes to it through memory: on a full disk that is a SIGBUS, not an error.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ledger.errors import DiskFullError, UnreadableError
from ledger.files.durable import open_private
from ledger.files.regular import IS_A_LINK, NOT_REGULAR
from ledger.store.home import DATA_FILE

LOCK_FILE = "lock.mdb"
LOCK_BYTES = 64 * 1024  # room for twice the readers that we allow; LMDB keeps the size that it finds
FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def allocate_lock(folder: Path) -> None:
    """Allocate the whole lock file of a new LMDB folder on disk; one that has been used is left alone.

    Opened only when nobody has used it: closing it would drop the locks that LMDB holds on it in this process.

    Raises: DiskFullError.
    """
    path = folder / LOCK_FILE
    with suppress(FileNotFoundError):
        if path.lstat().st_size:
            return
    try:
        fd = open_private(path, os.O_RDWR)
        try:
            os.posix_fallocate(fd, 0, LOCK_BYTES)
        finally:
            os.close(fd)
    except OSError as error:
        # Whatever else is wrong with the folder, LMDB reports it better.
        if error.errno in FULL:
            raise DiskFullError(path) from error


def denied(folder: Path) -> Path:
    """Return which file of the LMDB folder this user may not use: LMDB reports the same of both."""
    lock = folder / LOCK_FILE
    return lock if lock.exists() and not os.access(lock, os.R_OK | os.W_OK) else folder / DATA_FILE


@contextmanager
def one_opener(data_file: Path) -> Iterator[None]:
    """Let no other process open the environment of `data_file` during the block.

    The first process in resets the lock file: the last transaction's number to 0, then to that of the newest meta
    page. Killed in between, it leaves the 0 to a process that waits inside LMDB and then believes that it came
    second: that process reads and writes from the older meta page.
    So openers wait outside, for an flock on the data file, which LMDB does not lock and which the kernel releases.

    Raises: UnreadableError when the lock file is a link or no regular file: LMDB would write to what it leads to.
    """
    lock_file = data_file.with_name(LOCK_FILE)
    with suppress(FileNotFoundError):
        mode = lock_file.lstat().st_mode
        if not stat.S_ISREG(mode):
            reason = IS_A_LINK if stat.S_ISLNK(mode) else NOT_REGULAR
            raise UnreadableError(lock_file, reason, want="a regular file")
    try:
        fd = os.open(data_file, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        fd = None  # not created yet, which one process does alone; LMDB reports anything else better
    try:
        if fd is not None:
            fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        if fd is not None:
            fcntl.flock(fd, fcntl.LOCK_UN)  # not only closed: a child forked meanwhile has it open too
            os.close(fd)
