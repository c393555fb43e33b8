"""Tables that live as long as the process: for replays, archives and tests."""

from bisect import bisect_left
from collections.abc import Iterator

from projections.fold.keys import past_prefix
from projections.fold.tables import Row, Table


class MemoryTable(Table):
    """A dict whose keys are sorted by the first scan after a change, not while a fold writes."""

    def __init__(self) -> None:
        self._rows: dict[bytes, bytes] = {}
        self._sorted: list[bytes] | None = []

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, None where there is none."""
        return self._rows.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Make `value` the one at `key`."""
        if key not in self._rows:
            self._sorted = None
        self._rows[key] = value

    def delete(self, key: bytes) -> None:
        """Make `key` absent; harmless when it is."""
        if self._rows.pop(key, None) is not None:
            self._sorted = None

    def scan(self, prefix: bytes = b"", *, reverse: bool = False, start: bytes = b"") -> Iterator[Row]:
        """Yield the rows from `start` on whose key begins with `prefix`.

        O(n log n) after a change, else O(log n) and the rows.
        """
        if self._sorted is None:
            self._sorted = sorted(self._rows)
        keys = self._sorted
        end = past_prefix(prefix)
        first, stop = bisect_left(keys, max(prefix, start)), len(keys) if end is None else bisect_left(keys, end)
        span = range(first, stop)
        for index in reversed(span) if reverse else span:
            yield keys[index], self._rows[keys[index]]
