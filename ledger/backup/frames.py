"""The archive: a framed copy of a log in one file, the same bytes for the same events.

No counts and no trailer: the archive of events [0, n) is a byte prefix of the archive of [0, m) for n <= m.

Source: docs/format.md, "Archive".
"""

import os
import re
import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from ledger.audit.rehash import count_good, flaw_of
from ledger.chain import GENESIS, LINK_BYTES, Link, Record, Seq
from ledger.codec import BODY_LIMIT_BYTES
from ledger.errors import DamagedError, NewerFormatError, NoArchiveError, NotAnArchiveError, unreadable

HEADER = b"b3-ledger archive 1\n"
FRAME = struct.Struct(">I32s")  # body length, link
LENGTH = struct.Struct(">I")
CUT_FRAME = "cut frame"
BUFFER_BYTES = 256 * 1024  # what is read at a time: with its frames taken apart it stays in the processor's cache

_ANY_HEADER = re.compile(rb"b3-ledger archive ([2-9]|[1-9][0-9]+)\n")


class Mark(msgspec.Struct, frozen=True):
    """Where the frame of `seq` begins, and the link that its event follows."""

    seq: int
    offset_bytes: int
    prev: Link

    def after(self, values: Sequence[bytes]) -> "Mark":
        """Return where the frames of `values` (link ‖ body, at least one), which begin here, end."""
        frame_bytes = sum(map(len, values)) + LENGTH.size * len(values)
        return Mark(self.seq + len(values), self.offset_bytes + frame_bytes, Link(values[-1][:LINK_BYTES]))


START = Mark(0, len(HEADER), GENESIS)


def frame(record: Record) -> bytes:
    """Return the frame of `record`: its body's length, its link, its body."""
    return FRAME.pack(len(record.body), record.link) + record.body


def frames(values: Sequence[bytes]) -> bytes:
    """Return the frames of events as a log stores them, link ‖ body, joined: a length before each value."""
    lengths = [len(value) - LINK_BYTES for value in values]
    packed = {length: LENGTH.pack(length) for length in set(lengths)}
    pieces = [b""] * (2 * len(values))
    pieces[::2], pieces[1::2] = map(packed.__getitem__, lengths), values
    return b"".join(pieces)


def open_archive(path: Path) -> int:
    """Return a file descriptor of the archive at `path`, past its header.

    Raises: NoArchiveError; UnreadableError; NotAnArchiveError for anything that begins otherwise;
    NewerFormatError for an archive of a later version.
    """
    try:
        # A pipe of that name would block until its other end is opened.
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NoArchiveError(path) from error
    except OSError as error:
        raise unreadable(path, error) from error
    with ExitStack() as unless_returned:
        unless_returned.callback(os.close, fd)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise NotAnArchiveError(path, "something other than a regular file")
        check_header(os.read(fd, 2 * len(HEADER)), path)
        os.lseek(fd, len(HEADER), os.SEEK_SET)
        unless_returned.pop_all()
    return fd


def check_header(first: bytes, path: Path) -> None:
    """Return quietly when a file whose first bytes are `first` is an archive of this version.

    Raises: NotAnArchiveError; NewerFormatError.
    """
    if first.startswith(HEADER):
        return
    if newer := _ANY_HEADER.match(first):
        raise NewerFormatError(path, found=_name(newer[0]), known=_name(HEADER))
    raise NotAnArchiveError(path, "an empty file" if not first else f"a file that begins {first[: len(HEADER)]!r}")


def opened(path: Path, mark: Mark = START) -> BinaryIO:
    """Return the archive at `path`, open at `mark`; unbuffered, since it is read by the buffer.

    Raises: as `open_archive` does.
    """
    fd = open_archive(path)
    os.lseek(fd, mark.offset_bytes, os.SEEK_SET)
    return open(fd, "rb", buffering=0)


class Readable(Protocol):
    """A file open for reading."""

    def read(self, size: int, /) -> bytes:
        """Return what comes next, `size` bytes at most; nothing at the end."""
        ...


class Stretch:
    """What comes next in a file that is open, and ends after so many bytes."""

    def __init__(self, file: Readable, stretch_bytes: int) -> None:
        self._file, self._left_bytes = file, stretch_bytes

    def read(self, size: int, /) -> bytes:
        """Return what comes next, `size` bytes at most; nothing at the end."""
        content = self._file.read(min(size, self._left_bytes))
        self._left_bytes -= len(content)
        return content


def runs(file: Readable, *, start: int = 0) -> Iterator[list[bytes]]:
    """Yield the values (link ‖ body) of all frames from here to the end of `file`, one list per buffer read.

    `file` is at the frame of seq `start`. Nothing is hashed. Holds one buffer, or one body where that is longer;
    a length is checked before anything is allocated for it.

    Raises: DamagedError naming the first frame that is too long, or of kind `CUT_FRAME` when the file ends inside it.
    """
    seq, rest = start, b""
    unpack, length_bytes, frame_bytes = LENGTH.unpack_from, LENGTH.size, FRAME.size
    while buffer := file.read(max(BUFFER_BYTES, _frame_bytes(seq, rest) - len(rest))):
        buffer, values = rest + buffer, []
        at, end = 0, len(buffer)
        # This loop is what reading an archive costs.
        while at + frame_bytes <= end:
            (body_bytes,) = unpack(buffer, at)
            stop = at + frame_bytes + body_bytes
            if stop > end:
                break
            values.append(buffer[at + length_bytes : stop])
            at = stop
        rest = buffer[at:]
        if values:
            yield values
            seq += len(values)
    if rest:
        found = f"{len(rest)} bytes, then the end"
        raise DamagedError(seq, CUT_FRAME, expected=f"{_frame_bytes(seq, rest)} bytes", found=found)


def _frame_bytes(seq: int, begun: bytes) -> int:
    """Return how long the frame of `seq` is, as far as its first bytes, `begun`, show.

    Raises: DamagedError over the limit.
    """
    if len(begun) < FRAME.size:
        return FRAME.size
    body_bytes, _ = FRAME.unpack_from(begun)
    if body_bytes > BODY_LIMIT_BYTES:
        raise DamagedError(seq, "body length", expected=f"at most {BODY_LIMIT_BYTES}", found=str(body_bytes))
    return FRAME.size + int(body_bytes)


def why_bad(value: bytes, *, seq: int, prev: Link) -> DamagedError:
    """Return what is wrong with a value that `count_good` did not count."""
    flaw = flaw_of(value, seq=seq, prev=prev)
    return DamagedError(seq, flaw.kind, expected=flaw.expected, found=flaw.found)


def records(file: BinaryIO, *, start: int = 0, prev: Link = GENESIS) -> Iterator[Record]:
    """Yield the records of all frames from here to the end of `file`, each checked before it is yielded.

    `file` is at the frame of seq `start`, whose event follows the link `prev`. Memory: as `runs`.

    Raises: DamagedError naming the first frame that does not hold; of kind `CUT_FRAME` when the file ends inside it.
    """
    for values in runs(file, start=start):
        good = count_good(values, start=start, prev=prev)
        for value in values[:good]:
            prev = Link(value[:LINK_BYTES])
            yield Record(Seq(start), prev, value[LINK_BYTES:])
            start += 1
        if good < len(values):
            raise why_bad(values[good], seq=start, prev=prev)


def _name(header: bytes) -> str:
    return header.decode().removesuffix("\n")
