"""The quotes of one file, put down as they come and taken up again ticker by ticker.

A file runs by days, evidence by tickers, and nothing may be appended before the trailer is read. The quotes wait in a
private SQLite file, gone when it is closed: its sort takes constant memory, and a gigabyte is no matter.
"""

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Self

from ledger.files.scratch import private_database, sqlite_errors

SpoolRow = tuple[str, int, bytes]  # ticker, line number, line


class Spool:
    """Quotes in wait."""

    def __init__(self) -> None:
        """Open an empty spool among the temporary files (`TMPDIR`).

        Raises: StorageError.
        """
        with sqlite_errors():
            self._database = private_database()
            self._database.execute("CREATE TABLE quotes (ticker TEXT, number INTEGER, line BLOB)")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def put(self, rows: Iterable[SpoolRow]) -> None:
        """Put the quotes down.

        Raises: DiskFullError; StorageError.
        """
        with sqlite_errors():
            self._database.executemany("INSERT INTO quotes VALUES (?, ?, ?)", rows)

    def tickers(self) -> Iterator[tuple[str, list[bytes]]]:
        """Yield each ticker, in order, with the lines of its quotes in the order of the file.

        Raises: DiskFullError; StorageError.
        """
        with sqlite_errors():
            rows = self._database.execute("SELECT ticker, line FROM quotes ORDER BY ticker, number")
            for ticker, group in groupby(rows, key=itemgetter(0)):
                yield ticker, [line for _, line in group]
