"""Everything that can go wrong with the world, grouped by the phase in which it appears.

Each message is one line of the form `got X, want Y`; the exit code and the hint belong to the command line.
"""

import errno
import os
from pathlib import Path


class LedgerError(Exception):
    """The world failed; nothing acknowledged was lost."""


# --- opening -------------------------------------------------------------------------------------


class NoLedgerError(LedgerError):
    """There is no ledger where one was asked for."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"got no ledger in {path}, want one")
        self.path = path


class NotALedgerError(LedgerError):
    """A file or folder exists, but it holds no ledger."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(f"got {found} at {path}, want a ledger")
        self.path, self.found = path, found


class NewerFormatError(LedgerError):
    """The ledger was written by a later version of this software."""

    def __init__(self, path: Path, *, found: str, known: str) -> None:
        super().__init__(f"got format {found!r} at {path}, want {known!r} or older")
        self.path, self.found, self.known = path, found, known


class UnwritableError(LedgerError):
    """A folder or file cannot be written by this user."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"got {reason!r} on writing {path}, want a writable folder")
        self.path, self.reason = path, reason


def is_disk_full(error: OSError) -> bool:
    """Whether the disk, or this user's share of it, took no more."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT}


def unwritable(path: Path, error: OSError) -> LedgerError:
    """Return what to raise for `error` on writing `path`: a full disk, a shortage, or that this user may not."""
    if is_disk_full(error):
        return DiskFullError(path)
    return shortage(error) or UnwritableError(path, error.strerror or str(error))


class UnreadableError(LedgerError):
    """A file exists, but this user cannot read it."""

    def __init__(self, path: Path, reason: str, *, want: str = "a readable file") -> None:
        super().__init__(f"got {reason!r} on reading {path}, want {want}")
        self.path, self.reason = path, reason


def unreadable(path: Path, error: OSError, *, want: str = "a readable file") -> LedgerError:
    """Return what to raise for `error` on reading `path`: a shortage, or that this user cannot."""
    return shortage(error) or UnreadableError(path, error.strerror or str(error), want=want)


class ClosedLedgerError(LedgerError):
    """A ledger was closed, and is asked for something."""

    def __init__(self) -> None:
        super().__init__("got a ledger that was closed, want an open one: open_ledger()")


class NothingToShowError(LedgerError):
    """The ledger is sound, and holds nothing of what was asked for."""

    def __init__(self, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found}, want {wanted}")
        self.found, self.wanted = found, wanted


# --- shortage ------------------------------------------------------------------------------------


class ShortageError(LedgerError):
    """The machine, or the process by its limits, had too little of something; the ledger is as it was.

    Never evidence of damage: nothing of a file was seen. `found` is what the system reported.
    """

    resource = "resources"

    def __init__(self, found: str) -> None:
        super().__init__(f"got no {self.resource} left ({found}), want some")
        self.found = found


class MemoryShortageError(ShortageError):
    """The process may not have, or the machine has not, the memory that was asked for."""

    resource = "memory"


class HandleShortageError(ShortageError):
    """No more files can be open, in this process or on this machine."""

    resource = "file handles"


class ProcessShortageError(ShortageError):
    """No process or thread can be started."""

    resource = "processes"


class ReaderShortageError(ShortageError):
    """As many processes read the database at this moment as it has slots for."""

    resource = "reader slots"


class KilledError(ShortageError):
    """A process that read for this one was ended from outside: by a person, or by the system when memory ran out."""

    def __init__(self, found: str) -> None:
        LedgerError.__init__(self, f"got {found} from the process that read the database, want it to finish")
        self.found = found


_BY_ERRNO: dict[int, type[ShortageError]] = {
    errno.ENOMEM: MemoryShortageError,
    errno.EMFILE: HandleShortageError,
    errno.ENFILE: HandleShortageError,
}
# What libraries and the interpreter make of a failed allocation, mapping, opening or start, by their text alone.
_BY_WORDS: dict[str, type[ShortageError]] = {
    "Cannot allocate memory": MemoryShortageError,
    "Too many open files": HandleShortageError,
    "can't start new thread": ProcessShortageError,
    "MDB_READERS_FULL": ReaderShortageError,
}


