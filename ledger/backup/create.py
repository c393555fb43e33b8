"""Makes a backup: an archive of the log as it is now, re-read and checked before it has its name.

On disk in this order, each durable before the next: the archive, its `.checksum`, the event that records both.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from hashlib import sha256
from pathlib import Path
from types import NoneType
from typing import Literal

import msgspec
from msgspec.structs import replace

from ledger import ids
from ledger.backup.frames import HEADER, frames
from ledger.backup.scan import Advance, Scan, scan
from ledger.chain import Head, Seq
from ledger.claims import OtherLogError
from ledger.codec import Draft, streams_hash
from ledger.errors import DamagedError, LedgerError, NameTakenError, ShortageError, StorageError
from ledger.events import LEDGER_STREAM, BackupCreated, BackupFailed
from ledger.files.atomic_file import PartFile, part_file
from ledger.files.checksum import write_checksum
from ledger.files.isolated import IsolatedProcess
from ledger.store.ceiling import ClockAheadError
from ledger.store.event_log import EventLog
from ledger.values import ErrorKind

# Called with what is being done and how many events that takes (None: not known);
# what it gives for the block is called with how many more are done.
Watch = Callable[[str, int | None], AbstractContextManager[Advance | None]]


class CreatedBackup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made, what the disk gave back of it, and the event that records it, at `seq` of the log.

    `unrecorded` is why the log took no event, where it took none, as after a restore meanwhile: the file is whole all
    the same.
    """

    path: Path
    scan: Scan
    event: BackupCreated
    seq: Seq | None
    unrecorded: ClockAheadError | OtherLogError | None = None

    @property
    def status(self) -> Literal["created", "unrecorded"]:
        """Whether the log took the event."""
        return "created" if self.unrecorded is None else "unrecorded"


def unwatched(_doing: str, _events: int | None) -> AbstractContextManager[Advance | None]:
    """Watch nothing."""
    return nullcontext()


def create_backup(log: EventLog, path: Path, *, job_id: bytes, watch: Watch = unwatched) -> CreatedBackup:
    """Return the backup of `log` that is now at `path`, mode 0600, with its `.checksum`; `backup.created` records it.

    The log may be appended to meanwhile: the copy is the prefix that was there when it began.
    Reads the log once, then the copy; constant memory. A failure is recorded by `backup.failed` and leaves no file.

    Raises: NameTakenError; DamagedError of the log itself; DiskFullError, UnwritableError; as `EventLog.append` does.
    """
    stage = "write"
    try:
        head = log.head()
        with part_file(path) as part:
            with watch("copying", head.size) as advance:
                written = write_archive(log, head.size, part, advance)
            part.sync()
            stage = "check"
            found = scan_copy(part, path, sha256=written, head=head, watch=watch)
            stage = "publish"
            part.publish()
        write_checksum(path, found.sha256)
        stage = "record"
        return record_created(log, found, job_id)
    except NameTakenError:
        raise
    except (LedgerError, KeyboardInterrupt) as error:
        draft, identifier = failure(path.name, stage, error, job_id=job_id)
        # The failure is what counts: a log that takes no event either must not hide it.
        with suppress(LedgerError):
            log.append([draft], append_id=identifier)
        raise


def scan_copy(part: PartFile, path: Path, *, sha256: bytes, head: Head, watch: Watch) -> Scan:
    """Return what the disk gives back of the copy, once that is what was written and all of it holds."""
    with watch("checking", head.size) as advance:
        found = scan(part.path, counted=True, advance=advance)
    if found.sha256 != sha256:
        raise StorageError(path, "other bytes than were written")
    if flaw := found.flaw:
        raise DamagedError(flaw.seq or 0, flaw.kind, expected=flaw.expected, found=flaw.found)
    if found.head != head:
        raise DamagedError(head.size - 1, "stored head", expected=found.head.link.hex(), found=head.link.hex())
    return replace(found, path=path)


def record_created(log: EventLog, found: Scan, job_id: bytes) -> CreatedBackup:
    """Append the event that records the backup."""
    assert found.counts is not None  # noqa: S101 - it was asked for them
    event = BackupCreated(
        name=found.path.name,
        size=found.head.size,
        link=found.head.link,
        archive_bytes=found.archive_bytes,
        sha256=found.sha256,
        types=found.counts.types,
        providers=found.counts.providers,
        streams=len(found.counts.streams),
        streams_hash=streams_hash(found.counts.streams),
    )
    draft = Draft(job_id=job_id, stream=LEDGER_STREAM, event=event)
    identifier = ids.append_id(f"backup.created/{job_id.hex()}", job_id=job_id)
    made = CreatedBackup(path=found.path, scan=found, event=event, seq=None)
    try:
        return replace(made, seq=log.append([draft], append_id=identifier).first)
    except (ClockAheadError, OtherLogError) as error:
        return replace(made, unrecorded=error)


def write_archive(log: EventLog, size: int, part: PartFile, advance: Advance | None = None) -> bytes:
    """Write the archive of events [0, size) of `log` into the empty `part`; return its SHA-256.

    Checks nothing: what was written is to be scanned.

    Raises: what reading `log` raises; OSError.
    """
    part.write(HEADER)
    hasher = sha256(HEADER)
    for values in log.values(0, size):
        content = frames(values)
        part.write(content)
        hasher.update(content)
        if advance is not None:
            advance(len(values))
    return hasher.digest()


def failure(name: str, stage: str, error: BaseException, *, job_id: bytes) -> tuple[Draft, bytes]:
    """Return the event that records `error`, and the id to append it under."""
    kind: ErrorKind = "internal" if isinstance(error, LedgerError) else "interrupted"
    event = BackupFailed(name=name, stage=stage, error_kind=kind, message=str(error) or kind)
    draft = Draft(job_id=job_id, stream=LEDGER_STREAM, event=event)
    return draft, ids.append_id(f"backup.failed/{job_id.hex()}", job_id=job_id)


def record_failure(
    open_log: Callable[[], EventLog], name: str, stage: str, error: BaseException, *, job_id: bytes
) -> None:
    """Record a restore that failed in the ledger that `open_log` opens, as far as it takes an event at all.

    In a child process: after a failure the ledger is not trusted, and the failure itself is what counts.

    Raises: ShortageError.
    """
    draft, identifier = failure(name, stage, error, job_id=job_id)

    def append() -> None:
        with open_log() as log:
            log.append([draft], append_id=identifier)

    try:
        IsolatedProcess(append, NoneType).result()
    except ShortageError:
        raise
    except LedgerError:
        return
