"""Bytes and names that a power cut leaves where they are: written whole, then synced.

What is new belongs to whom its folder belongs to, where this process may say so: root at work in a service user's
folder leaves nothing that locks that user out.
"""

import errno
import os
from contextlib import suppress
from pathlib import Path

from ledger.errors import unwritable
from ledger.files.regular import open_own

MODE = 0o600
PRIVATE_FOLDER, FOLDER = 0o700, 0o755


def open_private(path: Path, flags: int, mode: int = MODE) -> int:
    """Return a descriptor of the file `path`, made with `mode` and the owner of its folder where there is none.

    Only what this call itself made changes its owner: never a file that was there. A link, or another kind of file,
    is refused: nothing outside the ledger is written to through a link that somebody put there.

    Raises: OSError.
    """
    with suppress(FileExistsError):
        fd = os.open(path, flags | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        give_to_owner(fd, path.parent)
        return fd
    return open_own(path, flags)


def give_to_owner(fd: int, folder: Path) -> None:
    """Give what is open as `fd`, which this process made, the owner and group of `folder`, as far as it may."""
    with suppress(OSError):
        ours, theirs = os.fstat(fd), os.stat(folder)
        if (ours.st_uid, ours.st_gid) == (theirs.st_uid, theirs.st_gid):
            return
        # Only root may give a file away; whoever is in a group may still give it to that group.
        with suppress(PermissionError):
            os.fchown(fd, theirs.st_uid, theirs.st_gid)
            return
        os.fchown(fd, -1, theirs.st_gid)


def pwrite_whole(fd: int, content: bytes | memoryview, offset: int) -> None:
    """Write all of `content` at `offset`: the kernel may write less than that, and reports it only by the count."""
    while content:
        done = os.pwrite(fd, content, offset)
        content, offset = content[done:], offset + done


def put_file(path: Path, content: bytes) -> None:
    """Make the file `path` hold `content`, mode 0600; its name is not durable until its folder is synced."""
    fd = open_private(path, os.O_WRONLY | os.O_TRUNC)
    try:
        pwrite_whole(fd, content, 0)
        os.fsync(fd)
    finally:
        os.close(fd)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_private_folder(folder: Path) -> None:
    """Make `folder` and what is above it exist, durably, the folder itself mode 0700 when it is new.

    Raises: DiskFullError, UnwritableError; ShortageError.
    """
    make_folder(folder, PRIVATE_FOLDER)


def make_folder(folder: Path, mode: int = FOLDER) -> None:
    """Make `folder`, with `mode` when it is new, and what is above it exist, durably; others may write in none of it.

    Raises: DiskFullError, UnwritableError; ShortageError.
    """
    try:
        new = [one for one in (folder, *folder.parents) if not one.exists()]
        for one in reversed(new):
            with suppress(FileExistsError):  # another process made it meanwhile
                one.mkdir(mode if one == folder else FOLDER)
                fd = os.open(one, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                try:
                    give_to_owner(fd, one.parent)
                finally:
                    os.close(fd)
            sync_folder(one.parent)
        if not folder.is_dir():
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), os.fspath(folder))
    except OSError as error:
        raise unwritable(folder, error) from error
