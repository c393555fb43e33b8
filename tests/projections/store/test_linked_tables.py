"""What is read of a linked table is all that was written, or damage is told; whatever bit of the file is flipped."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lmdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from projections.fold.tables import Row
from projections.store.linked_tables import TAIL_BYTES, LinkedTable, begun
from projections.store.lmdb_tables import CHECK_BYTES, DamagedRowError, LmdbTable, sealed

MARKS = (b"\1", b"\2", b"\3", b"\4")
HELD, READ = MARKS[1], MARKS[2]  # a table without links, and the one that is read
PAGE_BYTES, HEAD_BYTES, POINTERS_BYTES = 4096, 16, 160
GROUPS = range(24)
Told = list[Row] | bytes | None
Look = Callable[[LinkedTable], list[Row] | bytes | None]


def key(group: int, number: int = 1) -> bytes:
    """Return a key as those of one ticker and provider are."""
    return b"TICKER%02d\0yfinance\0" % group + number.to_bytes(8, "big")


def numbers(group: int) -> range:
    """Return what rows a group has: one, but in one of them pages full."""
    return range(1, 160) if group == 7 else range(1, 3)


@contextmanager
def database(folder: Path, *, write: bool = True) -> Iterator[lmdb.Transaction]:
    """Give a transaction on the database in `folder`."""
    how = {"map_size": 1 << 20} if write else {"readonly": True, "lock": False}
    with lmdb.open(str(folder), **how) as env, env.begin(write=write) as txn:
        yield txn


def written(folder: Path) -> Path:
    """Write some pages of rows in four tables, a group at a time, so that rows come between others."""
    with database(folder) as txn:
        for mark in MARKS:
            txn.put(*begun(mark))
            table = (LmdbTable if mark == HELD else LinkedTable)(txn, mark, folder)
            for group in [*GROUPS[1::2], *GROUPS[::2]]:
                table.put_all([(key(group, number), b"what was decided at %d" % number) for number in numbers(group)])
    return folder / "data.mdb"


def looks() -> Iterator[Look]:
    """Yield every kind of look at a table: scans both ways, whole, of a group and from a key on; and single rows."""
    yield lambda table: list(table.scan())
    yield lambda table: list(table.scan(reverse=True))
    for group in (-1, *GROUPS, 99):
        ticker = b"TICKER%02d\0" % group if group >= 0 else b"\0"
        yield lambda table, ticker=ticker: list(table.scan(ticker))
        yield lambda table, ticker=ticker: list(table.scan(ticker, reverse=True))
        yield lambda table, ticker=ticker, group=group: list(table.scan(ticker, start=key(max(group, 0), 40)))
        for one in [key(max(group, 0), number) for number in (0, 1, 40, 1_000)]:
            yield lambda table, one=one: table.get(one) or b"absent"


def answers(folder: Path) -> list[Told]:
    """Return what every look gives; None where damage is told."""
    with database(folder, write=False) as txn:
        return [told(partial(look, LinkedTable(txn, READ, folder))) for look in looks()]


def told(look: Callable[[], list[Row] | bytes | None]) -> Told:
    """Return what a look gives, None where damage is told."""
    try:
        return look()
    except (DamagedRowError, lmdb.Error):
        return None


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, list[Told]]:
    """The bytes of a sound file, and what it answers."""
    path = written(tmp_path_factory.mktemp("sound"))
    found = answers(path.parent)
    assert None not in found
    return path.read_bytes(), found


def test_a_sound_table_has_what_was_put(sound: tuple[bytes, list[Told]]) -> None:
    """All of it, in order, and nothing else."""
    want = [(key(group, one), b"what was decided at %d" % one) for group in GROUPS for one in numbers(group)]
    assert [want, want[::-1]] == sound[1][:2]


def test_rows_that_are_put_as_they_are_stored_write_no_page(tmp_path: Path) -> None:
    """Nothing is committed; a value that is another, longer or shorter, and a row whose check is false, is written."""
    written(tmp_path)
    rows = [(key(group, one), b"what was decided at %d" % one) for group in GROUPS for one in numbers(group)]

    def put(changed: Sequence[Row]) -> int:
        with lmdb.open(str(tmp_path), map_size=1 << 20) as env:
            before: int = env.info()["last_txnid"]
            with env.begin(write=True) as txn:
                LinkedTable(txn, READ, tmp_path).put_all(changed)
            return env.info()["last_txnid"] - before

    assert 0 == put(rows)
    for other in (b"what was decided at 2", b"what", b"what was decided at 1" + bytes(TAIL_BYTES), b""):
        want = [(key(5), other) if name == key(5) else (name, value) for name, value in rows]
        assert (1, 0) == (put(want), put(want))
        with database(tmp_path, write=False) as txn:
            assert want == list(LinkedTable(txn, READ, tmp_path).scan())
    with database(tmp_path) as txn:
        stored = txn.get(READ + key(5))
        txn.put(READ + key(5), stored[:-1] + bytes([stored[-1] ^ 1]))
    assert 1 == put([(key(5), b"")])
    with database(tmp_path, write=False) as txn:
        assert b"" == LinkedTable(txn, READ, tmp_path).get(key(5))


@settings(max_examples=300, deadline=None)
@given(
    page=st.integers(0), within=st.integers(0, HEAD_BYTES + POINTERS_BYTES - 1) | st.integers(0), bit=st.integers(0, 7)
)
def test_a_flipped_bit_hides_no_row(
    sound: tuple[bytes, list[Told]], tmp_path_factory: pytest.TempPathFactory, page: int, within: int, bit: int
) -> None:
    """In any page, the two that say which tree is read among them: in its head, a pointer to a row, a key, a value."""
    content, want = sound
    at = page % (len(content) // PAGE_BYTES) * PAGE_BYTES + within % PAGE_BYTES
    folder = tmp_path_factory.mktemp("flipped")
    changed = bytearray(content)
    changed[at] ^= 1 << bit
    (folder / "data.mdb").write_bytes(changed)
    try:
        found = msgspec.convert(IsolatedProcess(partial(answers, folder), list).result(), list[Told])
    except IsolatedProcessError:
        return  # a pointer led out of the file: the process that reads ends by it
    assert all(one is None or one == true for one, true in zip(found, want, strict=True))


@pytest.mark.parametrize("gone", [slice(0, 1), slice(1, 2), slice(30, 60), slice(-1, None), slice(0, None)])
def test_rows_that_are_gone_are_missed_by_every_look_that_would_have_found_them(
    sound: tuple[bytes, list[Told]], tmp_path: Path, gone: slice
) -> None:
    """Each row alone, and all of them; what lies elsewhere is read as before. Nothing is put in their place either."""
    written(tmp_path)
    with database(tmp_path) as txn:
        lost = [one for one, _ in LinkedTable(txn, READ, tmp_path).scan()][gone]
        for one in lost:
            txn.delete(READ + one)
    found = answers(tmp_path)
    assert all(one is None or one == true for one, true in zip(found, sound[1], strict=True))
    assert [None, None] == found[:2]
    assert found.count(None) < len(found) or gone == slice(0, None)
    with database(tmp_path) as txn:
        table = LinkedTable(txn, READ, tmp_path)
        for change in (table.get, table.named, lambda one: table.put(one, b"again")):
            with pytest.raises(DamagedRowError):
                change(lost[0])


def test_a_table_that_is_gone_whole_is_not_an_empty_one(tmp_path: Path) -> None:
    """Its first row as well; an empty one has that."""
    written(tmp_path)
    with database(tmp_path) as txn:
        for one, _ in list(txn.cursor()):
            if one.startswith(READ):
                txn.delete(one)
    assert all(one is None for one in answers(tmp_path))
    with database(tmp_path) as txn:
        txn.put(*begun(READ))
    assert {()} == {tuple(one) for one in answers(tmp_path) if one != b"absent"}


def test_a_row_keeps_its_place_in_the_chain_when_it_changes(tmp_path: Path) -> None:
    """Put again, deleted, put back: the rows beside it, and the bytes that are stored, are as if it had come once."""
    path = written(tmp_path)

    def rows() -> Sequence[Row]:
        with database(path.parent, write=False) as txn:
            return list(txn.cursor())

    before = rows()
    with database(tmp_path) as txn:
        table = LinkedTable(txn, READ, tmp_path)
        for one, value in list(table.scan()):
            table.put(one, b"otherwise")
            table.delete(one)
            table.delete(one)
            assert table.get(one) is None
            table.put(one, value)
    assert before == rows()


class Looks(LinkedTable):
    """A linked table that counts how often it asks for the row before a key."""

    count = 0

    def _around(self, cursor: Any, key: bytes, *, there: bool = False) -> tuple[bytes, bytes, bytes | None]:
        """Count it."""
        self.count += 1
        return super()._around(cursor, key, there=there)


STEPS = st.lists(st.tuples(st.sampled_from(["get", "put", "delete"]), st.integers(0, 9)), max_size=40)


@settings(deadline=None)
@given(STEPS)
def test_a_key_that_was_absent_is_there_once_it_is_put(steps: list[tuple[str, int]]) -> None:
    """Whatever was looked for, put and deleted before, in one transaction."""
    held: dict[bytes, bytes] = {}
    with TemporaryDirectory() as name, database(Path(name)) as txn:
        txn.put(*begun(READ))
        table = LinkedTable(txn, READ, Path(name))
        for place, (step, group) in enumerate(steps):
            if step == "put":
                held[key(group)] = b"%d" % place
                table.put(key(group), held[key(group)])
            elif step == "delete":
                held.pop(key(group), None)
                table.delete(key(group))
            assert [held.get(key(one)) for one in (group, 4, 5)] == [table.get(key(one)) for one in (group, 4, 5)]
        assert sorted(held.items()) == list(table.scan())


def test_one_look_tells_of_all_keys_that_are_absent_side_by_side(tmp_path: Path) -> None:
    """In their order, until a row is put."""
    with database(tmp_path) as txn:
        for mark in MARKS:
            txn.put(*begun(mark))
        table = Looks(txn, READ, tmp_path)
        table.put(key(9), b"nine")
        table.count = 0
        assert [None] * 8 == [table.get(key(group)) for group in range(1, 9)]
        assert (b"nine", 1) == (table.get(key(9)), table.count)
        assert ([None] * 3, 2) == ([table.get(key(group)) for group in (10, 11, 12)], table.count)
        table.put(key(11), b"eleven")
        assert (b"eleven", None) == (table.get(key(11)), table.get(key(12)))


def test_a_link_that_is_damaged_is_no_link(tmp_path: Path) -> None:
    """Neither is one that names another key, its check mended."""
    written(tmp_path)
    with database(tmp_path) as txn:
        one = READ + key(3)
        stored = txn.get(one)
        for tail in (bytes(TAIL_BYTES), stored[-TAIL_BYTES : -CHECK_BYTES - 1]):
            txn.put(one, sealed(one, stored[:-TAIL_BYTES] + tail[:4].ljust(4, b"\7")))
            with pytest.raises(DamagedRowError):
                list(LinkedTable(txn, READ, tmp_path).scan())
        txn.put(one, stored[:-TAIL_BYTES] + bytes(4) + stored[-CHECK_BYTES:])
        with pytest.raises(DamagedRowError):
            LinkedTable(txn, READ, tmp_path).get(key(3))
