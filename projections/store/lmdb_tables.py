"""Tables inside one LMDB transaction."""

from collections.abc import Iterator
from typing import Any

from projections.fold.keys import past_prefix
from projections.fold.tables import Row, Table


class LmdbTable(Table):
    """The keys of one database that begin with `mark`, as one transaction sees them; dead once it ends.

    Named databases would do the same, but their handles cannot be opened beside a writer without waiting for it.
    """

    def __init__(self, txn: Any, mark: bytes) -> None:
        self._txn = txn
        self._mark = mark
        self._get, self._put, self._delete = txn.get, txn.put, txn.delete  # looked up once, called for every event

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, None where there is none."""
        value: bytes | None = self._get(self._mark + key)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Make `value` the one at `key`."""
        self._put(self._mark + key, value)

    def delete(self, key: bytes) -> None:
        """Make `key` absent; harmless when it is."""
        self._delete(self._mark + key)

    def scan(self, prefix: bytes = b"", *, reverse: bool = False) -> Iterator[Row]:
        """Yield the rows whose key begins with `prefix`; O(log n) and the rows."""
        cursor, whole, skip = self._txn.cursor(), self._mark + prefix, len(self._mark)
        found = _to_last(cursor, whole) if reverse else cursor.set_range(whole)
        if not found:
            return
        for key, value in cursor.iterprev() if reverse else cursor.iternext():
            if not key.startswith(whole):
                return
            yield key[skip:], value


def _to_last(cursor: Any, prefix: bytes) -> bool:
    """Place `cursor` on the last key below everything past `prefix`; False when there is none."""
    end = past_prefix(prefix)
    if end is not None and cursor.set_range(end):
        return bool(cursor.prev())
    return bool(cursor.last())
