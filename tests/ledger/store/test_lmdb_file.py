"""The meta pages of a database file, read without the engine: each alone, whatever the other is like."""

from pathlib import Path

import lmdb
import pytest

from ledger.errors import NotALedgerError
from ledger.store.lmdb_file import MAP_BYTES, copy_meta, inspect, newest_meta, readable_metas

PAGE_BYTES = 4096
MAP_AT = 16 + 16  # of the map's size in a page: behind its header, magic, version and address


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database of three commits: the newest meta page is the one at 1."""
    with lmdb.open(str(tmp_path / "db"), map_size=1 << 20) as env:
        for number in range(3):
            with env.begin(write=True) as txn:
                txn.put(b"key", str(number).encode())
    return tmp_path / "db" / "data.mdb"


def ruin(file: Path, index: int) -> None:
    """Zero the meta page at `index`."""
    content = bytearray(file.read_bytes())
    content[index * PAGE_BYTES : (index + 1) * PAGE_BYTES] = bytes(PAGE_BYTES)
    file.write_bytes(content)


def held(file: Path) -> bytes:
    """Return what the engine reads in `file`."""
    with lmdb.open(str(file.parent), readonly=True, lock=False) as env, env.begin() as txn:
        return bytes(txn.get(b"key"))


def test_the_newest_of_two_comes_first(file: Path) -> None:
    """By its transaction, not by its place."""
    assert ([1, 0], 3) == (readable_metas(file), newest_meta(file).txn_id)
    with lmdb.open(str(file.parent), map_size=1 << 20) as env, env.begin(write=True) as txn:
        txn.put(b"key", b"3")
    assert ([0, 1], 4) == (readable_metas(file), newest_meta(file).txn_id)


@pytest.mark.parametrize(("lost", "value"), [(0, b"2"), (1, b"1")])
def test_one_meta_page_stands_in_for_the_other(lost: int, value: bytes, file: Path) -> None:
    """With the newest one lost the file opens as it was a commit ago."""
    ruin(file, lost)
    with pytest.raises(NotALedgerError):
        inspect(file)
    assert [1 - lost] == readable_metas(file)
    copy_meta(file, 1 - lost)
    assert ([0, 1], value) == (readable_metas(file), held(file))
    assert [(0).to_bytes(8, "little"), (1).to_bytes(8, "little")] == [
        file.read_bytes()[page * PAGE_BYTES :][:8] for page in (0, 1)
    ]


def test_a_file_without_any_has_none(file: Path) -> None:
    """Nor has an empty one."""
    ruin(file, 0)
    ruin(file, 1)
    assert [] == readable_metas(file)
    file.write_bytes(b"")
    assert [] == readable_metas(file)


def test_a_copied_meta_page_where_none_belongs_is_none(file: Path) -> None:
    """Only the place that its own page size gives it counts."""
    content = file.read_bytes()
    file.write_bytes(bytes(2 * PAGE_BYTES) + content[:PAGE_BYTES])
    assert [] == readable_metas(file)


@pytest.mark.parametrize("size", [MAP_BYTES + 1, 96 << 40, 0xFF << 40, (1 << 64) - 1])
def test_a_map_that_no_process_can_have_is_damage_and_no_shortage_of_memory(size: int, file: Path) -> None:
    """The engine takes the size from the newest page, and reports that memory ran out; the other page still opens."""
    content = bytearray(file.read_bytes())
    content[PAGE_BYTES + MAP_AT : PAGE_BYTES + MAP_AT + 8] = size.to_bytes(8, "little")
    file.write_bytes(content)
    with pytest.raises(NotALedgerError, match=f"a map of {size} bytes"):
        inspect(file)
    assert [0] == readable_metas(file)
    copy_meta(file, 0)
    assert b"1" == held(file)


def test_an_older_page_may_want_any_map(file: Path) -> None:
    """The engine does not look at its size, and the next commit overwrites it."""
    content = bytearray(file.read_bytes())
    content[MAP_AT : MAP_AT + 8] = ((1 << 64) - 1).to_bytes(8, "little")
    file.write_bytes(content)
    assert (3, b"2") == (inspect(file).txn_id, held(file))
