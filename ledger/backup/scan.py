"""One look at an archive: what holds in it, where its frames lie, and the hash of the file.

The link before any frame is stored, so any part of a large file stands alone and two cores share the work.
"""

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from hashlib import file_digest, sha256
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec.structs import replace

from ledger.audit.rehash import Flaw, count_good
from ledger.backup.counts import Counts, Tally, together
from ledger.backup.frames import FRAME, HEADER, LENGTH, open_archive, runs, why_bad
from ledger.chain import GENESIS, LINK_BYTES, Head, Link
from ledger.codec import decode_created, decode_envelopes
from ledger.errors import DamagedError, UnreadableError, unreadable
from ledger.events import LedgerCreated
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError

WORTH_MORE_PROCESSES_BYTES = 8 * 1024 * 1024

Each = Callable[[int], object]  # called with how many events more are done


class Mark(msgspec.Struct, frozen=True):
    """Where the frame of `seq` begins, and the link that its event follows."""

    seq: int
    offset_bytes: int
    prev: Link


START = Mark(0, len(HEADER), GENESIS)


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: `head` and `good_bytes` are of the longest prefix that holds, the hash is of the whole file.

    A mark for each buffer that was read, some 256 KiB. `created` None when not even event 0 holds;
    `counts` are of what holds, None where nobody asked for them.
    """

    path: Path
    head: Head
    created: LedgerCreated | None
    marks: tuple[Mark, ...]
    counts: Counts | None
    body_bytes: int
    good_bytes: int
    archive_bytes: int
    sha256: bytes
    flaw: Flaw | None


def survey(path: Path, *, counted: bool = False, each: Each | None = None) -> Survey:
    """Return what the archive at `path` holds; damage is a flaw, not an error.

    `counted` also counts its events: then a body that is no envelope is a flaw.
    Reads the file twice, once for the chain and once for the SHA-256, a large one in three processes at once.
    Memory does not grow with the file but for a mark of some 100 bytes in 256 KiB.

    Raises: NoArchiveError, NotAnArchiveError, NewerFormatError; UnreadableError, also when it changes meanwhile.
    """
    try:
        with opened(path) as file:
            large = os.fstat(file.fileno()).st_size >= WORTH_MORE_PROCESSES_BYTES
        walk = _Walk(path, counted=counted, each=_twice(each) if large and each else each)
        walked, hashed = _shared(walk) if large else _alone(walk)
    except OSError as error:
        raise unreadable(path, error) from error
    except IsolatedProcessError as error:
        raise UnreadableError(path, error.how) from error
    return Survey(
        path=path,
        head=Head(walked.end.seq, walked.end.prev),
        created=walked.created,
        marks=walked.marks,
        counts=walked.counts if counted else None,
        body_bytes=walked.end.offset_bytes - len(HEADER) - FRAME.size * walked.end.seq,
        good_bytes=walked.end.offset_bytes,
        archive_bytes=hashed.archive_bytes,
        sha256=hashed.sha256,
        flaw=walked.flaw,
    )


def opened(path: Path, mark: Mark = START) -> BinaryIO:
    """Return the archive at `path`, open at `mark`; unbuffered, since it is read by the buffer.

    Raises: as `open_archive` does.
    """
    fd = open_archive(path)
    os.lseek(fd, mark.offset_bytes, os.SEEK_SET)
    return open(fd, "rb", buffering=0)


def _twice(each: Each) -> Each:
    """Return what tells `each` of two events for one: of those that the other process checks at the same time too."""
    return lambda events: each(2 * events)


class _Hashed(msgspec.Struct, frozen=True):
    """A file's SHA-256, and of how many bytes it is."""

    sha256: bytes
    archive_bytes: int


class _Walked(msgspec.Struct, frozen=True, kw_only=True):
    """What holds from a mark on, and up to where."""

    end: Mark
    created: LedgerCreated | None
    marks: tuple[Mark, ...]
    counts: Counts
    flaw: Flaw | None


