"""Changes in memory over a table: how a reader sees events not yet stored, and how a batch writes a row once."""

from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from operator import itemgetter
from typing import Any

import msgspec

from projections.fold.tables import Made, Row, Stored, Table, encode

_key = itemgetter(0)


class Overlay(Table):
    """A table that reads through to `base` and writes to memory, until a `flush` if there is one.

    `store` keeps the object itself: a row that a thousand events of a batch change is encoded once.
    """

    def __init__(self, base: Table) -> None:
        self._base = base
        self._changes: dict[bytes, Any] = {}  # bytes, a row not encoded yet, or None: deleted here

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, None where there is none or it was deleted here."""
        return _encoded(self._changes[key]) if key in self._changes else self._base.get(key)

    def put(self, key: bytes, value: bytes) -> None:
        """Make `value` the one at `key`, in memory."""
        self._changes[key] = value

    def delete(self, key: bytes) -> None:
        """Make `key` absent, in memory."""
        self._changes[key] = None

    def named(self, key: bytes) -> bytes:
        """Return the value at `key`, of which another row says that it is there."""
        return super().named(key) if key in self._changes else self._base.named(key)

    def load(self, key: bytes, decode: Callable[[bytes], Stored]) -> Stored | None:
        """Return the row at `key`: the very object stored here, if one was."""
        change: Stored | bytes | None = self._changes.get(key)
        if change is None or isinstance(change, bytes):
            return super().load(key, decode)
        return change

    def store(self, key: bytes, row: Stored) -> None:
        """Make `row` the one at `key`, as it is when it is next read."""
        self._changes[key] = row

    def scan(self, prefix: bytes = b"", *, reverse: bool = False, start: bytes = b"") -> Iterator[Row]:
        """Yield the rows of both from `start` on whose key begins with `prefix`; costs every change and the rows."""
        changes = self._changes
        keys = sorted((key for key in changes if key.startswith(prefix) and key >= start), reverse=reverse)
        changed = ((key, _encoded(changes[key])) for key in keys)
        base = self._base.scan(prefix, reverse=reverse, start=start)
        kept = ((key, value) for key, value in base if key not in changes)
        for key, value in merge(changed, kept, key=_key, reverse=reverse):
            if value is not None:
                yield key, value

    def whole(self, prefix: bytes, make: Callable[[Sequence[Row]], Made]) -> Made:
        """Return what `make` makes of the rows of both: what the base has, where nothing under `prefix` changed."""
        changed = any(key.startswith(prefix) for key in self._changes)
        return super().whole(prefix, make) if changed else self._base.whole(prefix, make)

    def hold_past(self, prefix: bytes, position: int | None = None) -> None:
        """Make sure of what the base says; what changed here is folded from the log."""
        self._base.hold_past(prefix, position)

    def flush(self) -> None:
        """Write the changes to the base, in key order, and forget them."""
        delete = self._base.delete
        kept: list[Row] = []
        for key in sorted(self._changes):
            change = self._changes[key]
            if change is None:
                delete(key)
            else:
                kept.append((key, change if change.__class__ is bytes else encode(change)))
        self._base.put_all(kept)
        self._changes.clear()


def _encoded(change: Any) -> bytes | None:
    return encode(change) if isinstance(change, msgspec.Struct) else change
