"""Makes a backup: an archive of the log as it is now, re-read and checked before it has its name.

On disk in this order, each durable before the next: the archive, its `.checksum`, the event that records both.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from hashlib import sha256
from pathlib import Path
from types import NoneType
from typing import Literal

import msgspec
from msgspec.structs import replace

from ledger import ids
from ledger.backup.frames import HEADER, frames
from ledger.backup.recorded import counted_before, keep_counts, newest_beside
from ledger.backup.scan import Advance, Counted, Scan, scan
from ledger.backup.scan_behind import ScanBehind
from ledger.chain import Head, Link, Seq
from ledger.claims import OtherLogError
from ledger.codec import Draft, streams_hash
from ledger.errors import DamagedError, LedgerError, NameTakenError, ShortageError, StorageError, UnreadableError
from ledger.events import LEDGER_STREAM, BackupCreated, BackupFailed
from ledger.files.atomic_file import PartFile, part_file
from ledger.files.checksum import FileHash, hash_split, write_checksum
from ledger.files.isolated import IsolatedProcess
from ledger.files.regular import buffers
from ledger.store.ceiling import ClockAheadError
from ledger.store.event_log import EventLog
from ledger.values import ErrorKind

WORTH_A_CHILD_EVENTS = 30_000
OTHER_BYTES = "other bytes than were written"

# Called with what is being done and how many events that takes (None: not known);
# what it gives for the block is called with how many more are done.
Watch = Callable[[str, int | None], AbstractContextManager[Advance | None]]


class CreatedBackup(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made, what the disk gave back of it, and the event that records it, at `seq` of the log.

    `unrecorded` is why the log took no event, where it took none, as after a restore meanwhile: the file is whole all
    the same.
    `copied_from` is the name of the earlier backup that the file begins with a copy of, None where all came from the
    log; `refused` is the one in its folder that could not be copied, and why.
    """

    path: Path
    scan: Scan
    event: BackupCreated
    seq: Seq | None
    unrecorded: ClockAheadError | OtherLogError | None = None
    copied_from: str | None = None
    refused: tuple[str, DamagedError | UnreadableError] | None = None

    @property
    def status(self) -> Literal["created", "unrecorded"]:
        """Whether the log took the event."""
        return "created" if self.unrecorded is None else "unrecorded"


class BackupStage:
    """What is being done for a backup, by the name that a failure of it is recorded with."""

    def __init__(self) -> None:
        self.name = "write"


def _unseen(_values: Sequence[bytes]) -> None:
    """Tell nobody."""


def unwatched(_doing: str, _events: int | None) -> AbstractContextManager[Advance | None]:
    """Watch nothing."""
    return nullcontext()


def create_backup(
    log: EventLog, path: Path, *, job_id: bytes, watch: Watch = unwatched, full: bool = False
) -> CreatedBackup:
    """Return the backup of `log` that is now at `path`, mode 0600, with its `.checksum`; `backup.created` records it.

    The log may be appended to meanwhile: the copy is the prefix that was there when it began.
    The newest earlier backup in the folder is copied where it is what the log recorded, and only what came after it
    is read from the log: the same bytes. Where it is not, or with `full`, all is read from the log.
    Reads the log or its end once, then the copy; constant memory. A failure is recorded by `backup.failed` and leaves
    no file.

    Raises: NameTakenError; DamagedError of the log itself; DiskFullError, UnwritableError; as `EventLog.append` does.
    """
    with told_of_failure(log, path.name, job_id=job_id) as stage:
        head = log.head()
        with part_file(path) as part:
            earlier = None if full else newest_beside(log, path, head.size)
            try:
                found, refused = prove_copy(log, head, part, earlier=earlier, watch=watch, stage=stage), None
            except (DamagedError, UnreadableError) as error:
                if earlier is None:
                    raise
                # Whatever is wrong, and wherever: read whole, the log itself says whether it holds.
                refused, earlier = (earlier.name, error), None
                part.empty()
                found = prove_copy(log, head, part, earlier=None, watch=watch, stage=stage)
            stage.name = "publish"
            part.publish()
        write_checksum(path, found.sha256)
        stage.name = "record"
        made = record_created(log, found, job_id)
        keep_counts(log.folder, found.counted, earlier)
        return replace(made, copied_from=None if earlier is None else earlier.name, refused=refused)


