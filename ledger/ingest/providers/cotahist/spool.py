"""The quotes of one file, put down as they come and taken up again ticker by ticker.

A file runs by days, evidence by tickers, and nothing may be appended before the trailer is read. The quotes wait in a
private SQLite file, gone when it is closed: its sort takes constant memory, and a gigabyte is no matter.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Self

from ledger.errors import DiskFullError, StorageError
from ledger.ingest.providers.cotahist import layout

SpoolRow = tuple[str, int, bytes]  # ticker, line number, line

SQLITE_FOLDERS = ("/var/tmp", "/usr/tmp", "/tmp")  # noqa: S108 - named in an error, never opened here
_FULL = "full"


class Spool:
    """Quotes in wait."""

    def __init__(self) -> None:
        """Open an empty spool among the temporary files (`TMPDIR`).

        Raises: StorageError.
        """
        with _translated():
            # No name: SQLite keeps it in memory while small, then in an unlinked file that no crash leaves behind.
            self._database = sqlite3.connect("", isolation_level=None)
            self._database.execute("PRAGMA journal_mode = OFF")
            self._database.execute("CREATE TABLE quotes (ticker TEXT, number INTEGER, line BLOB)")
            self._database.execute("BEGIN")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def put(self, rows: Iterable[SpoolRow]) -> None:
        """Put the quotes down.

        Raises: DiskFullError; StorageError.
        """
        with _translated():
            self._database.executemany("INSERT INTO quotes VALUES (?, ?, ?)", rows)

    def tickers(self) -> Iterator[tuple[str, list[bytes]]]:
        """Yield each ticker, in order, with the lines of its quotes in the order of the file.

        A ticker that was traded on the spot market has its spot quotes only: what else goes under its code is
        another thing at another price, and its series is to be the same whichever markets were asked for.

        Raises: DiskFullError; StorageError.
        """
        with _translated():
            rows = self._database.execute("SELECT ticker, line FROM quotes ORDER BY ticker, number")
            for ticker, group in groupby(rows, key=itemgetter(0)):
                lines = [line for _, line in group]
                yield ticker, [line for line in lines if layout.market(line) == layout.SPOT] or lines


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        # Where SQLite puts a file without a name. Source: sqlite.org, "Temporary Files Used By SQLite", section 5.
        named = (os.environ[name] for name in ("SQLITE_TMPDIR", "TMPDIR") if os.environ.get(name))
        folders = map(Path, (*named, *SQLITE_FOLDERS))
        folder = next((folder for folder in folders if os.access(folder, os.W_OK)), Path())
        raise (DiskFullError(folder) if _FULL in str(error) else StorageError(folder, str(error))) from error
