"""A file on its way to its name: under it the file is whole and durable, or not there at all."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ledger.errors import NameTakenError, is_disk_full, unwritable
from ledger.files.durable import give_to_owner, make_private_folder, sync_folder

MODE = 0o600
SHARED_MODE = 0o644  # less the user's umask: for files that others are meant to read, and nobody else to write
BEGUN_AT_ONCE_BYTES = 256 * 1024
PART_SUFFIX = ".b3-ledger-part"  # no other program's, since those that are left are removed


class PartFile:
    """The file while it is written: hidden, in the same folder, and locked, so that what a crash left is recognised."""

    def __init__(self, path: Path, mode: int = MODE) -> None:
        self.target = path
        self.path = path.with_name(f".{path.name}.{os.getpid()}{PART_SUFFIX}")
        while True:
            self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
            give_to_owner(self.fd, path.parent)
            fcntl.flock(self.fd, fcntl.LOCK_EX)
            if os.fstat(self.fd).st_nlink:
                break
            # Another process swept it between the two calls, as one that a crash left.
            os.close(self.fd)

    def write(self, content: bytes | memoryview) -> None:
        """Add `content`, all of it; the disk begins with much of it at once, so that `sync` has little to wait for."""
        more_bytes = len(content)
        while content:
            content = content[os.write(self.fd, content) :]
        if more_bytes >= BEGUN_AT_ONCE_BYTES:
            # Linux begins to write pages that are to be dropped and are not on the disk yet, and waits for none.
            begin = os.lseek(self.fd, 0, os.SEEK_CUR) - more_bytes
            os.posix_fadvise(self.fd, begin, more_bytes, os.POSIX_FADV_DONTNEED)

    def empty(self) -> None:
        """Take back all that was written: it is begun anew."""
        os.ftruncate(self.fd, 0)
        os.lseek(self.fd, 0, os.SEEK_SET)

    def sync(self) -> None:
        """Make what was written durable, and drop it from the page cache: what is read next comes from the disk."""
        os.fsync(self.fd)
        os.posix_fadvise(self.fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def publish(self) -> None:
        """Give the file its name, both durable."""
        os.fsync(self.fd)
        self.path.rename(self.target)
        sync_folder(self.target.parent)

    def discard(self) -> None:
        """Leave nothing of it, unless it was published."""
        self.path.unlink(missing_ok=True)
        os.close(self.fd)


@contextmanager
def part_file(path: Path, *, replace: bool = False, mode: int = MODE, sweeping: bool = True) -> Iterator[PartFile]:
    """Give a new file that takes the name `path` when the block publishes it; else nothing of it stays.

    Its folder is made if need be. With `sweeping`, parts that a crash left of any file there are removed: that reads
    the whole folder.

    Raises: NameTakenError unless `replace`; DiskFullError, UnwritableError for what fails in the block too.
    """
    make_private_folder(path.parent)
    if not replace and os.path.lexists(path):
        raise NameTakenError(path)
    try:
        if sweeping:
            sweep(path.parent, f".*{PART_SUFFIX}", Path.unlink)
        part = PartFile(path, mode)
        try:
            yield part
        finally:
            part.discard()
    except OSError as error:
        # A full disk is reported by its folder, any other failure by the file.
        raise unwritable(path.parent if is_disk_full(error) else path, error) from error


def write_whole(path: Path, content: bytes, *, mode: int = SHARED_MODE, sweeping: bool = True) -> None:
    """Make `path` hold `content`, durably, by one rename: a reader sees the old file or the new one, whole.

    Raises: DiskFullError; UnwritableError.
    """
    with part_file(path, replace=True, mode=mode, sweeping=sweeping) as part:
        part.write(content)
        part.publish()


def sweep(folder: Path, pattern: str, remove: Callable[[Path], object]) -> None:
    """Call `remove` on what a crash left half-made in `folder` under a name that matches `pattern`.

    What is being made is held locked by its maker; the lock of a process that died is gone with it.
    Links are not followed, and what cannot be locked or removed stays.
    """
    for left in folder.glob(pattern):
        with suppress(OSError):
            fd = os.open(left, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                remove(left)
            finally:
                os.close(fd)
