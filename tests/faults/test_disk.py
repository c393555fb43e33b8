"""The model of a disk, held against what POSIX promises; a model that loses nothing would prove nothing."""

import random
from pathlib import Path

import pytest

from tests.faults.disk import Disk, Tree, replay
from tests.faults.recording import MARKS, Call, Kind

NEW = 9


def call(kind: Kind, path: str = "a", *, inode: int = NEW, offset: int = 0, data: bytes = b"", to: str = "") -> Call:
    """Return a call below the folder /t."""
    return Call(kind, False, f"/t/{path}", f"/t/{to}" if to else "", inode, offset, data)


def trees(disk: Disk) -> list[Tree]:
    """Return the distinct trees that a cut may leave now."""
    found: list[Tree] = []
    rng = random.Random(1)
    for changes in disk.images(rng, at_random=200):
        tree = disk.image(changes)
        if tree not in found:
            found.append(tree)
    return found


def by_names_first(tree: Tree) -> tuple[int, str]:
    """Return what puts trees in an order of their own."""
    return len(tree), str(tree)


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    """A disk with nothing on it."""
    disk = Disk(tmp_path)
    disk._root = Path("/t")
    return disk


def test_a_file_that_nobody_synced_may_be_there_or_not_whole_or_not(disk: Disk) -> None:
    """Name, length and content reach the disk on their own."""
    disk.apply(call(Kind.CREATE))
    disk.apply(call(Kind.WRITE, data=b"xy"))
    expected: list[Tree] = [{}, {"a": b""}, {"a": b"\0\0"}, {"a": b"xy"}]
    assert expected == sorted(trees(disk), key=by_names_first)


def test_a_synced_file_whose_folder_is_not_may_lack_its_name(disk: Disk) -> None:
    """And once the folder is synced it is there, whole, on every disk."""
    disk.apply(call(Kind.CREATE))
    disk.apply(call(Kind.WRITE, data=b"xy"))
    disk.sync(NEW)
    assert [{}, {"a": b"xy"}] == trees(disk)
    disk.sync(disk.top)
    assert [{"a": b"xy"}] == trees(disk)


def test_a_rename_comes_whole_or_not_at_all(disk: Disk) -> None:
    """Both names change at once, or neither does."""
    disk.apply(call(Kind.CREATE))
    disk.sync(NEW)
    disk.sync(disk.top)
    disk.apply(call(Kind.RENAME, to="b"))
    assert [{"a": b""}, {"b": b""}] == trees(disk)


def test_sectors_of_one_write_are_torn_apart(disk: Disk) -> None:
    """A sector holds what it held, or what any write since left in it: 3 x 2 disks."""
    disk.apply(call(Kind.CREATE))
    disk.apply(call(Kind.WRITE, data=b"0" * 1024))
    disk.sync(NEW)
    disk.sync(disk.top)
    disk.apply(call(Kind.WRITE, data=b"1" * 1024))
    disk.apply(call(Kind.WRITE, data=b"2" * 512))
    expected = [{"a": first * 512 + second * 512} for first in (b"0", b"1", b"2") for second in (b"0", b"1")]
    assert expected == sorted(trees(disk), key=by_names_first)


def test_marks_are_no_part_of_the_disk_and_come_with_every_look_after_them(disk: Disk) -> None:
    """A look before and after each sync and mark, and one at the end."""
    looks: list[tuple[bytes, int]] = []
    calls = [
        call(Kind.CREATE),
        call(Kind.SYNC),
        call(Kind.SYNC, inode=disk.top),
        call(Kind.WRITE, MARKS, inode=99, data=b"done"),
    ]
    replay(disk, calls, lambda marks: looks.append((marks, len(disk.pending))))
    assert [(b"", 1), (b"", 1), (b"", 0), (b"done", 0), (b"done", 0)] == looks
