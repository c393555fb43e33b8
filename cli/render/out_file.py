"""A file that a command writes for somebody else: whole, or not at all.

A regular file is replaced by one rename; a link is followed, never replaced; a device or a pipe is written to as it is.
"""

import errno
import os
import stat
import time
from pathlib import Path

from ledger.errors import UnwritableError, unwritable

READER_S = 10.0  # how long a pipe may be without a reader
POLL_S = 0.05


def write(path: Path, content: bytes) -> None:
    """Make `path` hold `content`, durably, or the device or pipe there take it.

    Its folder is not made, so a mistyped one is an error.

    Raises: DiskFullError; UnwritableError.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        mode = stat.S_IFREG
    except OSError as error:
        raise unwritable(path, error) from error
    if stat.S_ISDIR(mode):
        raise UnwritableError(path, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):
        _pour(path, content)
        return
    target = Path(os.path.realpath(path))
    if not target.parent.is_dir():
        raise UnwritableError(path, os.strerror(errno.ENOENT))
    # Imported here: most runs of the commands that can write a file write none.
    from ledger.files.atomic_file import write_whole

    write_whole(target, content)


def _pour(path: Path, content: bytes) -> None:
    """Write `content` to what `path` is; a reader that leaves early has seen enough."""
    try:
        fd = _opened(path)
        try:
            os.set_blocking(fd, True)
            while content:
                content = content[os.write(fd, content) :]
        finally:
            os.close(fd)
    except BrokenPipeError:
        return
    except OSError as error:
        raise unwritable(path, error) from error


def _opened(path: Path) -> int:
    """Return a descriptor to write to; a pipe gets a while to be opened at its other end, and not for ever."""
    deadline = time.monotonic() + READER_S
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError as error:
            if error.errno != errno.ENXIO or not path.is_fifo() or time.monotonic() >= deadline:
                raise
        time.sleep(POLL_S)
