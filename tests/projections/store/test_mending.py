"""A stored row that is not what was written is never believed: the log is read in its place."""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import lmdb
import msgspec
import pytest

from ledger.chain import Head
from ledger.errors import RolledBackError
from ledger.values import Finding
from projections.fold.digest import digest
from projections.fold.keys import seq_key
from projections.fold.tables import State
from projections.models import ingest_logs
from projections.store.folder import Shelf
from projections.store.linked_tables import TAIL_BYTES
from projections.store.lmdb_tables import sealed, unsealed
from projections.store.mending import StoreDroppedWarning
from projections.store.registry import ALL
from projections.store.replaying import compare, replay
from projections.store.runner import catch_up, open_view, remembered
from projections.store.store import HEAD_KEY, UNCHECKED_FORMAT, UNLINKED_FORMAT
from tests.projections.store.test_runner import LONG_STORY, Prefix
from tests.projections.story import WINDOW, Story, told
from tests.support.cotahist import line
from tests.support.listed import Listed

MARKS = {
    bytes([mark]): name
    for mark, name in enumerate((f"{one.name}.{table}" for one in ALL for table in one.tables), start=1)
}


@contextmanager
def database(folder: Path) -> Iterator[lmdb.Transaction]:
    """Give a write transaction on the store in use, which this process has not open."""
    current = Shelf(folder).current()
    assert current is not None
    with lmdb.open(str(current)) as env, env.begin(write=True) as txn:
        yield txn


def rows(folder: Path, mark: bytes) -> list[tuple[bytes, bytes]]:
    """Return the stored rows of one table, as they are on disk."""
    with database(folder) as txn:
        return [(key, value) for key, value in txn.cursor() if key.startswith(mark)]


