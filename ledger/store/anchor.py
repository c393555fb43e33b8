"""The head remembered outside the database: without it, one changed meta field makes the last commits vanish.

Two fixed slots, written in turn by one pwrite and never fsynced: the anchor may lag behind the log,
never run ahead of it, and a torn slot leaves the other one.

Source: docs/format.md, "Anchor".
"""

import os
import struct
from pathlib import Path

from blake3 import blake3

from ledger.chain import LINK_BYTES, Head, Link
from ledger.errors import AnchorDamagedError, unreadable, unwritable
from ledger.files.durable import open_private, pwrite_whole
from ledger.files.regular import open_own, read_regular

SLOT = struct.Struct(">Q32s24s")  # size, link, checksum
SLOTS = 2
ANCHOR_BYTES = SLOTS * SLOT.size
CHECKSUM_BYTES = 24
LONGEST_BYTES = 64 * 1024  # of a file that is read whole only to report how long it is


def pack_slot(head: Head) -> bytes:
    """Return the 64 bytes of a slot that remembers `head`."""
    body = head.size.to_bytes(8, "big") + head.link
    return body + blake3(body).digest(length=CHECKSUM_BYTES)


def unpack_slot(slot: bytes) -> Head | None:
    """Return the head in `slot`, None when its checksum does not hold."""
    body = slot[: 8 + LINK_BYTES]
    if blake3(body).digest(length=CHECKSUM_BYTES) != slot[8 + LINK_BYTES :]:
        return None
    return Head(int.from_bytes(body[:8], "big"), Link(body[8:]))


def read_anchor(path: Path) -> Head | None:
    """Return the newest head remembered in the file `path`; None when there is no such file.

    Raises: AnchorDamagedError when neither slot holds; UnreadableError without permission.
    """
    try:
        raw = read_regular(path, limit_bytes=LONGEST_BYTES, follow=False)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error
    return newest(_heads(raw, path), path)


def newest(heads: list[Head | None], path: Path) -> Head:
    """Return the head of the slot that remembers more events.

    Raises: AnchorDamagedError when neither slot holds.
    """
    good = [head for head in heads if head is not None]
    if not good:
        raise AnchorDamagedError(path, "no slot holds")
    return max(good, key=lambda head: head.size)


def _heads(raw: bytes, path: Path) -> list[Head | None]:
    if len(raw) != ANCHOR_BYTES:
        raise AnchorDamagedError(path, f"{len(raw)} bytes long, not {ANCHOR_BYTES}")
    return [unpack_slot(raw[: SLOT.size]), unpack_slot(raw[SLOT.size :])]


class Anchor:
    """The anchor file of a ledger that is written to, kept open; guarded by the writer lock."""

    def __init__(self, path: Path) -> None:
        """Open an existing anchor.

        Raises: UnwritableError.
        """
        self._path = path
        try:
            self._fd = open_own(path, os.O_RDWR)
        except OSError as error:
            raise unwritable(path, error) from error
        self._next_slot = 0

    @classmethod
    def create(cls, path: Path, head: Head) -> "Anchor":
        """Create the file `path`, mode 0600, with `head` in both slots; its name is not durable yet.

        Raises: DiskFullError, UnwritableError.
        """
        try:
            fd = open_private(path, os.O_WRONLY)
            try:
                pwrite_whole(fd, pack_slot(head) * SLOTS, 0)
                os.ftruncate(fd, ANCHOR_BYTES)
                os.fsync(fd)
            finally:
                os.close(fd)
        except OSError as error:
            raise unwritable(path, error) from error
        return cls(path)

    def read(self) -> Head:
        """Return the newest head remembered; the next `write` overwrites the other slot.

        Raises: AnchorDamagedError when neither slot holds.
        """
        heads = _heads(os.pread(self._fd, ANCHOR_BYTES + 1, 0), self._path)
        head = newest(heads, self._path)
        self._next_slot = 1 if head == heads[0] else 0
        return head

    def write(self, head: Head) -> None:
        """Remember `head` in the slot that did not hold the newest one at the last `read`.

        Raises: DiskFullError, UnwritableError; the other slot is as it was.
        """
        try:
            pwrite_whole(self._fd, pack_slot(head), self._next_slot * SLOT.size)
        except OSError as error:
            raise unwritable(self._path, error) from error
        self._next_slot = 1 - self._next_slot

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
