"""A file on its way to its name: under it the file is whole and durable, or not there at all."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ledger.errors import NameTakenError, is_disk_full, unwritable
from ledger.files.durable import make_private_folder, sync_folder

MODE = 0o600
SHARED_MODE = 0o666  # less the user's umask: for files that others are meant to read
PART_SUFFIX = ".b3-ledger-part"  # nobody else's, since those that are left are removed


class PartFile:
    """The file while it is written: a hidden one in the same folder, locked, so that what a crash left shows."""

    def __init__(self, path: Path, mode: int = MODE) -> None:
        self._target = path
        self.path = path.with_name(f".{path.name}.{os.getpid()}{PART_SUFFIX}")
        self.fd = self._locked(mode)

    def _locked(self, mode: int) -> int:
        while True:
            fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, mode)
            fcntl.flock(fd, fcntl.LOCK_EX)
            if os.fstat(fd).st_nlink:
                return fd
            # Somebody's sweep came between the two calls and took it for one that a crash left.
            os.close(fd)

    def write(self, content: bytes) -> None:
        """Add `content`, all of it."""
        while content:
            content = content[os.write(self.fd, content) :]

    def sync(self) -> None:
        """Make what was written durable, and let the page cache forget it: what is read now comes from the disk."""
        os.fsync(self.fd)
        os.posix_fadvise(self.fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def publish(self) -> None:
        """Give the file its name, both durable."""
        os.fsync(self.fd)
        self.path.rename(self._target)
        sync_folder(self._target.parent)

    def discard(self) -> None:
        """Leave nothing of it, unless it was published."""
        self.path.unlink(missing_ok=True)
        os.close(self.fd)


@contextmanager
def part_file(path: Path, *, replace: bool = False, mode: int = MODE) -> Iterator[PartFile]:
    """Give a new file that takes the name `path` when the block publishes it; else nothing of it stays.

    Its folder is made if need be. Parts that a crash left of any file there are removed.

    Raises: NameTakenError unless `replace`; DiskFullError, UnwritableError for what fails in the block too.
    """
    make_private_folder(path.parent)
    if not replace and os.path.lexists(path):
        raise NameTakenError(path)
    try:
        _sweep(path.parent)
        part = PartFile(path, mode)
        try:
            yield part
        finally:
            part.discard()
    except OSError as error:
        # A full disk is reported by its folder, any other failure by the file.
        raise unwritable(path.parent if is_disk_full(error) else path, error) from error


def write_whole(path: Path, content: bytes, *, mode: int = SHARED_MODE) -> None:
    """Make `path` hold `content`, durably, by one rename: a reader sees the old file or the new one, whole.

    Raises: DiskFullError; UnwritableError.
    """
    with part_file(path, replace=True, mode=mode) as part:
        part.write(content)
        part.publish()


def _sweep(folder: Path) -> None:
    for left in folder.glob(f".*{PART_SUFFIX}"):
        # One that somebody is at work on stays locked; the lock of a dead one is gone with it.
        with suppress(OSError):
            _remove_unlocked(left)


def _remove_unlocked(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    finally:
        os.close(fd)
