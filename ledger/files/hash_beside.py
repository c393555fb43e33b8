"""A file that is hashed by a child process, while this one goes on with what the file is likely to be."""

import os
from contextlib import suppress
from functools import partial
from pathlib import Path

from ledger.errors import LedgerError
from ledger.files.checksum import FileHash, hash_file
from ledger.files.isolated import IsolatedProcess

WORTH_A_PROCESS_BYTES = 8 * 1024 * 1024  # hashed in less than it takes to start one and to wait for it


class HashBeside:
    """The hash of one file, under way in a child process that ends with this one."""

    def __init__(self, path: Path) -> None:
        """Begin. Whatever is read of the file from now on is read of what is hashed, where it `proves` to be.

        Raises: ShortageError, OSError.
        """
        self.path = path
        self._before = _looked_at(path)
        self._hasher = os.getpid()
        self._child: IsolatedProcess[FileHash] | None = IsolatedProcess(partial(hash_file, path), FileHash)
        self._found: FileHash | None = None

    def result(self) -> FileHash:
        """Return the hash, waiting for it; it is taken here where the child cannot say, or read another file.

        Raises: as `hash_file` does.
        """
        if self._found is None:
            self._found = self._by_child() or hash_file(self.path)
        return self._found

    def proves(self, want: FileHash) -> bool:
        """Whether the file has the hash `want`, and was left alone for as long as it was hashed beside; waits for it.

        Raises: as `result` does.
        """
        return self.result() == want and self._was_left_alone()

    def end(self) -> None:
        """Take no more of the hash than there is; harmless twice."""
        child, self._child = self._child, None
        if child is not None and self._hasher == os.getpid():
            child.end()

    def _by_child(self) -> FileHash | None:
        child, self._child = self._child, None
        # In a child of ours nobody would answer: who waits for that process is the one that started it.
        if child is None or self._hasher != os.getpid():
            return None
        with suppress(LedgerError):
            found = child.result()
            return found if self._was_left_alone() else None
        return None

    def _was_left_alone(self) -> bool:
        return self._before == _looked_at(self.path)


def _looked_at(path: Path) -> tuple[int, ...]:
    """Return which file lies at `path`, and what changes when its content does.

    Raises: OSError.
    """
    found = path.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
