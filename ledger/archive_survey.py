"""One pass over an archive: what holds in it, where its frames lie, and the hash of the file."""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, cast

import msgspec

from ledger.archive import FRAME, HEADER, first_event, open_archive, records
from ledger.chain import EMPTY_HEAD, Head, Link, Record
from ledger.errors import DamagedError, UnreadableError
from ledger.events import LedgerCreated
from ledger.hashed_file import BUFFER_BYTES, HashedFile
from ledger.walker import Flaw

MARK_EVENTS = 1024

Each = Callable[[Record], object]


class Mark(msgspec.Struct, frozen=True):
    """Where the frame of `seq` begins, and the link that its event follows."""

    seq: int
    offset_bytes: int
    prev: Link


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass found: `head` and `good_bytes` are of the longest prefix that holds, the hash is of the whole file.

    One mark every `MARK_EVENTS` events. `created` None when not even event 0 holds.
    """

    path: Path
    head: Head
    created: LedgerCreated | None
    marks: tuple[Mark, ...]
    body_bytes: int
    good_bytes: int
    archive_bytes: int
    sha256: bytes
    flaw: Flaw | None


def survey(path: Path, each: Each | None = None) -> Survey:
    """Return what the archive at `path` holds; damage is a flaw, not an error.

    Calls `each` with every record that holds, in order. One pass; memory does not grow with the file
    but for a mark of some 100 bytes in a thousand events.

    Raises: NoArchiveError, NotAnArchiveError, NewerFormatError; UnreadableError.
    """
    fd = open_archive(path)
    try:
        os.lseek(fd, 0, os.SEEK_SET)
        hashed = HashedFile(fd, "rb")
        with io.BufferedReader(hashed, BUFFER_BYTES) as file:
            file.read(len(HEADER))
            going = _Pass(each)
            flaw = going.run(cast("BinaryIO", file))
            while file.read(BUFFER_BYTES):
                pass  # what lies behind a flaw belongs to the hash all the same
        return going.survey(path, hashed, flaw)
    except OSError as error:
        raise UnreadableError(path, error.strerror or str(error)) from error
    finally:
        os.close(fd)


class _Pass:
    """What is known while the pass goes on."""

    def __init__(self, each: Each | None) -> None:
        self._each = each
        self._last: Record | None = None
        self._created: LedgerCreated | None = None
        self._marks: list[Mark] = []
        self._body_bytes = 0

    def run(self, file: BinaryIO) -> Flaw | None:
        each = self._each
        try:
            for record in records(file):
                if record.seq % MARK_EVENTS == 0:
                    self._mark(record)
                if each is not None:
                    each(record)
                self._body_bytes += len(record.body)
                self._last = record
        except DamagedError as error:
            return Flaw(error.seq, error.kind, error.expected, error.found)
        return None if self._created else Flaw(0, "missing event", LedgerCreated.TAG, "the end")

    def survey(self, path: Path, hashed: HashedFile, flaw: Flaw | None) -> Survey:
        return Survey(
            path=path,
            head=self._head(),
            created=self._created if self._last else None,
            marks=tuple(self._marks),
            body_bytes=self._body_bytes,
            good_bytes=self._good_bytes(),
            archive_bytes=hashed.bytes_passed,
            sha256=hashed.digest(),
            flaw=flaw,
        )

    def _mark(self, record: Record) -> None:
        if record.seq == 0:
            self._created = first_event(record)
        self._marks.append(Mark(record.seq, self._good_bytes(), self._head().link))

    def _head(self) -> Head:
        return Head(self._last.seq + 1, self._last.link) if self._last else EMPTY_HEAD

    def _good_bytes(self) -> int:
        return len(HEADER) + FRAME.size * self._head().size + self._body_bytes
