"""A file that one process writes and its child reads as it grows: a pipe tells of more, and of the end."""

import os
from contextlib import suppress
from typing import BinaryIO

TOLD_BYTES = 64 * 1024  # as much as a pipe holds


class Growth:
    """What a process tells the children that it starts next of a file that it writes."""

    def __init__(self) -> None:
        """Begin, before there is anything.

        Raises: OSError.
        """
        self._told, self._telling = os.pipe()
        self._is_over = False
        os.set_blocking(self._telling, False)

    def grown(self) -> None:
        """Tell that there is more."""
        # It is told already where that much is unread, or nobody is left to be told.
        with suppress(BlockingIOError, BrokenPipeError):
            os.write(self._telling, b"+")

    def end(self) -> None:
        """Tell that there will be no more; harmless twice."""
        if not self._is_over:
            self._is_over = True
            os.close(self._telling)
            os.close(self._told)

    def begin(self) -> None:
        """In the child: wait until there is something, or will be nothing."""
        os.close(self._telling)  # this one's copy: the end is where nobody can tell of more
        os.read(self._told, TOLD_BYTES)

    def reader(self, file: BinaryIO) -> "GrowingFile":
        """In the child: return `file` as it is read to its end to come."""
        return GrowingFile(file, self._told)


class GrowingFile:
    """A file that ends where its writer said so."""

    def __init__(self, file: BinaryIO, told: int) -> None:
        self._file, self._told = file, told

    def read(self, size: int, /) -> bytes:
        """Return what there is, `size` bytes at most, waiting for it; nothing at the end."""
        while not (content := self._file.read(size)):
            if not os.read(self._told, TOLD_BYTES):
                return self._file.read(size)
        return content