def shortage(error: BaseException) -> ShortageError | None:
    """Return what to raise for `error` where it reports a shortage; None where it reports anything else."""
    if isinstance(error, ShortageError):
        return error
    if isinstance(error, MemoryError):
        return MemoryShortageError(str(error) or "no more can be allocated")
    if isinstance(error, OSError) and error.errno is not None:
        kind = _BY_ERRNO.get(error.errno)
        return None if kind is None else kind(error.strerror or str(error))
    text = str(error)
    kind = next((kind for words, kind in _BY_WORDS.items() if words in text), None)
    return None if kind is None else kind(text)


# --- appending -----------------------------------------------------------------------------------


class ConflictError(LedgerError):
    """The log moved between read and append; read again and retry."""

    def __init__(self, *, expected: int, actual: int) -> None:
        super().__init__(f"got a log of {actual} events, want {expected}")
        self.expected, self.actual = expected, actual


class LedgerReplacedError(LedgerError):
    """A restore replaced the ledger that was read; read the new one and begin again."""

    def __init__(self, *, expected: Path, actual: Path) -> None:
        super().__init__(f"got {actual.name} in use, want {expected.name}, which was read")
        self.expected, self.actual = expected, actual


class AppendIdError(LedgerError):
    """An append id was used before, for other events."""

    def __init__(self, append_id: bytes, *, first: int, reason: str) -> None:
        super().__init__(
            f"got other events under append id {append_id.hex()} ({reason}), want those stored from seq {first}"
        )
        self.append_id, self.first, self.reason = append_id, first, reason


class BodyTooLargeError(LedgerError):
    """One event is larger than the log takes."""

    def __init__(self, *, body_bytes: int, limit_bytes: int) -> None:
        super().__init__(f"got an event of {body_bytes} bytes, want at most {limit_bytes}")
        self.body_bytes, self.limit_bytes = body_bytes, limit_bytes


class DiskFullError(LedgerError):
    """The disk took no more; the log is intact."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"got a full disk at {path}, want free space")
        self.path = path


class StorageError(LedgerError):
    """The database engine failed; `landed` is whether the append is on disk all the same, None when unknown."""

    def __init__(self, path: Path, reason: str, *, landed: bool | None = None) -> None:
        outcome = {True: "; the append landed", False: "; the append did not land", None: ""}[landed]
        super().__init__(f"got {reason!r} from the database at {path}, want a sound commit{outcome}")
        self.path, self.reason, self.landed = path, reason, landed


class ProviderClockError(LedgerError):
    """The provider's clock and ours are too far apart to date anything."""

    def __init__(self, provider: str, *, apart_s: int, limit_s: int) -> None:
        super().__init__(f"got a clock {apart_s} s away from {provider}'s, want at most {limit_s} s")
        self.provider, self.apart_s, self.limit_s = provider, apart_s, limit_s


class CotahistError(LedgerError):
    """A file is not a complete COTAHIST file; nothing of it was appended."""

    def __init__(self, name: str, *, line: int | None, found: str, wanted: str) -> None:
        place = name if line is None else f"line {line} of {name}"
        super().__init__(f"got {found} in {place}, want {wanted}")
        self.name, self.line, self.found, self.wanted = name, line, found, wanted


# --- locks ---------------------------------------------------------------------------------------


class WriterLockError(LedgerError):
    """Another process held the writer lock for as long as we waited."""

    def __init__(self, path: Path, *, waited_s: float, holder_pid: int | None) -> None:
        holder = f"held by pid {holder_pid}" if holder_pid is not None else "held"
        super().__init__(f"got the writer lock {holder} after {waited_s:g} s, want it free ({path})")
        self.path, self.waited_s, self.holder_pid = path, waited_s, holder_pid


class TickerLockError(LedgerError):
    """Another job is at work on the ticker."""

    def __init__(self, ticker: str, *, waited_s: float, holder_pid: int | None, holder_job_id: bytes | None) -> None:
        # Imported here: importing this module for a name must not cost the import of the hash behind ids.
        from ledger import ids

        pid = "unknown" if holder_pid is None else str(holder_pid)
        job = "unknown" if holder_job_id is None else ids.text(holder_job_id)
        super().__init__(f"got {ticker} locked by pid {pid}, job {job} after {waited_s:g} s, want it free")
        self.ticker, self.waited_s = ticker, waited_s
        self.holder_pid, self.holder_job_id = holder_pid, holder_job_id


# --- integrity -----------------------------------------------------------------------------------


