"""What the shim writes down: every change to a folder's files and names, in the order in which they succeeded."""

import os
import struct
from collections.abc import Callable, Iterator
from enum import IntEnum
from itertools import pairwise
from pathlib import Path

import msgspec

from tests.faults.shim import Shim
from tests.kills.victim import Victim

HEAD = struct.Struct("<BBHHQqI")
MARKS = ".marks"


class Kind(IntEnum):
    """What was done; the numbers are those of shim.c."""

    CREATE, WRITE, TRUNCATE, SYNC, MKDIR, RENAME, UNLINK = range(1, 8)


class Call(msgspec.Struct, frozen=True):
    """One call that succeeded. `synced` when it also made durable what it wrote."""

    kind: Kind
    synced: bool
    path: str
    path2: str
    inode: int
    offset: int
    data: bytes


def recorded(shim: Shim, root: Path, journal: Path, work: Callable[[int], object]) -> list[Call]:
    """Return the calls below `root` of `work`, done in a child; what it writes to its descriptor is among them.

    Those writes are marks: they say what had been acknowledged by then.
    """

    def watched(_said: int) -> None:
        shim.record(root, journal)
        work(os.open(root / MARKS, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))

    said, code = Victim(watched).end()
    assert (b"", 0) == (said, code)
    return list(_parsed(journal.read_bytes()))


def _parsed(journal: bytes) -> Iterator[Call]:
    at = 0
    while at < len(journal):
        kind, synced, path_bytes, path2_bytes, inode, offset, data_bytes = HEAD.unpack_from(journal, at)
        ends = [at := at + HEAD.size, at := at + path_bytes, at := at + path2_bytes, at := at + data_bytes]
        path, path2, data = (journal[start:stop] for start, stop in pairwise(ends))
        yield Call(Kind(kind), bool(synced), path.decode(), path2.decode(), inode, offset, data)
