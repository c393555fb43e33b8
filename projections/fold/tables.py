"""What a fold writes to and a reader reads from: ordered maps from bytes to bytes."""

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple, Protocol, TypeVar

import msgspec

Row = tuple[bytes, bytes]
Stored = TypeVar("Stored", bound=msgspec.Struct)
Made = TypeVar("Made")


class Past(NamedTuple):
    """The time that somebody reads of: once `position` events were read, None: any that there was."""

    position: int | None


encode = msgspec.msgpack.Encoder().encode


class Table(Protocol):
    """An ordered key-value map.

    A fold uses `get`, `put`, `put_all`, `delete`, `load` and `store` alone, so that a step costs the same however long
    the history is. No key is empty.
    """

    @abstractmethod
    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, None where there is none."""
        ...

    @abstractmethod
    def put(self, key: bytes, value: bytes) -> None:
        """Make `value` the one at `key`."""
        ...

    def put_all(self, rows: Sequence[Row]) -> None:
        """Put rows, which come in order of their keys; of many in a call each costs less."""
        for key, value in rows:
            self.put(key, value)

    @abstractmethod
    def delete(self, key: bytes) -> None:
        """Make `key` absent; harmless when it is."""
        ...

    @abstractmethod
    def scan(self, prefix: bytes = b"", *, reverse: bool = False, start: bytes = b"") -> Iterator[Row]:
        """Yield the rows whose key begins with `prefix`, none before the key `start`, in key order or against it.

        The table is not to change while the scan goes on.
        """
        ...

    def between(self, prefix: bytes, start: bytes, stop: bytes) -> list[Row]:
        """Return the rows whose key begins with `prefix` and lies in [start, stop), in key order.

        Where they are many, a table on disk gives them for less than its `scan`.
        """
        return list(takewhile(lambda row: row[0] < stop, self.scan(prefix, start=start)))

    def together(self, prefixes: Sequence[bytes]) -> list[list[Row]]:
        """Return the rows whose key begins with each of `prefixes`, none of which begins another.

        Where these come in order, a table on disk searches once for many of them.
        """
        return [list(self.scan(prefix)) for prefix in prefixes]

    def whole(self, prefix: bytes, make: Callable[[Sequence[Row]], Made]) -> Made:
        """Return what `make` makes of all rows whose key begins with `prefix`, not to be changed.

        A table that holds still may remember it, and give it to the next who asks.
        """
        return make(list(self.scan(prefix)))

    def hold_past(self, prefix: bytes, position: int | None = None) -> None:  # noqa: ARG002 - for who doubts
        """Make sure of what the rows under `prefix` said once `position` events were read; None: at any time.

        For who is about to read what is no longer in force. A table that is not doubted has nothing to do.
        """
        return

    def named(self, key: bytes) -> bytes:
        """Return the value at `key`, of which another row says that it is there.

        A stored table in which it is not is damaged. Raises: KeyError where none is, and nothing is stored.
        """
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def load(self, key: bytes, decode: Callable[[bytes], Stored]) -> Stored | None:
        """Return the value at `key` decoded, None where there is none; to change it, change it and `store` it."""
        value = self.get(key)
        return None if value is None else decode(value)

    def store(self, key: bytes, row: Stored) -> None:
        """Make `row`, as msgpack, the value at `key`."""
        self.put(key, encode(row))


Tables = Mapping[str, Table]  # one projection's, by table name
State = Mapping[str, Tables]  # every projection's, by projection name