def flip(folder: Path, key: bytes, *, bit: int) -> None:
    """Flip one bit of the row at `key` where it lies on disk, counted through its key and then its value."""
    with database(folder) as txn:
        row = key + txn.get(key)
    current = Shelf(folder).current()
    assert current is not None
    path = current / "data.mdb"
    changed = bytearray(row)
    changed[bit // 8] ^= 1 << bit % 8
    path.write_bytes(path.read_bytes().replace(row, bytes(changed)))


def digests(state: State) -> dict[str, str]:
    """Return each projection's digest."""
    return {name: digest(tables).hex() for name, tables in state.items()}


@pytest.mark.parametrize("mark", MARKS, ids=MARKS.get)
def test_a_flipped_bit_of_any_table_is_mended_under_the_reader(tmp_path: Path, mark: bytes) -> None:
    """In key, value or check: the view is that of a replay, with one warning, and the store is sound again."""
    story = Story()
    story.log = told(LONG_STORY)
    story.decided(story.fetched(), warned=(Finding("GAP", WINDOW.start, "got no bar"),))
    story.fetched()
    story.probed()
    story.backed_up()
    story.signed()
    story.verified()
    story.alerted()
    story.retired()
    story.snapshot("PETR4-20260213.csv", position=20, sha256=bytes(32), rows=3)
    listed = Listed(story)
    listed.imported([line(WINDOW.start)])
    listed.imported([line(WINDOW.start, close=3800, specification="PN  ED")])
    log = story.log
    catch_up(log, tmp_path)
    for part in (0.1, 0.5, 0.999):
        found = rows(tmp_path, mark)
        key, value = found[len(found) // 2]
        flip(tmp_path, key, bit=int((len(key) + len(value)) * 8 * part))
        with pytest.warns(StoreDroppedWarning) as caught, open_view(log, tmp_path) as view:
            assert replay(log) == digests(view.state)
        assert 1 == len(caught)
        assert [] == compare(log, tmp_path)


def test_where_nothing_may_be_written_the_log_is_folded_in_memory(tmp_path: Path) -> None:
    """The damaged store stays where it is."""
    log = told(LONG_STORY)
    catch_up(Prefix(log, 150), tmp_path)
    flip(tmp_path, rows(tmp_path, b"\1")[7][0], bit=500)
    before = rows(tmp_path, b"\1")
    with pytest.warns(StoreDroppedWarning) as caught, open_view(log, tmp_path, storing=False) as view:
        assert (log.head(), replay(log)) == (view.head, digests(view.state))
    assert 1 == len(caught)
    assert before == rows(tmp_path, b"\1")


def test_a_writer_at_the_store_is_not_waited_for(tmp_path: Path) -> None:
    """Somebody else holds the lock: memory will do."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    flip(tmp_path, rows(tmp_path, b"\1")[7][0], bit=500)
    with Shelf(tmp_path).locked(), pytest.warns(StoreDroppedWarning), open_view(log, tmp_path) as view:
        assert replay(log) == digests(view.state)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_scan_goes_on_behind_the_last_row_that_it_gave(tmp_path: Path, reverse: bool) -> None:
    """Nothing twice, nothing left out, either way."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    with open_view(log, tmp_path) as view:
        want = list(view.state["prices"]["bars"].scan(reverse=reverse))
    flip(tmp_path, rows(tmp_path, b"\1")[len(want) // 2][0], bit=500)
    key, value = want[len(want) // 2]
    with open_view(log, tmp_path) as view:
        with pytest.warns(StoreDroppedWarning):
            assert want == list(view.state["prices"]["bars"].scan(reverse=reverse))
        assert value == view.state["prices"]["bars"].get(key)


def test_rows_between_two_keys_are_those_of_a_scan_over_damage_too(tmp_path: Path) -> None:
    """Of a part of a table."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    with open_view(log, tmp_path) as view:
        want = list(view.state["prices"]["bars"].scan())[3:-1]
        ends = want[0][0], want[-1][0] + b"\0"
        assert want == view.state["prices"]["bars"].between(b"", *ends)
    flip(tmp_path, rows(tmp_path, b"\1")[len(want) // 2][0], bit=500)
    with open_view(log, tmp_path) as view, pytest.warns(StoreDroppedWarning):
        assert want == view.state["prices"]["bars"].between(b"", *ends)


def test_a_damaged_row_that_a_catch_up_reads_is_built_again(tmp_path: Path) -> None:
    """The fold would have counted on from a wrong number."""
    log = told(LONG_STORY)
    catch_up(Prefix(log, 150), tmp_path)
    damaged = [key for mark, name in MARKS.items() if name.startswith("metrics.") for key, _ in rows(tmp_path, mark)]
    for key in damaged:
        with database(tmp_path) as txn:
            txn.put(key, b"\xff" + txn.get(key)[1:])
    with pytest.warns(StoreDroppedWarning):
        assert log.head() == catch_up(log, tmp_path)
    assert [] == compare(log, tmp_path)


def test_compare_names_a_row_that_fails_its_check(tmp_path: Path) -> None:
    """As damaged, with its table and key."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    key = rows(tmp_path, b"\1")[7][0]
    with database(tmp_path) as txn:
        txn.put(key, b"\xff" + txn.get(key)[1:])
    (found,) = compare(log, tmp_path)
    assert ("prices", "damaged", "bars", key[1:].hex()) == (found.projection, found.stored, found.table, found.key)


def old_format(folder: Path, name: str) -> None:
    """Turn the store into one of a format before: rows without a link, and further back without a check."""
    checked = name == UNLINKED_FORMAT
    with database(folder) as txn:
        kept: Sequence[tuple[bytes, bytes]] = list(txn.cursor())
        for key, value in kept:
            txn.put(key, sealed(key, value[:-TAIL_BYTES]) if checked else value[:-TAIL_BYTES])
        stored = unsealed(folder, HEAD_KEY, dict(kept)[HEAD_KEY])
        head = msgspec.msgpack.encode({**msgspec.msgpack.decode(stored), "format": name})
        txn.put(HEAD_KEY, sealed(HEAD_KEY, head) if checked else head)


@pytest.mark.parametrize("name", [UNLINKED_FORMAT, UNCHECKED_FORMAT])
def test_a_store_of_a_format_before_is_built_again(tmp_path: Path, name: str) -> None:
    """Nothing of it is read but the head that it remembers, and nobody is warned."""
    log = told(LONG_STORY)
    catch_up(Prefix(log, 150), tmp_path)
    old_format(tmp_path, name)
    assert Prefix(log, 150).head() == remembered(tmp_path)
    with warnings.catch_warnings(action="error"), open_view(log, tmp_path) as view:
        assert replay(log) == digests(view.state)
    assert [] == compare(log, tmp_path)


@pytest.mark.parametrize("name", [UNLINKED_FORMAT, UNCHECKED_FORMAT])
def test_a_store_of_a_format_before_is_a_witness_all_the_same(tmp_path: Path, name: str) -> None:
    """A log that is shorter than the head it remembers is rolled back."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    old_format(tmp_path, name)
    with pytest.raises(RolledBackError):
        catch_up(Prefix(log, 40), tmp_path)


def test_an_entry_that_its_index_names_is_not_passed_over(tmp_path: Path) -> None:
    """Though what names it in its own table was mended: the log is read in its place, with one warning."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    with open_view(log, tmp_path) as view:
        of_ticker = ingest_logs.Filter(ticker=ingest_logs.entries(view.state["ingest_logs"])[0].ticker)
        want = ingest_logs.entries(view.state["ingest_logs"], of_ticker)
    with Shelf(tmp_path).stored() as store:
        assert store is not None
        head = store.head()

        def step(state: State) -> Head:
            state["ingest_logs"]["entries"].delete(seq_key(want[0].seq))
            return head

        store.advance(step)
    with pytest.warns(StoreDroppedWarning) as caught, open_view(log, tmp_path) as view:
        assert want == ingest_logs.entries(view.state["ingest_logs"], of_ticker)
    assert 1 == len(caught)


def test_a_damaged_head_is_built_again(tmp_path: Path) -> None:
    """The head and the models that are stored have a check as well."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    with database(tmp_path) as txn:
        txn.put(HEAD_KEY, txn.get(HEAD_KEY)[:-9] + b"\xff" + txn.get(HEAD_KEY)[-8:])
    assert remembered(tmp_path) is None
    with open_view(log, tmp_path) as view:
        assert replay(log) == digests(view.state)
    assert log.head() == remembered(tmp_path)
