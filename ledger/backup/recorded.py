"""What the live ledger remembers of the backups made of it."""

from functools import partial

import msgspec

from ledger.errors import LedgerError, ShortageError
from ledger.events import BackupCreated
from ledger.files.isolated import IsolatedProcess
from ledger.log_source import LogSource, events_of
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome


class Recorded(msgspec.Struct, frozen=True):
    """A `backup.created` event, its seq, and when it was recorded (microseconds UTC)."""

    seq: int
    recorded_at: int
    event: BackupCreated


def recorded_backups(root: LedgerHome) -> dict[str, Recorded]:
    """Return the newest event of each backup name, from the real ledger under `root` and from the sample's.

    Reads each log once, in a child process: a damaged ledger is one that remembers nothing, not a reason to stop.
    Of a name in both, the real ledger's event counts.

    Raises: ShortageError.
    """
    found: dict[str, Recorded] = {}
    for home in (root.sample, root):
        try:
            if home.current() is not None:
                found |= IsolatedProcess(partial(_read, home), dict[str, Recorded]).result()
        except ShortageError:
            raise
        except LedgerError:
            continue
    return found


def recorded_in(log: LogSource) -> dict[str, Recorded]:
    """Return the newest event of each backup name in `log`. Reads it once.

    Raises: DamagedError.
    """
    events = events_of(log.read(), BackupCreated)
    return {event.name: Recorded(envelope.seq, envelope.recorded_at, event) for envelope, event in events}


def _read(home: LedgerHome) -> dict[str, Recorded]:
    """Return the newest event of each backup name in the ledger in use under `home`; to be run in a child process."""
    with EventLog(home, now=int, readonly=True, check=False) as log:
        return recorded_in(log)