def _alone(walk: "_Walk") -> tuple[_Walked, _Hashed]:
    return walk.run(START), _hash(walk.path)


def _shared(walk: "_Walk") -> tuple[_Walked, _Hashed]:
    """Return what `_alone` does: this process walks the first half, one child the second, another one hashes."""
    hashing = IsolatedProcess(partial(_hash, walk.path), _Hashed)
    half = _halfway(walk.path)
    if half is None:
        return walk.run(START), hashing.result()
    rest = IsolatedProcess(partial(walk.run, half), _Walked)
    first = walk.run(START, stop=half.seq)
    # Both are waited for whatever comes of it: a child that nobody asks stays about as a zombie.
    walked, hashed = rest.result(), hashing.result()
    return _joined(walk.path, first, half, walked), hashed


def _joined(path: Path, first: _Walked, half: Mark, rest: _Walked) -> _Walked:
    if first.flaw is not None:
        return first
    if first.end != half:
        raise UnreadableError(path, "a file that changes")
    counts = together(first.counts, rest.counts)
    return replace(rest, created=first.created, marks=first.marks + rest.marks, counts=counts)


def _hash(path: Path) -> _Hashed:
    with path.open("rb") as file:
        return _Hashed(file_digest(file, sha256).digest(), file.tell())


def _halfway(path: Path) -> Mark | None:
    """Return where the second half of the frames begins if all lengths before it are true, None when they cannot be."""
    at = START
    with opened(path) as file, suppress(DamagedError):
        half_bytes = os.fstat(file.fileno()).st_size // 2
        for values in runs(file):
            at = _after(at, values)
            if at.offset_bytes >= half_bytes:
                return at
    return None


def _after(mark: Mark, values: Sequence[bytes]) -> Mark:
    """Return where the frames of `values` (at least one), which begin at `mark`, end."""
    frame_bytes = sum(map(len, values)) + LENGTH.size * len(values)
    return Mark(mark.seq + len(values), mark.offset_bytes + frame_bytes, Link(values[-1][:LINK_BYTES]))


class _Walk:
    """A walk over an archive's frames, and what it has found so far."""

    def __init__(self, path: Path, *, counted: bool, each: Each | None) -> None:
        self.path = path
        self._counted = counted
        self._tally = Tally()
        self._each = each
        self._created: LedgerCreated | None = None
        self._marks: list[Mark] = []

    def run(self, begin: Mark, *, stop: int | None = None) -> _Walked:
        """Return what holds from `begin` on, up to the seq `stop`, where a buffer ends, or to the end of the file."""
        self._at = begin
        flaw = self._flaw(stop)
        return _Walked(
            end=self._at, created=self._created, marks=tuple(self._marks), counts=self._tally.counts(), flaw=flaw
        )

    def _flaw(self, stop: int | None) -> Flaw | None:
        try:
            with opened(self.path, self._at) as file:
                for values in runs(file, start=self._at.seq):
                    self._check(values)
                    if self._at.seq == stop:
                        return None
        except DamagedError as error:
            return Flaw(error.seq, error.kind, error.expected, error.found)
        return None if self._at.seq else Flaw(0, "missing event", LedgerCreated.TAG, "the end")

    def _check(self, values: Sequence[bytes]) -> None:
        good = count_good(values, start=self._at.seq, prev=self._at.prev)
        if good:
            self._take(values[:good])
        if good < len(values):
            raise why_bad(values[good], seq=self._at.seq, prev=self._at.prev)

    def _take(self, values: Sequence[bytes]) -> None:
        """Know of `values`, which hold and follow what is known."""
        if self._at.seq == 0:
            self._created = decode_created(values[0][LINK_BYTES:])
        if self._counted:
            self._tally.add(decode_envelopes([value[LINK_BYTES:] for value in values], start=self._at.seq))
        self._marks.append(self._at)
        self._at = _after(self._at, values)
        if self._each is not None:
            self._each(len(values))
