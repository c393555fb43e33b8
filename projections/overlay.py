"""Changes in memory over tables that stay as they are: how a reader sees events not yet projected."""

from collections.abc import Iterator
from heapq import merge
from operator import itemgetter

from projections.tables import Row, Table

_key = itemgetter(0)


class Overlay:
    """A table that reads through to `base` and writes to memory only."""

    def __init__(self, base: Table) -> None:
        self._base = base
        self._changes: dict[bytes, bytes | None] = {}  # None: deleted here

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, None where there is none or it was deleted here."""
        return self._changes[key] if key in self._changes else self._base.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Make `value` the one at `key`, in memory."""
        self._changes[key] = value

    def delete(self, key: bytes) -> None:
        """Make `key` absent, in memory."""
        self._changes[key] = None

    def scan(self, prefix: bytes = b"", *, reverse: bool = False) -> Iterator[Row]:
        """Yield the rows of both whose key begins with `prefix`; costs a look at every change, and the rows."""
        changes = self._changes
        keys = sorted((key for key in changes if key.startswith(prefix)), reverse=reverse)
        changed = ((key, changes[key]) for key in keys)
        kept = ((key, value) for key, value in self._base.scan(prefix, reverse=reverse) if key not in changes)
        for key, value in merge(changed, kept, key=_key, reverse=reverse):
            if value is not None:
                yield key, value