def prove_copy(
    log: EventLog,
    head: Head,
    part: PartFile,
    *,
    earlier: BackupCreated | None,
    watch: Watch,
    stage: BackupStage,
) -> Scan:
    """Return what the disk gives back of the archive, written into `part`, once that is it and all of it holds.

    `stage` says which of the two was being done.
    """
    stage.name = "write"
    known = None
    if earlier is not None:
        # The event that recorded the earlier backup comes after it: it is among those that are re-hashed.
        known = counted_before(log.folder, earlier) or Head(earlier.size, Link(earlier.link))
    behind = ScanBehind(part.path) if known is None and head.size >= WORTH_A_CHILD_EVENTS else None
    with behind or nullcontext():
        with watch("copying", head.size) as advance:
            grown = behind.grown if behind else _unseen
            written = write_archive(log, head.size, part, advance, earlier=earlier, grown=grown)
        part.sync()
        stage.name = "check"
        if earlier is not None:
            return scan_extended(part, earlier, added=written, head=head, watch=watch, known=known)
        if behind is None:
            return scan_copy(part, part.target, sha256=written, head=head, watch=watch)
        with watch("checking", head.size) as advance:
            found = behind.result()
            if advance is not None:
                advance(head.size)
    return checked_copy(found, part.target, sha256=written, head=head)


def scan_copy(part: PartFile, path: Path, *, sha256: bytes, head: Head, watch: Watch) -> Scan:
    """Return what the disk gives back of the copy, once that is what was written and all of it holds."""
    with watch("checking", head.size) as advance:
        found = scan(part.path, counted=True, advance=advance)
    return checked_copy(found, path, sha256=sha256, head=head)


def scan_extended(
    part: PartFile, earlier: BackupCreated, *, added: bytes, head: Head, watch: Watch, known: Head | Counted | None
) -> Scan:
    """Return what the disk gives back of a copy of `earlier` and what was added, once that is it and all of it holds.

    Raises: as `hash_extended` and `checked_copy` do.
    """
    with watch("checking", head.size) as advance:
        hashed = hash_extended(part, earlier, added)
        found = scan(part.path, counted=True, known=known, hashed=hashed, advance=advance)
    return leading_to(head, found, part.target)


def hash_extended(part: PartFile, earlier: BackupCreated, added: bytes) -> FileHash:
    """Return the hash of what the disk gives back, once it begins with the backup that `earlier` records.

    `added` is the SHA-256 of what was written behind that. Hashed once, here: the copy had no need of it.

    Raises: DamagedError where the earlier backup is not the one recorded; UnreadableError; StorageError for bytes that
    were not written.
    """
    found = hash_split(part.path, earlier.archive_bytes)
    if found.before != earlier.sha256:
        read = sha256()
        for buffer in buffers(part.path.with_name(earlier.name)):
            read.update(buffer)
        if read.digest() != earlier.sha256:
            raise DamagedError(earlier.size - 1, "sha256", expected=earlier.sha256.hex(), found=read.hexdigest())
    if (found.before, found.after) != (earlier.sha256, added):
        raise StorageError(part.target, OTHER_BYTES)
    return found.whole


def checked_copy(found: Scan, path: Path, *, sha256: bytes, head: Head) -> Scan:
    """Return what was found of a copy, once that is what was written and all of it holds.

    Raises: StorageError; DamagedError.
    """
    if found.sha256 != sha256:
        raise StorageError(path, OTHER_BYTES)
    return leading_to(head, found, path)


def leading_to(head: Head, found: Scan, path: Path) -> Scan:
    """Return what was found of the copy that is to be at `path`, once all of it holds and leads to `head`.

    Raises: DamagedError.
    """
    if flaw := found.flaw:
        raise DamagedError(flaw.seq or 0, flaw.kind, expected=flaw.expected, found=flaw.found)
    if found.head != head:
        raise DamagedError(head.size - 1, "stored head", expected=found.head.link.hex(), found=head.link.hex())
    return replace(found, path=path)


