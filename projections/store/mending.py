"""A view over stored rows that outlives damage to them: once a row fails, the rest is read from a fold of the log."""

import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import lmdb

from ledger.errors import StorageError
from projections.fold.tables import Row, State, Table

UNSOUND = (StorageError, lmdb.Error)  # what reading a damaged store raises


class StoreDroppedWarning(UserWarning):
    """What is stored of the read models does not hold; the log was read in its place."""


def warn_dropped(folder: Path, reason: str) -> None:
    """Warn that the store in `folder` is dropped, and why."""
    message = f"stored read models at {folder} do not hold ({reason}); the log is folded again in their place"
    warnings.warn(message, StoreDroppedWarning, stacklevel=2)


class Mending:
    """The state of one view: what is stored until that fails, then what `fold_again` gives, for every table alike."""

    def __init__(self, folder: Path, stored: State, fold_again: Callable[[], State]) -> None:
        """Read `stored`; `fold_again` is called once at most, and returns the same state from the log itself."""
        self._folder = folder
        self._fold_again = fold_again
        self._folded: State | None = None
        self._once = threading.Lock()
        self.state: State = {
            name: {table: _MendedTable(self, name, table, rows) for table, rows in tables.items()}
            for name, tables in stored.items()
        }

    def folded(self, reason: str) -> State:
        """Return the state as the log gives it, since what is stored fails by `reason`; warns the first time."""
        with self._once:
            if self._folded is None:
                warn_dropped(self._folder, reason)
                self._folded = self._fold_again()
            return self._folded

    @property
    def sound(self) -> State | None:
        """The state from the log, once something stored has failed; None before."""
        return self._folded


class _MendedTable(Table):
    """A table to read; a scan that meets damage goes on behind the last row that it gave."""

    def __init__(self, mending: Mending, projection: str, name: str, stored: Table) -> None:
        self._mending = mending
        self._projection = projection
        self._name = name
        self._stored = stored

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, None where there is none."""
        try:
            return self._rows().get(key)
        except UNSOUND as error:
            return self._again(error).get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Refuse: a view is read."""
        raise TypeError(f"got a put of {value!r} at {key!r} into a view, want an overlay over it")

    def delete(self, key: bytes) -> None:
        """Refuse: a view is read."""
        raise TypeError(f"got a delete of {key!r} in a view, want an overlay over it")

    def scan(self, prefix: bytes = b"", *, reverse: bool = False) -> Iterator[Row]:
        """Yield the rows whose key begins with `prefix`."""
        last: bytes | None = None
        try:
            for row in self._rows().scan(prefix, reverse=reverse):
                last = row[0]
                yield row
        except UNSOUND as error:
            for row in self._again(error).scan(prefix, reverse=reverse):
                if last is None or (row[0] < last if reverse else row[0] > last):
                    yield row

    def _rows(self) -> Table:
        sound = self._mending.sound
        return self._stored if sound is None else sound[self._projection][self._name]

    def _again(self, error: Exception) -> Table:
        return self._mending.folded(str(error))[self._projection][self._name]
