"""What can be read as a log: the live ledger, one in memory, an archive."""

from collections.abc import Iterator
from typing import Protocol

from ledger.chain import Head, Record
from ledger.codec import decode_created
from ledger.events import LedgerCreated


class LogSource(Protocol):
    """An ordered, gapless run of stored events from seq 0."""

    def head(self) -> Head:
        """Return the size and the last link, O(1) on a ledger."""
        ...

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield the records of [start, stop), stop clipped to the head when reading began.

        One consistent view: what is appended meanwhile does not show.
        Nothing is verified here; `ledger.audit.verify` does that.

        Raises: DamagedError where a stored record is missing or too short to hold a link.
        """
        ...


def created(log: LogSource) -> LedgerCreated:
    """Return event 0 of `log`: which ledger it is, and whether its data are real.

    Raises: DamagedError when the log begins with any other event.
    """
    (first,) = log.read(0, 1)
    return decode_created(first.body)
