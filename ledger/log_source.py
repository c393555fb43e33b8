"""What can be read as a log (the live ledger, one in memory, an archive), and whether it holds a remembered head."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

import msgspec

from ledger.chain import GENESIS, Head, Link, Record, link
from ledger.codec import Envelope, decode_as, decode_created, decode_envelope
from ledger.errors import DamagedError, ForkedError, RolledBackError
from ledger.events import Event, LedgerCreated

E = TypeVar("E", bound=Event)


class Witness(msgspec.Struct, frozen=True):
    """A head of the log, remembered outside it by `name`."""

    name: str
    head: Head


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


def sound(log: LogSource, start: int = 0, stop: int | None = None) -> Iterator[Record]:
    """Yield what `log.read` does, each record once its link follows from the one before it.

    For whoever shows events: what is printed as the log's own is what was chained there.

    Raises: DamagedError for the first that does not follow, and as `log.read` does.
    """
    prev = next((record.link for record in log.read(start - 1, start)), GENESIS) if start else GENESIS
    for record in log.read(start, stop):
        want = link(prev, record.body)
        if want != record.link:
            raise DamagedError(record.seq, "link", expected=want.hex(), found=record.link.hex())
        prev = record.link
        yield record


def link_at(log: LogSource, seq: int) -> Link | None:
    """Return the link of the event at `seq`, None where there is no such event.

    Raises: as `log.read` does.
    """
    return next((record.link for record in log.read(seq, seq + 1)), None)


def created(log: LogSource) -> LedgerCreated:
    """Return event 0 of `log`: which ledger it is, and whether its data are real.

    Raises: DamagedError when the log begins with any other event.
    """
    (first,) = log.read(0, 1)
    return decode_created(first.body)


def check_head(link_at: Callable[[int], Link | None], head: Callable[[], Head], remembered: Head, witness: str) -> None:
    """Return quietly when the log holds the event that `remembered` ends with, under the same link; O(1).

    `link_at` and `head` read the log, both in one transaction or each in its own.

    Raises: RolledBackError when the log is shorter, ForkedError when it holds another event there.
    """
    found = link_at(remembered.size - 1) if remembered.size else GENESIS
    if found == remembered.link:
        return
    actual = head()
    if found is None:
        raise RolledBackError(
            witness=witness,
            expected_size=remembered.size,
            expected_link=remembered.link,
            size=actual.size,
            link=actual.link,
        )
    raise ForkedError(
        witness=witness,
        expected_size=remembered.size,
        expected_link=remembered.link,
        found_link=found,
        size=actual.size,
        link=actual.link,
    )


def events_of(records: Iterable[Record], kind: type[E]) -> Iterator[tuple[Envelope, E]]:
    """Yield the events of one type among `records`, each with its envelope; the data of no other is decoded.

    Raises: DamagedError where a body is no envelope, or its data not of that type.
    """
    for record in records:
        envelope = decode_envelope(record.seq, record.body)
        if envelope.type == kind.TAG:
            yield envelope, decode_as(envelope, kind)
