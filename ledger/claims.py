"""Heads that events name of the log that they are in: only a log that holds them takes such an event.

What was read of a log may have been replaced by a restore before it is written down.

Source: docs/format.md, "Meaning".
"""

from collections.abc import Callable, Iterable

from ledger.chain import GENESIS, Head, Link
from ledger.errors import LedgerError
from ledger.events import BackupCreated, BackupRestored, CheckpointSigned, Event, HeadAccepted, LogVerified


class OtherLogError(LedgerError):
    """An event names a head that the log does not hold: it was drawn from a log that a restore replaced."""

    def __init__(self, *, tag: str, size: int) -> None:
        super().__init__(f"got another log in use than the one whose {size} events {tag} names, want that one")
        self.tag, self.size = tag, size


CLAIMING = (BackupCreated, BackupRestored, CheckpointSigned, LogVerified)


def claimed(event: Event) -> Head | None:
    """Return the head of its own log that `event` records, None when it records none."""
    if isinstance(event, CLAIMING):
        return Head(event.size, Link(event.link))
    if isinstance(event, HeadAccepted):
        return Head(event.found_size, Link(event.found_link))
    return None


def check_claims(events: Iterable[Event], link_at: Callable[[int], Link | None]) -> None:
    """Return quietly when the log, whose links `link_at` returns, holds every head that `events` record.

    Raises: OtherLogError.
    """
    for event in events:
        head = claimed(event)
        if head is not None and (link_at(head.size - 1) if head.size else GENESIS) != head.link:
            raise OtherLogError(tag=event.TAG, size=head.size)
