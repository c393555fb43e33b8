"""Work that one process hands to its children as it comes up: each piece goes to the child that is free first."""

import os
from collections.abc import Iterator
from contextlib import suppress


class PieceQueue:
    """A pipe of messages of one length, each about one piece, from a process to the children that it starts next.

    A message of up to PIPE_BUF bytes, 512 at least, is written whole, and so is read whole by one of many readers.

    Source: POSIX.1-2017, "write".
    """

    def __init__(self, piece_bytes: int) -> None:
        """Begin, before a child is started.

        Raises: OSError.
        """
        self._piece_bytes = piece_bytes
        self._taking, self._handing = os.pipe()
        self._open = {self._taking, self._handing}

    def started(self) -> None:
        """Say that all children are started: once none of them is left, nothing is waited for."""
        self._close(self._taking)

    def hand(self, piece: bytes) -> None:
        """Hand one more to the children; waits while a pipe full of them is not taken yet."""
        with suppress(BrokenPipeError):
            os.write(self._handing, piece)

    def end(self) -> None:
        """Say that there will be no more; harmless twice."""
        self._close(self._taking)
        self._close(self._handing)

    def taken(self) -> Iterator[bytes]:
        """In a child: yield the pieces that it is the one to take, waiting for them, up to the end."""
        self._close(self._handing)  # this one's copy: the end is where nobody can hand more
        while piece := os.read(self._taking, self._piece_bytes):
            yield piece

    def _close(self, fd: int) -> None:
        if fd in self._open:
            self._open.remove(fd)
            os.close(fd)
