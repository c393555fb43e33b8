"""The archive: a framed copy of a log in one file, the same bytes for the same events.

No counts and no trailer: the archive of events [0, n) is a byte prefix of the archive of [0, m) for n <= m.

Source: docs/format.md, "Archive".
"""

import os
import re
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from blake3 import blake3

from ledger.chain import GENESIS, Link, Record, Seq
from ledger.codec import BODY_LIMIT_BYTES, decode_envelope, decode_event
from ledger.errors import DamagedError, NewerFormatError, NoArchiveError, NotAnArchiveError, UnreadableError
from ledger.events import LedgerCreated
from ledger.walker import seq_prefix

HEADER = b"b3-ledger archive 1\n"
FRAME = struct.Struct(">I32s")  # body length, link
CUT_FRAME = "cut frame"

_ANY_HEADER = re.compile(rb"b3-ledger archive ([2-9]|[1-9][0-9]+)\n")


def frame(record: Record) -> bytes:
    """Return what stands for `record` in an archive: its body's length, its link, its body."""
    return FRAME.pack(len(record.body), record.link) + record.body


def open_archive(path: Path) -> int:
    """Return a file descriptor of the archive at `path`, past its header.

    Raises: NoArchiveError; UnreadableError; NotAnArchiveError for anything that begins otherwise;
    NewerFormatError for an archive of a later version.
    """
    try:
        # A pipe of that name would keep us waiting for its other end.
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NoArchiveError(path) from error
    except OSError as error:
        raise UnreadableError(path, error.strerror or str(error)) from error
    try:
        _check_file(fd, path)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _check_file(fd: int, path: Path) -> None:
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise NotAnArchiveError(path, "something other than a regular file")
    check_header(os.read(fd, 2 * len(HEADER)), path)
    os.lseek(fd, len(HEADER), os.SEEK_SET)


def check_header(first: bytes, path: Path) -> None:
    """Return quietly when a file whose first bytes are `first` is an archive of this version.

    Raises: NotAnArchiveError; NewerFormatError.
    """
    if first.startswith(HEADER):
        return
    if newer := _ANY_HEADER.match(first):
        raise NewerFormatError(path, found=_name(newer[0]), known=_name(HEADER))
    raise NotAnArchiveError(path, "an empty file" if not first else f"a file that begins {first[: len(HEADER)]!r}")


def records(file: BinaryIO, *, start: int = 0, prev: Link = GENESIS) -> Iterator[Record]:
    """Yield the records of all frames from here to the end of `file`, each checked before it is given out.

    `file` stands at the frame of seq `start`, whose event follows the link `prev`.
    Holds one body at a time; a length is checked before anything is allocated for it.

    Raises: DamagedError naming the first frame that does not hold; of kind `CUT_FRAME` when the file ends inside it.
    """
    hasher = blake3()
    read, unpack, reset, update, digest = file.read, FRAME.unpack, hasher.reset, hasher.update, hasher.digest
    seq, frame_bytes, limit_bytes = start, FRAME.size, BODY_LIMIT_BYTES
    while head := read(frame_bytes):
        if len(head) < frame_bytes:
            raise _cut(seq, frame_bytes, len(head))
        body_bytes, link = unpack(head)
        if body_bytes > limit_bytes:
            raise DamagedError(seq, "body length", expected=f"at most {limit_bytes}", found=str(body_bytes))
        body = read(body_bytes)
        if len(body) < body_bytes:
            raise _cut(seq, frame_bytes + body_bytes, frame_bytes + len(body))
        reset()
        update(prev + body)
        prev = Link(digest())
        if link != prev:
            raise DamagedError(seq, "link", expected=prev.hex(), found=link.hex())
        if not body.startswith(seq_prefix(seq)):
            want = seq_prefix(seq)
            raise DamagedError(seq, "seq", expected=want.hex(), found=body[: len(want)].hex())
        yield Record(Seq(seq), prev, body)
        seq += 1


def first_event(record: Record) -> LedgerCreated:
    """Return the event that every log begins with, from the record of seq 0.

    Raises: DamagedError when it is another one.
    """
    envelope = decode_envelope(0, record.body)
    if envelope.type != LedgerCreated.TAG:
        raise DamagedError(0, "first event", expected=LedgerCreated.TAG, found=envelope.type)
    event = decode_event(envelope)
    assert isinstance(event, LedgerCreated)  # noqa: S101 - what that tag decodes to
    return event


def _cut(seq: int, want_bytes: int, found_bytes: int) -> DamagedError:
    return DamagedError(seq, CUT_FRAME, expected=f"{want_bytes} bytes", found=f"{found_bytes} bytes, then the end")


def _name(header: bytes) -> str:
    return header.decode("ascii").removesuffix("\n")
