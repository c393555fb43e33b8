"""What the live ledger remembers of the backups made of it: their events, and the counts of those made last.

The counts are believed only where they come to what `backup.created` recorded, a hash of those of all streams included.
"""

from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from ledger.audit.counts import Counts
from ledger.backup.frames import Mark
from ledger.backup.scan import Counted
from ledger.chain import LINK_BYTES, Link, Record, Seq
from ledger.codec import UNDECODABLE
from ledger.errors import LedgerError, ShortageError
from ledger.events import BackupCreated
from ledger.files.atomic_file import MODE, write_whole
from ledger.files.isolated import IsolatedProcess
from ledger.files.regular import read_regular
from ledger.log_source import LogSource, events_of
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome

WINDOW_EVENTS = 2_000
NAME_OF_TYPE = BackupCreated.TAG.encode()
KEPT_COUNTS = "backup-counts"
KEPT_BACKUPS = 4  # as somebody has who backs up to several folders in turn
KEPT_BYTES = 256 * 1024 * 1024  # of millions of streams

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[Counts, ...]).decode


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


def newest_beside(log: EventLog, path: Path, stop: int) -> BackupCreated | None:
    """Return the newest event below seq `stop` of a backup whose name is in the folder of `path`, None without one.

    Reads the log from its end, back to that event; not at all where no other file there has the suffix of `path`.

    Raises: DamagedError; OSError.
    """
    names = {one.name for one in path.parent.iterdir() if one.suffix == path.suffix and not one.name.startswith(".")}
    while names and stop:
        start, newest = max(0, stop - WINDOW_EVENTS), None
        seq = start
        for values in log.values(start, stop):
            # Decoding every event would cost as much as making a backup of it.
            records = (
                Record(Seq(at), Link(value[:LINK_BYTES]), value[LINK_BYTES:])
                for at, value in enumerate(values, seq)
                if NAME_OF_TYPE in value
            )
            for envelope, event in events_of(records, BackupCreated):
                # One that claims events after itself is false, and would vouch for itself.
                newest = event if event.name in names and event.size <= envelope.seq else newest
            seq += len(values)
        if newest is not None:
            return newest
        stop = start
    return None


def keep_counts(folder: Path, counts: Counts, earlier: BackupCreated | None) -> None:
    """Keep the counts of a backup in the ledger's `folder`, where it takes them, and those of the `earlier` one."""
    before = sorted(_kept(folder), key=lambda one: earlier is None or not one.agree(earlier))
    with suppress(LedgerError):
        write_whole(folder / KEPT_COUNTS, _encode((counts, *before)[:KEPT_BACKUPS]), mode=MODE)


def counted_before(folder: Path, recorded: BackupCreated) -> Counted | None:
    """Return the part of an archive that `recorded` counted, None where its counts are not kept in `folder`."""
    for counts in _kept(folder):
        if recorded.providers is not None and counts.agree(recorded):
            return Counted(Mark(recorded.size, recorded.archive_bytes, Link(recorded.link)), counts)
    return None


def _kept(folder: Path) -> tuple[Counts, ...]:
    try:
        return _decode(read_regular(folder / KEPT_COUNTS, limit_bytes=KEPT_BYTES, follow=False))
    except (OSError, *UNDECODABLE):
        return ()


def _read(home: LedgerHome) -> dict[str, Recorded]:
    """Return the newest event of each backup name in the ledger in use under `home`; to be run in a child process."""
    with EventLog(home, now=int, readonly=True, check=False) as log:
        return recorded_in(log)
