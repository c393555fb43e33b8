"""What a fold writes to and a reader reads from: ordered maps from bytes to bytes."""

from collections.abc import Iterator, Mapping
from typing import Protocol

Row = tuple[bytes, bytes]


class Table(Protocol):
    """An ordered key-value map.

    A fold uses `get`, `put` and `delete` alone, so that a step costs the same however long the history is.
    """

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`, None where there is none."""
        ...

    def put(self, key: bytes, value: bytes) -> None:
        """Make `value` the one at `key`."""
        ...

    def delete(self, key: bytes) -> None:
        """Make `key` absent; harmless when it is."""
        ...

    def scan(self, prefix: bytes = b"", *, reverse: bool = False) -> Iterator[Row]:
        """Yield the rows whose key begins with `prefix`, in key order or against it.

        The table is not to change while the scan goes on.
        """
        ...


Tables = Mapping[str, Table]  # one projection's, by table name
State = Mapping[str, Tables]  # every projection's, by projection name
