"""Tables in memory, in LMDB and overlaid behave as one sorted dict does."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain import EMPTY_HEAD, Head
from projections.fold.memory_tables import MemoryTable
from projections.fold.overlay import Overlay
from projections.fold.tables import Row, State, Table, encode
from projections.models import prices
from projections.store.lmdb_tables import DamagedRowError
from projections.store.store import Model, create, opened

KEYS = st.binary(min_size=1, max_size=3) | st.sampled_from([b"\xff", b"\xff\xff", b"a\xff", b"a\xff\xff", b"b"])
CHANGES = st.lists(st.tuples(KEYS, st.none() | st.binary(max_size=3)), max_size=30)
PREFIXES = st.lists(st.sampled_from([b"", b"a", b"a\xff", b"\xff", b"\xff\xff", b"\x00"]) | KEYS, max_size=5)


class Counter(msgspec.Struct):
    """A row that changes in place."""

    count: int


decode = msgspec.msgpack.Decoder(Counter).decode

Changes = list[tuple[bytes, bytes | None]]
Kind = Callable[[Changes, Changes], AbstractContextManager[Table]]


def change(table: Table, changes: Changes) -> None:
    """Put each value, delete where it is None."""
    for key, value in changes:
        if value is None:
            table.delete(key)
        else:
            table.put(key, value)


def changed(changes: Changes) -> dict[bytes, bytes]:
    """Return what the changes leave in a dict."""
    left: dict[bytes, bytes] = {}
    for key, value in changes:
        left.pop(key, None)
        if value is not None:
            left[key] = value
    return left


def made(rows: Sequence[Row]) -> tuple[list[Row], bytes]:
    """Return something that is made of rows."""
    return list(rows), b""


@contextmanager
def in_memory(before: Changes, after: Changes) -> Iterator[Table]:
    """Give a table in memory, scanned between the changes so that its order was cached once."""
    table = MemoryTable()
    change(table, before)
    assert list(table.scan()) == sorted(changed(before).items())
    change(table, after)
    yield table


@contextmanager
def overlaid(before: Changes, after: Changes) -> Iterator[Table]:
    """Give the later changes over the earlier ones, which stay as they were."""
    base = MemoryTable()
    change(base, before)
    table = Overlay(base)
    change(table, after)
    yield table
    assert list(base.scan()) == sorted(changed(before).items())


@contextmanager
def flushed(before: Changes, after: Changes) -> Iterator[Table]:
    """Give what an overlay wrote to its base, which it then reads through to and adds nothing to."""
    base = MemoryTable()
    change(base, before)
    table = Overlay(base)
    change(table, after)
    table.flush()
    assert list(base.scan()) == list(table.scan())
    change(base, [(b"later", b"1")])
    assert table.get(b"later") == b"1"
    change(base, [(b"later", changed([*before, *after]).get(b"later"))])
    yield base


@contextmanager
def between_full_ones(
    projection: str, names: tuple[str, str, str], before: Changes, after: Changes, *, in_batches: bool = False
) -> Iterator[Table]:
    """Give the stored table in the middle of three; the others are full. Changed row by row, or in two batches."""
    low, middle, high = names
    with TemporaryDirectory() as name:
        folder = Path(name) / "store"
        create(folder, {projection: Model(1, names)})

        def step(state: State) -> Head:
            tables = state[projection]
            for neighbour in (low, high):
                change(tables[neighbour], [(b"\xff\xff\xff", b"no"), (b"\x00", b"no"), (b"a", b"no")])
            for changes in (before, after):
                batch = Overlay(tables[middle])
                change(batch if in_batches else tables[middle], changes)
                batch.flush()
            return EMPTY_HEAD

        with opened(folder) as store:
            store.advance(step)
            with store.view() as view:
                yield view.state[projection][middle]


COMMITTED, LINKED = partial(between_full_ones, prices.NAME), partial(between_full_ones, "one")
STORED = {
    "held by decisions": partial(COMMITTED, ("low", prices.BARS, "high")),
    "linked": partial(LINKED, ("low", "table", "high")),
    "linked between others": partial(COMMITTED, (prices.BARS, "table", prices.DECIDED)),
    "linked in batches": partial(LINKED, ("low", "table", "high"), in_batches=True),
    "held in batches": partial(COMMITTED, ("low", prices.BARS, "high"), in_batches=True),
}
KINDS: dict[str, Kind] = {"in memory": in_memory, "overlaid": overlaid, "flushed": flushed, **STORED}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(before=CHANGES, after=CHANGES, prefixes=PREFIXES)
def test_a_table_is_a_sorted_dict(kind: Kind, before: Changes, after: Changes, prefixes: list[bytes]) -> None:
    """Gets and scans of any prefix, both ways, are those of the dict."""
    want = changed([*before, *after])
    with kind(before, after) as table:
        for prefix in [b"", *prefixes]:
            rows = sorted((key, value) for key, value in want.items() if key.startswith(prefix))
            # Asked twice: a table may remember the first time.
            assert [(rows, b""), (rows, b"")] == [table.whole(prefix, made) for _ in range(2)]
            assert rows == list(table.scan(prefix))
            assert rows[::-1] == list(table.scan(prefix, reverse=True))
            assert want.get(prefix) == (table.get(prefix) if prefix else None)
            for start, stop in pairwise([b"", *prefixes, b"\xff" * 4]):
                inside = [(key, value) for key, value in rows if start <= key < stop]
                assert inside == table.between(prefix, start, stop)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_row_is_loaded_as_it_was_stored(kind: Kind) -> None:
    """As msgpack in every table, whatever holds it."""
    with kind([(b"kept", encode(Counter(3))), (b"gone", b"1")], [(b"gone", None)]) as table:
        assert table.load(b"kept", decode) == Counter(3)
        assert encode(Counter(3)) == table.named(b"kept")
        assert table.load(b"none", decode) is None
        for gone in (b"none", b"gone"):
            with pytest.raises((KeyError, DamagedRowError)):
                table.named(gone)


def test_an_overlay_encodes_a_stored_row_once_somebody_looks() -> None:
    """Until then it hands back the object itself, so that a fold changes it in place; the base sees the last state."""
    base = MemoryTable()
    base.put(b"row", encode(Counter(1)))
    overlay = Overlay(base)
    row = overlay.load(b"row", decode)
    assert row == Counter(1)
    overlay.store(b"row", row)
    row.count = 2
    assert overlay.load(b"row", decode) is row
    assert base.get(b"row") == encode(Counter(1))
    assert overlay.get(b"row") == encode(Counter(2))
    assert list(overlay.scan()) == [(b"row", encode(Counter(2)))]
    overlay.flush()
    row.count = 3
    assert base.get(b"row") == encode(Counter(2))
    assert overlay.load(b"row", decode) == Counter(2)


def test_an_overlay_forgets_what_it_deleted_once_flushed() -> None:
    """A row stored and deleted within a batch never reaches the base."""
    base = MemoryTable()
    overlay = Overlay(base)
    overlay.store(b"row", Counter(1))
    overlay.delete(b"row")
    assert overlay.load(b"row", decode) is None
    assert overlay.get(b"row") is None
    overlay.flush()
    assert list(base.scan()) == []


def test_what_a_view_makes_of_a_series_is_made_once(tmp_path: Path) -> None:
    """Of the newest few prefixes, by what makes it; a base that holds still serves what nothing was put over."""
    folder = tmp_path / "store"
    create(folder, {prices.NAME: Model(1, (prices.BARS,))})
    calls: list[bytes] = []

    def keys(rows: Sequence[Row]) -> list[bytes]:
        calls.append(rows[0][0][:1])
        return [key for key, _ in rows]

    def step(state: State) -> Head:
        change(state[prices.NAME][prices.BARS], [(bytes([one, other]), b"") for one in b"abcdef" for other in b"12"])
        return EMPTY_HEAD

    with opened(folder) as store:
        store.advance(step)
        with store.view() as view:
            table = view.state[prices.NAME][prices.BARS]
            over = Overlay(table)
            over.put(b"b3", b"")
            for one in (table, over, table):
                assert [b"a1", b"a2"] == one.whole(b"a", keys)
            assert [b"b1", b"b2", b"b3"] == over.whole(b"b", keys)
            assert ["1", "2"] == table.whole(b"a", lambda rows: [chr(key[1]) for key, _ in rows])
            for each in (b"c", b"d", b"e", b"a"):
                table.whole(each, keys)
    assert [b"a", b"b", b"c", b"d", b"e", b"a"] == calls
