"""A file that must be a regular one, opened without waiting: a pipe or a device under its name is refused, never read.

What is refused is an OSError with its path, so that each reader reports it as any file that cannot be read.
"""

import errno
import os
import stat
from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from ledger.errors import unreadable

NOT_REGULAR = "Not a regular file"
TOO_LONG = "File too long"
IS_A_LINK = "Is a symbolic link"
BUFFER_BYTES = 1024 * 1024


def open_regular(path: Path, *, follow: bool = True) -> int:
    """Return a descriptor for reading the regular file `path`; with `follow` False its name must be no link.

    Raises: OSError, for anything but a regular file too.
    """
    # A pipe of that name would block until its other end is opened; a terminal would become this process's own.
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY
    return _only_regular(_opened(path, flags, follow=follow), path)


def open_own(path: Path, flags: int, mode: int = 0o600) -> int:
    """Return a descriptor of a file of the ledger's own, opened with `flags`; a link or another kind is refused.

    Nothing outside the ledger is overwritten through a link that somebody put there.

    Raises: OSError.
    """
    return _only_regular(_opened(path, flags | os.O_NONBLOCK | os.O_NOCTTY, follow=False, mode=mode), path)


def read_regular(path: Path, *, limit_bytes: int, follow: bool = True) -> bytes:
    """Return the whole content of the regular file `path`, `limit_bytes` at most.

    Raises: OSError, for a longer file too.
    """
    with open(open_regular(path, follow=follow), "rb") as file:
        content = file.read(limit_bytes + 1)
    if len(content) > limit_bytes:
        raise OSError(errno.EFBIG, f"{TOO_LONG} (more than {limit_bytes} bytes)", os.fspath(path))
    return content


def buffers(path: Path) -> Iterator[memoryview]:
    """Yield the content of the regular file `path`, no link, a MiB at a time; each is overwritten by the next.

    Raises: UnreadableError and its like.
    """
    buffer = memoryview(bytearray(BUFFER_BYTES))
    try:
        with FileIO(open_regular(path, follow=False)) as file:
            while found := file.readinto(buffer):
                yield buffer[:found]
    except OSError as error:
        raise unreadable(path, error) from error


def _opened(path: Path, flags: int, *, follow: bool, mode: int = 0o600) -> int:
    try:
        return os.open(path, flags if follow else flags | os.O_NOFOLLOW, mode)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink() and not follow:
            raise OSError(errno.ELOOP, IS_A_LINK, os.fspath(path)) from error
        raise


def _only_regular(fd: int, path: Path) -> int:
    """Return `fd`, or close it and raise an OSError where it is open on anything else."""
    found = os.fstat(fd).st_mode
    if stat.S_ISREG(found):
        return fd
    os.close(fd)
    number, words = (errno.EISDIR, os.strerror(errno.EISDIR)) if stat.S_ISDIR(found) else (errno.EINVAL, NOT_REGULAR)
    raise OSError(number, words, os.fspath(path))
