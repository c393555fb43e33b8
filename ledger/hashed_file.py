"""A file whose SHA-256 comes along with the reading or the writing of it."""

import io
from hashlib import sha256
from typing import Any

BUFFER_BYTES = 1024 * 1024


class HashedFile(io.RawIOBase):
    """An open file descriptor that hashes every byte that passes, read or written from the start to the end.

    Unbuffered: put an `io.BufferedReader` or `io.BufferedWriter` of `BUFFER_BYTES` in front.
    Closing it leaves the descriptor to its owner.
    """

    def __init__(self, fd: int, mode: str) -> None:
        self._file = io.FileIO(fd, mode, closefd=False)
        self._sha256 = sha256()
        self.bytes_passed = 0

    def readable(self) -> bool:
        """Whether it was opened for reading."""
        return self._file.readable()

    def writable(self) -> bool:
        """Whether it was opened for writing."""
        return self._file.writable()

    def readinto(self, buffer: Any, /) -> int:
        """Fill `buffer` as far as the file goes on; return how many bytes that were, 0 at the end."""
        count = self._file.readinto(buffer)
        self._hash(memoryview(buffer)[:count])
        return count

    def write(self, buffer: Any, /) -> int:
        """Write what the file takes of `buffer`; return how many bytes that were."""
        count = self._file.write(buffer)
        self._hash(memoryview(buffer)[:count])
        return count

    def digest(self) -> bytes:
        """Return the SHA-256 of what has passed so far."""
        return self._sha256.digest()

    def _hash(self, passed: memoryview) -> None:
        self._sha256.update(passed)
        self.bytes_passed += len(passed)