class DamagedError(LedgerError):
    """A stored record is damaged; nothing from it on can be trusted."""

    def __init__(self, seq: int, kind: str, *, expected: str, found: str) -> None:
        super().__init__(f"got {kind} at seq {seq}: {found}, want {expected}")
        self.seq, self.kind, self.expected, self.found = seq, kind, expected, found


class UnknownEventError(LedgerError):
    """An event has a tag that this version does not know; a fold cannot continue past it."""

    def __init__(self, seq: int, tag: str) -> None:
        super().__init__(f"got event type {tag!r} at seq {seq}, want one that this version knows")
        self.seq, self.tag = seq, tag


class RolledBackError(LedgerError):
    """The log is shorter than a head that was remembered outside it."""

    def __init__(self, *, witness: str, expected_size: int, expected_link: bytes, size: int, link: bytes) -> None:
        super().__init__(f"got a log of {size} events, want the {expected_size} that the {witness} remembers")
        self.witness = witness
        self.expected_size, self.expected_link = expected_size, expected_link
        self.size, self.link = size, link


class ForkedError(LedgerError):
    """The log holds another event where a remembered head was."""

    def __init__(
        self, *, witness: str, expected_size: int, expected_link: bytes, found_link: bytes, size: int, link: bytes
    ) -> None:
        super().__init__(
            f"got link {found_link.hex()[:16]} at seq {expected_size - 1}, "
            f"want {expected_link.hex()[:16]} that the {witness} remembers"
        )
        self.witness = witness
        self.expected_size, self.expected_link, self.found_link = expected_size, expected_link, found_link
        self.size, self.link = size, link


class AnchorDamagedError(LedgerError):
    """The head remembered outside the database cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"got an anchor that is damaged ({reason}) at {path}, want a remembered head")
        self.path, self.reason = path, reason


# --- backups -------------------------------------------------------------------------------------


class NoArchiveError(LedgerError):
    """There is no file where an archive was expected."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"got no file at {path}, want an archive")
        self.path = path


class NotAnArchiveError(LedgerError):
    """A file exists, but it does not begin as an archive does."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(f"got {found} at {path}, want an archive")
        self.path, self.found = path, found


class ArchiveDamagedError(DamagedError):
    """An archive is damaged; nothing in it is used."""

    def __init__(self, path: Path, seq: int, kind: str, *, expected: str, found: str) -> None:
        super().__init__(seq, kind, expected=expected, found=f"{found} (in {path})")
        self.path = path


class ChecksumDamagedError(LedgerError):
    """A `.checksum` file exists, but holds no SHA-256."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(f"got {found} in {path}, want 64 hex digits and a file name")
        self.path, self.found = path, found


class NameTakenError(LedgerError):
    """The name of a file to be written is taken."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"got a file at {path} already, want a free name")
        self.path = path


class WrongKindError(LedgerError):
    """A backup of the sample was to be restored over real data; the two never mix."""

    def __init__(self, path: Path, root: Path) -> None:
        super().__init__(f"got a backup of the sample ({path}) for {root}, which holds a real ledger, want a real one")
        self.path, self.root = path, root


class NothingToSalvageError(LedgerError):
    """Not even event 0 could be read."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"got no readable event 0 in {path}, want a prefix to save")
        self.path = path


class RestoreRefusedError(LedgerError):
    """A restore would replace events that the archive lacks, and nobody allowed it; nothing was changed."""

    def __init__(self, path: Path, found: str, *, wanted: str = "--yes") -> None:
        super().__init__(f"got {found}, want {wanted} before it is replaced")
        self.path, self.found = path, found


class RollbackRefusedError(RestoreRefusedError):
    """A restore would drop events of an intact ledger, and nobody allowed it."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(path, found, wanted="--rollback --yes")


# --- what none of it means -----------------------------------------------------------------------

# Errors of the surroundings: none of them is evidence about what a file holds, so none is a verdict on it.
SURROUNDINGS = (ShortageError, UnreadableError, UnwritableError, DiskFullError)
_FORBIDDEN = frozenset(os.strerror(number) for number in (errno.EACCES, errno.EPERM, errno.EROFS))


def kept_out(error: LedgerError) -> bool:
    """Whether a shortage or a missing permission kept this process from its work, which says nothing of that work."""
    if isinstance(error, UnreadableError | UnwritableError):
        return error.reason in _FORBIDDEN
    return isinstance(error, ShortageError)
