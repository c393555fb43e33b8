"""A row is what was written, or an error; and so is the absence of one."""

from collections.abc import Callable
from functools import partial
from itertools import chain
from pathlib import Path

import lmdb
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from projections.fold.tables import Row
from projections.store.lmdb_tables import DamagedRowError, LmdbTable, StillTable, sealed

MARKS = (b"\1", b"\2", b"\3")
PAGE_BYTES, HEADER_BYTES = 4096, 16
ALONE, MANY = range(1, 2), range(1, 90)
Answers = list[list[tuple[bytes, bytes]] | bytes | None]


def written(folder: Path) -> Path:
    """Write some pages of rows: groups of one row and of many, in three tables."""
    with lmdb.open(str(folder), map_size=1 << 20) as env, env.begin(write=True) as txn:
        for mark in MARKS:
            for group in range(20):
                for number in MANY if group == 7 else ALONE:
                    key = mark + b"TICKER%02d\0yfinance\0" % group + number.to_bytes(8, "big")
                    txn.put(key, sealed(key, b"what was decided at %d" % number))
    return folder / "data.mdb"


def answers(folder: Path) -> Answers:
    """Return what every kind of look at the table in the middle gives; None where damage is told."""
    found: Answers = []
    with lmdb.open(str(folder), readonly=True, lock=False) as env, env.begin() as txn:
        table = StillTable(txn, MARKS[1], folder)
        for group in range(-1, 21):
            ticker = b"TICKER%02d\0" % group
            looks: list[Callable[[], list[Row] | bytes | None]] = [
                lambda ticker=ticker: list(table.scan(ticker)),
                lambda ticker=ticker: list(table.scan(ticker, reverse=True)),
                lambda ticker=ticker: list(table.scan(ticker, start=ticker + b"yfinance\0" + bytes(7) + b"\50")),
                lambda ticker=ticker: table.between(ticker, ticker + b"yfinance\0" + bytes(8), ticker + b"z"),
                lambda ticker=ticker: table.between(
                    ticker, *(ticker + b"yfinance\0" + bytes(7) + bytes([number]) for number in (8, 40))
                ),
                lambda ticker=ticker: table.get(ticker + b"yfinance\0" + bytes(7) + b"\1") or b"absent",
                lambda ticker=ticker: table.get(ticker + b"yfinance\0" + bytes(7) + b"\50") or b"absent",
            ]
            found += [_told(look) for look in looks]
        for groups in (range(-1, 21), range(0, 20, 2), range(19, -1, -3), (3, 7, 8, 18)):
            wanted = [b"TICKER%02d\0" % group for group in groups]
            found.append(_told(lambda wanted=wanted: list(chain.from_iterable(table.together(wanted)))))
    return found


def _told(look: Callable[[], list[Row] | bytes | None]) -> list[Row] | bytes | None:
    try:
        return look()
    except (DamagedRowError, lmdb.Error):
        return None


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, Answers]:
    """The bytes of a sound file, and what it answers."""
    path = written(tmp_path_factory.mktemp("sound"))
    return path.read_bytes(), answers(path.parent)


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0), bit=st.integers(0, 7))
def test_a_flipped_bit_hides_no_row(
    sound: tuple[bytes, Answers], tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    """In a key, in a value, in a pointer to a row or in the tree above: what is read is true, or damage is told.

    Left out are the two pages that say which tree is read, and what heads each page: how far its rows go.
    """
    content, want = sound
    at = 2 * PAGE_BYTES + place % (len(content) - 2 * PAGE_BYTES)
    if at % PAGE_BYTES < HEADER_BYTES:
        at += HEADER_BYTES
    folder = tmp_path_factory.mktemp("flipped")
    changed = bytearray(content)
    changed[at] ^= 1 << bit
    (folder / "data.mdb").write_bytes(changed)
    try:
        found = msgspec.convert(IsolatedProcess(partial(answers, folder), list).result(), Answers)
    except IsolatedProcessError:
        return  # a pointer led out of the file: the process that reads ends by it
    assert all(one is None or one == true for one, true in zip(found, want, strict=True))


def test_every_bit_of_the_only_key_of_a_group(sound: tuple[bytes, Answers], tmp_path: Path) -> None:
    """Nothing else names the group, so that its absence is what is believed."""
    content, want = sound
    key = MARKS[1] + b"TICKER12\0yfinance\0" + (1).to_bytes(8, "big")
    assert key in content  # and in pages that are no longer in use
    damaged = 0
    for bit in range(8 * len(key)):
        changed = bytearray(key)
        changed[bit // 8] ^= 1 << bit % 8
        (tmp_path / "data.mdb").write_bytes(content.replace(key, bytes(changed)))
        found = answers(tmp_path)
        assert all(one is None or one == true for one, true in zip(found, want, strict=True))
        damaged += found != want
    assert 8 * len(key) == damaged


@given(
    rows=st.sets(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=80),
    wanted=st.lists(st.integers(0, 30), unique=True),
    ordered=st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_rows_of_many_prefixes_are_those_of_a_scan_of_each(
    tmp_path_factory: pytest.TempPathFactory, rows: set[tuple[int, int]], wanted: list[int], *, ordered: bool
) -> None:
    """In whatever order they are asked for, near each other or far apart, and of those that have none."""
    folder = tmp_path_factory.mktemp("rows")
    with lmdb.open(str(folder), map_size=1 << 20) as env:
        with env.begin(write=True) as txn:
            LmdbTable(txn, MARKS[0], folder).put(b"\5", b"of a table before")
            LmdbTable(txn, MARKS[1], folder).put_all([(bytes(row), b"%d" % row[1]) for row in sorted(rows)])
        with env.begin() as txn:
            table = StillTable(txn, MARKS[1], folder)
            prefixes = [bytes([number]) for number in (sorted(wanted) if ordered else wanted)]
            assert [list(table.scan(prefix)) for prefix in prefixes] == table.together(prefixes)
