"""What the live ledger remembers of the backups made of it."""

from functools import partial

import msgspec

from ledger.codec import decode_envelope, decode_event
from ledger.errors import LedgerError
from ledger.events import BackupCreated
from ledger.files.isolated import IsolatedProcess
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
    """
    return {name: recorded for home in (root.sample, root) for name, recorded in _of(home).items()}


def _of(home: LedgerHome) -> dict[str, Recorded]:
    try:
        if home.current() is None:
            return {}
        return IsolatedProcess(partial(_read, home), dict[str, Recorded]).result()
    except LedgerError:
        return {}


def _read(home: LedgerHome) -> dict[str, Recorded]:
    found: dict[str, Recorded] = {}
    with EventLog(home, now=int, readonly=True, check=False) as log:
        for record in log.read():
            envelope = decode_envelope(record.seq, record.body)
            if envelope.type == BackupCreated.TAG:
                event = decode_event(envelope)
                assert isinstance(event, BackupCreated)  # noqa: S101 - what that tag decodes to
                found[event.name] = Recorded(record.seq, envelope.recorded_at, event)
    return found
