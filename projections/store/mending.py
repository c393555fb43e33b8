"""A view over stored rows that outlives damage to them: once a row fails, the rest is read from a fold of the log.

Prices and actions of a series are held against its newest decision before the first of them is handed out.
"""

import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import product
from pathlib import Path

import lmdb

from ledger.errors import StorageError
from ledger.market.series import Series
from projections.fold.tables import Made, Past, Row, State, Table, Tables
from projections.models import prices

UNSOUND = (StorageError, lmdb.Error)  # what reading a damaged store raises


class StoreDroppedWarning(UserWarning):
    """What is stored of the read models does not hold; the log was read in its place."""


def warn_dropped(folder: Path, reason: str) -> None:
    """Warn that the store in `folder` is dropped, and why."""
    message = f"stored read models at {folder} do not hold ({reason}); the log is folded again in their place"
    warnings.warn(message, StoreDroppedWarning, stacklevel=2)


class Mending:
    """The state of one view: what is stored until that fails, then what `fold_again` gives, for every table alike."""

    def __init__(
        self,
        folder: Path,
        stored: State,
        *,
        fold_again: Callable[[], State],
        departure: Callable[[Tables, Series, Past | None], str | None],
        first: Callable[[], object] = lambda: None,
    ) -> None:
        """Read `stored`; `fold_again` is called once at most, and returns the same state from the log itself.

        `departure` is asked once per series, before its prices or actions are read: how they depart from what the
        log commits to, None where they hold. It is asked again before their past is read, which is told then.
        `first` is called before anybody is told that what is stored does not hold; what it raises is raised instead.
        """
        self._folder = folder
        self._stored = stored
        self._fold_again = fold_again
        self._departure = departure
        self._first = first
        self._holding: set[tuple[str, Series, Past | None]] = set()
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
                self._first()
                warn_dropped(self._folder, reason)
                self._folded = self._fold_again()
            return self._folded

    def hold(self, table: str, series: Series, past: Past | None = None) -> None:
        """Make sure that what is read of `series` in `table` is what its newest decision leads to.

        With a `past` that what was then is what was decided by then.
        """
        if past is not None:
            self.hold(table, series)
        if self._folded is not None or (table, series, past) in self._holding:
            return
        try:
            reason = self._departure(self._stored[prices.NAME], series, past)
        except UNSOUND as error:
            reason = str(error)
        if reason is None:
            self.found_sound([series], past=past)
        else:
            self.folded(reason)

    def found_sound(
        self, series: Iterable[Series], tables: Sequence[str] = prices.OF_SERIES, past: Past | None = None
    ) -> None:
        """Remember that what `tables` hold of these series, now or of a `past`, was held against the log already."""
        self._holding.update(product(tables, series, [past]))

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
            return self._rows(key).get(key)
        except UNSOUND as error:
            return self._again(error).get(key)

    def named(self, key: bytes) -> bytes:
        """Return the value at `key`, of which another row says that it is there."""
        try:
            return self._rows(key).named(key)
        except UNSOUND as error:
            return self._again(error).named(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Refuse: a view is read."""
        raise TypeError(f"got a put of {value!r} at {key!r} into a view, want an overlay over it")

    def delete(self, key: bytes) -> None:
        """Refuse: a view is read."""
        raise TypeError(f"got a delete of {key!r} in a view, want an overlay over it")

    def scan(self, prefix: bytes = b"", *, reverse: bool = False, start: bytes = b"") -> Iterator[Row]:
        """Yield the rows from `start` on whose key begins with `prefix`."""
        last: bytes | None = None
        try:
            for row in self._rows(prefix).scan(prefix, reverse=reverse, start=start):
                last = row[0]
                yield row
        except UNSOUND as error:
            for row in self._again(error).scan(prefix, reverse=reverse, start=start):
                if last is None or (row[0] < last if reverse else row[0] > last):
                    yield row

    def between(self, prefix: bytes, start: bytes, stop: bytes) -> list[Row]:
        """Return the rows whose key begins with `prefix` and lies in [start, stop)."""
        try:
            return self._rows(prefix).between(prefix, start, stop)
        except UNSOUND as error:
            return self._again(error).between(prefix, start, stop)

    def whole(self, prefix: bytes, make: Callable[[Sequence[Row]], Made]) -> Made:
        """Return what `make` makes of the rows whose key begins with `prefix`: what they were held by, where it is."""
        try:
            return self._rows(prefix).whole(prefix, make)
        except UNSOUND as error:
            return self._again(error).whole(prefix, make)

    def hold_past(self, prefix: bytes, position: int | None = None) -> None:
        """Make sure that the past of the series that `prefix` names is what was decided."""
        if self._projection == prices.NAME and (series := prices.series_of(self._name, prefix)):
            self._mending.hold(self._name, series, Past(position))

    def _rows(self, key: bytes) -> Table:
        if self._projection == prices.NAME and (series := prices.series_of(self._name, key)):
            self._mending.hold(self._name, series)
        sound = self._mending.sound
        return self._stored if sound is None else sound[self._projection][self._name]

    def _again(self, error: Exception) -> Table:
        return self._mending.folded(str(error))[self._projection][self._name]