def record_created(log: EventLog, found: Scan, job_id: bytes) -> CreatedBackup:
    """Append the event that records the backup."""
    event = BackupCreated(
        name=found.path.name,
        size=found.head.size,
        link=found.head.link,
        archive_bytes=found.archive_bytes,
        sha256=found.sha256,
        types=found.counted.types,
        providers=found.counted.providers,
        streams=len(found.counted.streams),
        streams_hash=streams_hash(found.counted.streams),
    )
    draft = Draft(job_id=job_id, stream=LEDGER_STREAM, event=event)
    identifier = ids.append_id(f"backup.created/{job_id.hex()}", job_id=job_id)
    made = CreatedBackup(path=found.path, scan=found, event=event, seq=None)
    try:
        return replace(made, seq=log.append([draft], append_id=identifier).first)
    except (ClockAheadError, OtherLogError) as error:
        return replace(made, unrecorded=error)


def write_archive(
    log: EventLog,
    size: int,
    part: PartFile,
    advance: Advance | None = None,
    *,
    earlier: BackupCreated | None = None,
    grown: Callable[[Sequence[bytes]], object] = _unseen,
) -> bytes:
    """Write the archive of events [0, size) of `log` into the empty `part`; return the SHA-256 of what the log gave.

    `grown` is called with the events whose frames were written last.
    It begins with a copy of the backup that `earlier` records, in the folder of `part`, where there is one: that is as
    long as recorded, and of this log. Checks nothing else: what was written is to be hashed and scanned.

    Raises: what reading `log` raises; OSError. DamagedError, UnreadableError for the earlier backup too.
    """
    hasher = sha256()
    if earlier is None:
        part.write(HEADER)
        hasher.update(HEADER)
    else:
        found, last = log.link_at(earlier.size - 1), earlier.size - 1
        if found != earlier.link:
            raise DamagedError(last, "link", expected=earlier.link.hex(), found=found.hex() if found else "none")
        copy_earlier(earlier, part, advance)
    for values in log.values(0 if earlier is None else earlier.size, size):
        content = frames(values)
        part.write(content)
        grown(values)
        hasher.update(content)
        if advance is not None:
            advance(len(values))
    return hasher.digest()


def copy_earlier(earlier: BackupCreated, part: PartFile, advance: Advance | None = None) -> None:
    """Write the backup that `earlier` records, from its folder, into the empty `part`, unhashed.

    Raises: DamagedError where it is longer or shorter than recorded; UnreadableError; OSError of writing.
    """
    copied_bytes, done = 0, 0
    # Read and written, never cloned: a copy that shares its blocks with the earlier file rots with it.
    for buffer in buffers(part.path.with_name(earlier.name)):
        copied_bytes += len(buffer)
        if copied_bytes > earlier.archive_bytes:
            break
        part.write(buffer)
        if advance is not None:
            events = earlier.size * copied_bytes // earlier.archive_bytes
            advance(events - done)
            done = events
    if copied_bytes != earlier.archive_bytes:
        more = "more" if copied_bytes > earlier.archive_bytes else f"{copied_bytes}"
        raise DamagedError(earlier.size - 1, "archive bytes", expected=f"{earlier.archive_bytes}", found=more)


def failure(name: str, stage: str, error: BaseException, *, job_id: bytes) -> tuple[Draft, bytes]:
    """Return the event that records `error`, and the id to append it under."""
    kind: ErrorKind = "internal" if isinstance(error, LedgerError) else "interrupted"
    event = BackupFailed(name=name, stage=stage, error_kind=kind, message=str(error) or kind)
    draft = Draft(job_id=job_id, stream=LEDGER_STREAM, event=event)
    return draft, ids.append_id(f"backup.failed/{job_id.hex()}", job_id=job_id)


@contextmanager
def told_of_failure(log: EventLog, name: str, *, job_id: bytes) -> Iterator[BackupStage]:
    """Tell `log` of what goes wrong in the block, at the stage that the block says it is at.

    A name that is taken is no failure: nothing was begun.
    """
    stage = BackupStage()
    try:
        yield stage
    except NameTakenError:
        raise
    except (LedgerError, KeyboardInterrupt) as error:
        draft, identifier = failure(name, stage.name, error, job_id=job_id)
        # The failure is what counts: a log that takes no event either must not hide it.
        with suppress(LedgerError):
            log.append([draft], append_id=identifier)
        raise


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
