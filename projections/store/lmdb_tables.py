"""Tables inside one LMDB transaction, each row with a check of its own.

A bit that flips on disk changes a value, or the key that it is found under, and LMDB reports neither: it keeps no
checksums. A row whose check fails is never handed out. A row that is searched for and not found may have another key
by such a bit, or lie where the search no longer leads: it lies beside the place of its key then, so that none counts
as absent before its neighbours there are sound, and in order.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice, takewhile
from pathlib import Path
from struct import Struct
from typing import Any
from zlib import crc32

from ledger.errors import StorageError
from projections.fold.keys import past_prefix
from projections.fold.tables import Made, Row, Stored, Table, encode

CHECK_BYTES = 4
NEIGHBOURS = 2  # rows on each side that have to be sound before what is not between them counts as absent
PASSED_ROWS = 4  # between two that are wanted: to read and check them costs less than to search
ROWS_TOGETHER = 4096
REMEMBERED = 4  # series of a table, of whose rows everything was made that is asked for: those of one ticker, mostly

_check = Struct(">I").pack  # called for every row that a fold writes


class DamagedRowError(StorageError):
    """A stored row is not what was written; what is stored can be built again from the log."""

    def __init__(self, folder: Path, key: bytes) -> None:
        super().__init__(folder, f"row {key.hex()} that fails its check")
        self.key = key


def sealed(key: bytes, value: bytes) -> bytes:
    """Return `value` as it is stored at `key`: it ends in the CRC-32 of both, u32 big-endian."""
    # One call over both, here and wherever it is written out: a second one costs more than to join them.
    return value + _check(crc32(key + value))


def unsealed(folder: Path, key: bytes, stored: bytes) -> bytes:
    """Return the value that was `sealed` as `stored` at `key`.

    Raises: DamagedRowError for anything else.
    """
    value = stored[:-CHECK_BYTES]
    if _check(crc32(key + value)) != stored[-CHECK_BYTES:]:
        raise DamagedRowError(folder, key)
    return value


class MarkedTable(Table):
    """The keys of one database that begin with `mark`, as one transaction sees them; dead once it ends.

    Named databases would do the same, but their handles cannot be opened beside a writer without waiting for it.
    """

    def __init__(self, txn: Any, mark: bytes, folder: Path) -> None:
        self._txn = txn
        self._mark = mark
        self._folder = folder
        self._get, self._put, self._delete = txn.get, txn.put, txn.delete  # looked up once, called for every event

    def stored(self) -> Iterator[list[Row]]:
        """Yield the rows as they are stored, some thousands at a time: mark and check included, neither looked at.

        Two tables of one mark that hold the same bytes hold the same rows; nothing is done per row to see it.
        """
        cursor = self._txn.cursor()
        rows = cursor.iternext() if cursor.set_range(self._mark) else iter(())
        while together := list(islice(rows, ROWS_TOGETHER)):
            whole = together[-1][0].startswith(self._mark)
            yield together if whole else [row for row in together if row[0].startswith(self._mark)]
            if not whole:
                return


class LmdbTable(MarkedTable):
    """A table of whose rows some may be missing: who reads it holds them against something else.

    Reading raises DamagedRowError at a row that fails its check.
    """

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, None where there is none."""
        whole = self._mark + key
        stored: bytes | None = self._get(whole)
        return None if stored is None else unsealed(self._folder, whole, stored)

    def put(self, key: bytes, value: bytes) -> None:
        """Make `value` the one at `key`."""
        whole = self._mark + key
        self._put(whole, value + _check(crc32(whole + value)))

    def put_all(self, rows: Sequence[Row]) -> None:
        """Put rows, in their order; half of what a `put` for each costs."""
        if not rows:
            return
        mark = self._mark
        sealed_rows = [(whole := mark + key, value + _check(crc32(whole + value))) for key, value in rows]
        self._txn.cursor().putmulti(sealed_rows)

    def store(self, key: bytes, row: Stored) -> None:
        """Make `row`, as msgpack, the value at `key`; `put` written out, since a fold calls it for every event."""
        whole, value = self._mark + key, encode(row)
        self._put(whole, value + _check(crc32(whole + value)))

    def delete(self, key: bytes) -> None:
        """Make `key` absent; harmless when it is."""
        self._delete(self._mark + key)

    def sealed_rows(self, prefix: bytes, limit: int) -> list[Row]:
        """Return up to `limit` rows whose key begins with `prefix` as they are stored: with mark and check, unchecked.

        For who holds many rows against something else; costs a quarter of a scan.
        """
        cursor, whole = self._txn.cursor(), self._mark + prefix
        # Compared as tuples, without a call of ours for each row.
        rows = takewhile((past_prefix(whole),).__gt__, cursor.iternext()) if cursor.set_range(whole) else ()
        return list(islice(rows, limit))

    def check(self, row: Row) -> None:
        """Raise DamagedRowError for a row of `sealed_rows` that fails its check."""
        unsealed(self._folder, *row)

    def scan(self, prefix: bytes = b"", *, reverse: bool = False, start: bytes = b"") -> Iterator[Row]:
        """Yield the rows from `start` on whose key begins with `prefix`; O(log n), the rows, and their neighbours."""
        whole, skip, folder = self._mark + prefix, len(self._mark), self._folder
        first, end = max(whole, self._mark + start), past_prefix(whole)
        last: bytes | None = None
        past = 0
        for key, stored in _backwards(self._txn.cursor(), end) if reverse else _forwards(self._txn.cursor(), first):
            # Checked before anything else: a bit that flipped in a key would end the scan in the middle, and one in
            # the tree above it would give rows twice, or without an end.
            # `unsealed` written out, since it comes for every row that is read.
            value = stored[:-CHECK_BYTES]
            sound = _check(crc32(key + value)) == stored[-CHECK_BYTES:]
            if not sound or (last is not None and (key >= last if reverse else key <= last)):
                raise DamagedRowError(folder, key)
            last = key
            if first <= key and key.startswith(whole):
                yield key[skip:], value
            elif key < first if reverse else first <= key:
                past += 1
                if past == NEIGHBOURS:
                    return

    def between(self, prefix: bytes, start: bytes, stop: bytes) -> list[Row]:
        """Return the rows whose key begins with `prefix` and lies in [start, stop); each costs half of one of a `scan`.

        Those beside them are checked as there.
        """
        whole, skip, folder = self._mark + prefix, len(self._mark), self._folder
        first, end = max(whole, self._mark + start), self._mark + stop
        past = past_prefix(whole)
        if past is not None:
            end = min(end, past)
        found: list[Row] = []
        last: bytes | None = None
        beyond = 0
        for key, stored in _forwards(self._txn.cursor(), first):
            # As in `scan`, without what a generator costs.
            value = stored[:-CHECK_BYTES]
            if _check(crc32(key + value)) != stored[-CHECK_BYTES:] or (last is not None and key <= last):
                raise DamagedRowError(folder, key)
            last = key
            if key >= end:
                beyond += 1
                if beyond == NEIGHBOURS:
                    break
            elif key >= first:
                found.append((key[skip:], value))
        return found

    def together(self, prefixes: Sequence[bytes]) -> list[list[Row]]:
        """Return the rows whose key begins with each of `prefixes`; those beside them are checked as in a `scan`."""
        skip = len(self._mark)
        found: list[list[Row]] = []
        rows: Iterator[Row] = iter(())
        row: Row | None = None
        before = b""
        for whole in map(self._mark.__add__, prefixes):
            for _ in range(PASSED_ROWS):
                if row is None or row[0] >= whole:
                    break
                row = next(rows, None)
            if whole <= before or (row is not None and row[0] < whole) or not before:
                next(rows, None)  # as in `scan`, two of those behind the last are checked
                rows, before = self._sound(whole), whole
                row = next((one for one in rows if one[0] >= whole), None)
            before, of_prefix = whole, []
            while row is not None and row[0].startswith(whole):
                of_prefix.append((row[0][skip:], row[1]))
                row = next(rows, None)
            found.append(of_prefix)
        next(rows, None)
        return found

    def _sound(self, first: bytes) -> Iterator[Row]:
        """Yield the rows from some before `first` on, mark included, each once it is checked."""
        last: bytes | None = None
        for key, stored in _forwards(self._txn.cursor(), first):
            # As in `scan`, without what comes of keys.
            value = stored[:-CHECK_BYTES]
            if _check(crc32(key + value)) != stored[-CHECK_BYTES:] or (last is not None and key <= last):
                raise DamagedRowError(self._folder, key)
            last = key
            yield key, value

    def whole(self, prefix: bytes, make: Callable[[Sequence[Row]], Made]) -> Made:
        """Return what `make` makes of all rows whose key begins with `prefix`, not to be changed."""
        past = past_prefix(prefix)
        return super().whole(prefix, make) if past is None else make(self.between(prefix, prefix, past))


