"""A map that outgrows memory: what was not used lately waits in a private file that no crash leaves behind."""

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from ledger.errors import DiskFullError, StorageError, UnwritableError

if TYPE_CHECKING:
    import sqlite3

MEMORY_BYTES = 16 * 1024 * 1024

SQLITE_FOLDERS = ("/var/tmp", "/usr/tmp", "/tmp")  # noqa: S108 - named in an error, never opened here
_FULL = "full"


class ScratchMap:
    """Bytes by bytes, with about `memory_bytes` of them in memory. Not for several threads."""

    def __init__(self, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self._limit_bytes = memory_bytes
        self._recent: OrderedDict[bytes, bytes] = OrderedDict()
        self._recent_bytes = 0
        self._database: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything."""
        self._recent.clear()
        if self._database is not None:
            self._database.close()
            self._database = None

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, None where there is none.

        Raises: as `put` does.
        """
        value = self._recent.get(key)
        if value is not None:
            self._recent.move_to_end(key)
            return value
        if self._database is None:
            return None
        with _kept():
            row = self._database.execute("SELECT value FROM map WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        self.put(key, row[0])
        return bytes(row[0])

    def put(self, key: bytes, value: bytes) -> None:
        """Make `value` the one at `key`.

        Raises: DiskFullError; UnwritableError.
        """
        before = self._recent.pop(key, None)
        self._recent[key] = value
        self._recent_bytes += len(value) + (len(key) if before is None else -len(before))
        if self._recent_bytes <= self._limit_bytes:
            return
        # The half that was not used for longest goes into the file.
        rows: list[tuple[bytes, bytes]] = []
        while self._recent_bytes * 2 > self._limit_bytes and self._recent:
            oldest = self._recent.popitem(last=False)
            self._recent_bytes -= sum(map(len, oldest))
            rows.append(oldest)
        with _kept():
            if self._database is None:
                self._database = private_database()
                self._database.execute("CREATE TABLE map (key BLOB PRIMARY KEY, value BLOB) WITHOUT ROWID")
            self._database.executemany("INSERT OR REPLACE INTO map VALUES (?, ?)", rows)


@contextmanager
def _kept() -> Iterator[None]:
    """Whatever keeps a scratch file from being kept says nothing about the ledger that is read meanwhile."""
    try:
        with sqlite_errors():
            yield
    except StorageError as error:
        raise UnwritableError(error.path, error.reason) from error


def private_database() -> "sqlite3.Connection":
    """Return an empty database, in one endless transaction, among the temporary files (`TMPDIR`).

    It has no name: SQLite keeps it in memory while small, then in an unlinked file.
    """
    import sqlite3  # a ledger that fits in memory has no need of it

    database = sqlite3.connect("", isolation_level=None)
    database.execute("PRAGMA journal_mode = OFF")
    database.execute("BEGIN")
    return database


@contextmanager
def sqlite_errors() -> Iterator[None]:
    """Turn what SQLite raises in the block into a DiskFullError or a StorageError of the folder that it writes to."""
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        # Where SQLite puts a file without a name. Source: sqlite.org, "Temporary Files Used By SQLite", section 5.
        named = (os.environ[name] for name in ("SQLITE_TMPDIR", "TMPDIR") if os.environ.get(name))
        folders = map(Path, (*named, *SQLITE_FOLDERS))
        folder = next((folder for folder in folders if os.access(folder, os.W_OK)), Path())
        raise (DiskFullError(folder) if _FULL in str(error) else StorageError(folder, str(error))) from error
