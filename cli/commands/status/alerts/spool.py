"""Transitions on their way into the log: kept in `$DATA_DIR/alerts` first, and for as long as nothing may be appended.

Whatever stops writers (a bad verdict, a full disk) is what alerts are for: their ids and what was delivered of them
must outlive it.
"""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import get_args

import msgspec

from cli.app import output
from cli.app.errors import AlertsLockedError
from ledger.errors import DiskFullError, UnwritableError, unreadable
from ledger.files.atomic_file import MODE, write_whole
from ledger.files.durable import make_private_folder, open_private
from ledger.files.regular import read_regular
from ledger.store.home import LedgerHome
from projections.models.alert_episodes import AlertEvent

FOLDER = "alerts"
FILE = "transitions.jsonl"
LOCK = "lock"
LIMIT_BYTES = 16 * 1024 * 1024
KINDS: dict[str, type[AlertEvent]] = {kind.TAG: kind for kind in get_args(AlertEvent)}


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One event that is not in the log yet, as a line of the file; `ledger_id` is empty where it was not known."""

    ledger_id: bytes
    job_id: bytes
    type: str
    data: msgspec.Raw

    def event(self) -> AlertEvent:
        """Return the event.

        Raises: msgspec.DecodeError, KeyError.
        """
        return msgspec.json.decode(self.data, type=KINDS[self.type])


def kept(event: AlertEvent, *, ledger_id: bytes, job_id: bytes) -> Kept:
    """Return `event` as it is kept."""
    return Kept(ledger_id=ledger_id, job_id=job_id, type=event.TAG, data=msgspec.Raw(msgspec.json.encode(event)))


@contextmanager
def alone(home: LedgerHome) -> Iterator[None]:
    """Be the only one that deals with this ledger's alerts for the block; alone or not where no lock can be made.

    A disk that is full, or may not be written to, is what has to be told.

    Raises: AlertsLockedError at once when another one does; ShortageError.
    """
    path = home.root / FOLDER / LOCK
    try:
        make_private_folder(home.root / FOLDER)
        fd = open_private(path, os.O_RDWR)
    except (DiskFullError, UnwritableError, OSError) as error:
        output.say(f"note: alerts are not locked: {error}", explains=False)
        yield
        return
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlertsLockedError(path) from error
        yield
    finally:
        os.close(fd)


def read(home: LedgerHome, ledger_id: bytes) -> list[Kept]:
    """Return what is kept for the ledger `ledger_id` (empty: not known, so for any), oldest first.

    A line that is none of ours is left out: what is wrong is then found, and told, once more.

    Raises: UnreadableError.
    """
    path = home.root / FOLDER / FILE
    try:
        lines = read_regular(path, limit_bytes=LIMIT_BYTES).splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unreadable(path, error) from error
    found = []
    for line in lines:
        with suppress(msgspec.DecodeError, msgspec.ValidationError, KeyError):
            one = msgspec.json.decode(line, type=Kept)
            one.event()
            if not ledger_id or one.ledger_id in {b"", ledger_id}:
                found.append(one)
    return found


def write(home: LedgerHome, some: Sequence[Kept]) -> None:
    """Keep `some` and nothing else, durably.

    Raises: DiskFullError, UnwritableError.
    """
    path = home.root / FOLDER / FILE
    if not some and not path.exists():
        return
    write_whole(path, b"".join(msgspec.json.encode(one) + b"\n" for one in some), mode=MODE)