def _forwards(cursor: Any, first: bytes) -> Iterator[Row]:
    """Return the rows of `cursor` from some before `first` on."""
    if cursor.set_range(first) or cursor.last():
        for _ in range(NEIGHBOURS):
            if not cursor.prev():
                break  # at the front: it begins there
    found: Iterator[Row] = cursor.iternext()
    return found


def _backwards(cursor: Any, end: bytes | None) -> Iterator[Row]:
    """Return the rows of `cursor` backwards from some past `end` on; None: from the last one on."""
    if end is not None and cursor.set_range(end):
        for _ in range(NEIGHBOURS - 1):
            if not cursor.next():
                break  # at the back: it begins there
    found: Iterator[Row] = cursor.iterprev()
    return found


class StillTable(LmdbTable):
    """A table in a transaction that only reads: what was made of whole series is made once for all who ask."""

    def __init__(self, txn: Any, mark: bytes, folder: Path) -> None:
        super().__init__(txn, mark, folder)
        self._remembered: tuple[tuple[bytes, Any, Any], ...] = ()  # replaced whole: threads may ask at once

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, None where there is none, by its neighbours."""
        found = super().get(key)
        if found is None and any(row[0] == key for row in self.scan(key)):
            raise DamagedRowError(self._folder, self._mark + key)
        return found

    def whole(self, prefix: bytes, make: Callable[[Sequence[Row]], Made]) -> Made:
        """Return what `make` makes of the rows whose key begins with `prefix`, or made of them before."""
        for known, by, made in self._remembered:
            if known == prefix and by is make:
                found: Made = made
                return found
        made = super().whole(prefix, make)
        self._remembered = ((prefix, make, made), *self._remembered[: REMEMBERED - 1])
        return made
