"""Makes a backup: an archive of the log as it is now, re-read and checked before it has its name.

On disk in this order, each durable before the next: the archive, its `.checksum`, the event that tells of both.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from hashlib import sha256
from pathlib import Path
from types import NoneType

import msgspec
from msgspec.structs import replace

from ledger import ids
from ledger.backup.frames import HEADER, frames
from ledger.backup.scan import Each, Survey, survey
from ledger.chain import Head, Seq
from ledger.codec import Draft
from ledger.errors import DamagedError, LedgerError, NameTakenError, StorageError
from ledger.events import LEDGER_STREAM, BackupCreated, BackupFailed, ErrorKind
from ledger.files.atomic_file import PartFile, part_file
from ledger.files.checksum import write_checksum
from ledger.files.isolated import IsolatedProcess
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome

# Called with what is being done and how many events that takes (None: not known);
# what it gives for the block is called with how many more are done.
Watch = Callable[[str, int | None], AbstractContextManager[Each | None]]


class Backup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made, what the disk gave back of it, and the event that tells of it, at `seq` of the log."""

    path: Path
    survey: Survey
    event: BackupCreated
    seq: Seq


def unwatched(_doing: str, _events: int | None) -> AbstractContextManager[Each | None]:
    """Watch nothing."""
    return nullcontext()


def create_backup(log: EventLog, path: Path, *, job_id: bytes, watch: Watch = unwatched) -> Backup:
    """Return the backup of `log` that now lies at `path`, 0600, with its `.checksum`; `backup.created` tells of it.

    The log may be appended to meanwhile: the copy is the prefix that was there when it began.
    Reads the log once, then the copy; constant memory. A failure is told by `backup.failed` and leaves no file.

    Raises: NameTakenError; DamagedError when the log itself does not hold; DiskFullError, UnwritableError,
    StorageError; what `EventLog.append` raises.
    """
    course = _Course(log, path, job_id, watch)
    try:
        return course.run()
    except NameTakenError:
        raise
    except (LedgerError, KeyboardInterrupt) as error:
        # The failure is what counts: a log that takes no event either must not hide it.
        with suppress(LedgerError):
            course.tell_failure(error)
        raise


class _Course:
    """One backup under way, and how far it is."""

    def __init__(self, log: EventLog, path: Path, job_id: bytes, watch: Watch) -> None:
        self._log, self._path, self._job_id, self._watch = log, path, job_id, watch
        self._stage = "write"

    def run(self) -> Backup:
        head = self._log.head()
        with part_file(self._path) as part:
            written = self._written(part, head)
            self._stage = "check"
            found = self._checked(part, head, written)
            self._stage = "publish"
            part.publish()
        write_checksum(self._path, found.sha256)
        self._stage = "record"
        return self._told(found)

    def tell_failure(self, error: BaseException) -> None:
        draft, identifier = failure(self._path.name, self._stage, error, job_id=self._job_id)
        self._log.append([draft], append_id=identifier)

    def _written(self, part: PartFile, head: Head) -> bytes:
        """Return the SHA-256 of the archive of events [0, head.size), which is in `part`, durable."""
        with self._watch("copying", head.size) as each:
            written = write_archive(self._log, head.size, part, each)
        part.sync()
        return written

    def _checked(self, part: PartFile, head: Head, written: bytes) -> Survey:
        """Return what the disk gives back, once that is what was written and all of it holds."""
        with self._watch("checking", head.size) as each:
            found = survey(part.path, counted=True, each=each)
        if found.sha256 != written:
            raise StorageError(self._path, "other bytes than were written")
        if flaw := found.flaw:
            raise DamagedError(flaw.seq or 0, flaw.kind, expected=flaw.expected, found=flaw.found)
        if found.head != head:
            raise DamagedError(head.size - 1, "stored head", expected=found.head.link.hex(), found=head.link.hex())
        return replace(found, path=self._path)

    def _told(self, found: Survey) -> Backup:
        assert found.counts is not None  # noqa: S101 - it was asked for them
        event = BackupCreated(
            name=self._path.name,
            size=found.head.size,
            link=found.head.link,
            archive_bytes=found.archive_bytes,
            sha256=found.sha256,
            types=found.counts.types,
            tickers=found.counts.tickers,
        )
        draft = Draft(job_id=self._job_id, stream=LEDGER_STREAM, event=event)
        identifier = ids.append_id(f"backup.created/{self._job_id.hex()}", job_id=self._job_id)
        seq = self._log.append([draft], append_id=identifier).first
        return Backup(path=self._path, survey=found, event=event, seq=seq)


def write_archive(log: EventLog, size: int, part: PartFile, each: Each | None = None) -> bytes:
    """Write the archive of events [0, size) of `log` into the empty `part`; return its SHA-256.

    Checks nothing: what was written is to be surveyed.

    Raises: what reading `log` raises; OSError.
    """
    part.write(HEADER)
    hasher = sha256(HEADER)
    for values in log.values(0, size):
        content = frames(values)
        part.write(content)
        hasher.update(content)
        if each is not None:
            each(len(values))
    return hasher.digest()


def failure(name: str, stage: str, error: BaseException, *, job_id: bytes) -> tuple[Draft, bytes]:
    """Return the event that tells of `error`, and the id to append it under."""
    kind: ErrorKind = "internal" if isinstance(error, LedgerError) else "interrupted"
    event = BackupFailed(name=name, stage=stage, error_kind=kind, message=str(error) or kind)
    draft = Draft(job_id=job_id, stream=LEDGER_STREAM, event=event)
    return draft, ids.append_id(f"backup.failed/{job_id.hex()}", job_id=job_id)


def record_failure(
    home: LedgerHome, name: str, stage: str, error: BaseException, *, job_id: bytes, now: Callable[[], int]
) -> None:
    """Tell the ledger in use under `home` of a restore that failed, as far as it takes an event at all.

    In a child process: after a failure the ledger is not trusted, and the failure itself is what counts.
    """
    draft, identifier = failure(name, stage, error, job_id=job_id)

    def tell() -> None:
        with EventLog(home, now=now) as log:
            log.append([draft], append_id=identifier)

    with suppress(LedgerError):
        IsolatedProcess(tell, NoneType).result()
