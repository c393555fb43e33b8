"""The scan of an archive while it is written: children check its pieces, each taken by the one that is free first.

The link before any piece is stored, so each can be checked by itself; what was found is one scan where they join.
"""

import struct
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial, reduce
from pathlib import Path
from typing import Self

import msgspec
from msgspec.structs import replace

from ledger.audit.counts import merged
from ledger.backup.frames import START, Mark
from ledger.backup.scan import Scan, ScannedPart, Scanner, scan_of
from ledger.errors import UnreadableError, unreadable
from ledger.files.checksum import hash_file
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.files.piece_queue import PieceQueue

CHILDREN = 2
PIECE = struct.Struct(">QQ32sQ")  # where it begins, as a mark says it, and the offset where it ends


class ScanBehind:
    """The counted scan of an archive by child processes, which check what this one has written meanwhile; a `with`."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, START

    def __enter__(self) -> Self:
        """Begin, before the first byte is written.

        Raises: ShortageError; OSError.
        """
        self._queue, self._children = PieceQueue(PIECE.size), list[IsolatedProcess[_CheckedPieces]]()
        with ExitStack() as unless_begun:
            unless_begun.push(self.__exit__)
            for _ in range(CHILDREN):
                self._children.append(IsolatedProcess(partial(_check_pieces, self._path, self._queue), _CheckedPieces))
            self._queue.started()
            unless_begun.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.end()
        for child in self._children:
            child.end()

    def grown(self, values: Sequence[bytes]) -> None:
        """Hand the frames of `values`, which were written last, to whichever child is free first."""
        begin, self._at = self._at, self._at.after(values)
        self._queue.hand(PIECE.pack(begin.seq, begin.offset_bytes, begin.prev, self._at.offset_bytes))

    def result(self) -> Scan:
        """Return what the whole file holds, and what hash the disk gives back of it meanwhile; call it once.

        Raises: as `scan` does.
        """
        self._queue.end()
        checked = []
        try:
            hashed = hash_file(self._path)
            while self._children:
                checked.append(self._children.pop().result())
            part = _joined(checked, hashed.file_bytes)
            if part is None:
                # Read in order, it says what holds up to the first flaw.
                part = Scanner(self._path, counted=True, meaning=False, advance=None, processes=1).run_in_order()
            return scan_of(self._path, part, hashed, counted=True)
        except OSError as error:
            raise unreadable(self._path, error) from error
        except IsolatedProcessError as error:
            raise UnreadableError(self._path, error.how) from error


class _CheckedPieces(msgspec.Struct, frozen=True):
    """What a child found in the pieces that it took: where each begins and ends, and all of them as one part."""

    spans: tuple[tuple[Mark, Mark], ...]
    part: ScannedPart


def _check_pieces(path: Path, queue: PieceQueue) -> _CheckedPieces:
    """Scan pieces of the archive at `path` until there are no more, or one that does not hold."""
    scanner = Scanner(path, counted=True, meaning=False, advance=None, processes=1)
    spans: list[tuple[Mark, Mark]] = []
    for piece in queue.taken():
        seq, offset_bytes, prev, end_bytes = PIECE.unpack(piece)
        begin = Mark(seq, offset_bytes, prev)
        if flaw := scanner.pass_over(begin, end_bytes=end_bytes):
            return _CheckedPieces(tuple(spans), scanner.part(flaw))
        spans.append((begin, scanner.at))
    return _CheckedPieces(tuple(spans), scanner.part(None))


def _joined(checked: Sequence[_CheckedPieces], file_bytes: int) -> ScannedPart | None:
    """Return the pieces that children checked as one part, None unless that is all of the file, and all of it holds.

    The first follows no event, each of the others the one before it.
    """
    spans = sorted((span for one in checked for span in one.spans), key=lambda span: span[0].seq)
    begins, ends = [begin for begin, _ in spans], [START, *(end for _, end in spans)]
    if not spans or any(one.part.flaw for one in checked) or begins != ends[:-1] or ends[-1].offset_bytes != file_bytes:
        return None
    parts = [one.part for one in checked]
    return replace(
        parts[0],
        end=ends[-1],
        created=next((part.created for part in parts if part.created), None),
        marks=tuple(sorted((mark for part in parts for mark in part.marks), key=lambda mark: mark.seq)),
        counts=reduce(merged, (part.counts for part in parts)),
    )
