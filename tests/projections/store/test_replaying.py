"""A fold beside what is stored is the same on a disk and in memory, and a comparison names the first key apart."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ledger.errors import DiskFullError, ForkedError
from projections.fold.digest import digest
from projections.fold.projection import Projection
from projections.fold.tables import State, Table
from projections.store import replaying
from projections.store.folder import Shelf
from projections.store.registry import ALL
from projections.store.replaying import FoldedInMemoryWarning, compare, folded_aside, places_beside, replay
from projections.store.runner import catch_up, open_view
from tests.projections.story import told

LOG = told(list(range(120)))


def changed(folder: Path, projection: str, table: str, change: Callable[[Table], object]) -> None:
    """Change one stored table."""
    with Shelf(folder).stored() as stored:
        assert stored is not None
        head = stored.head()

        def step(state: State) -> object:
            change(state[projection][table])
            return head

        stored.advance(step)  # type: ignore[arg-type]


def planted(folder: Path, projection: str, table: str, key: bytes) -> None:
    """Put an empty row at `key` into one stored table."""
    changed(folder, projection, table, lambda rows: rows.put(key, b""))


def lost(keys: slice) -> Callable[[Table], bytes]:
    """Return what takes some rows out, and returns the first key of them."""

    def change(rows: Table) -> bytes:
        gone = [key for key, _ in rows.scan()][keys]
        for key in gone:
            rows.delete(key)
        return gone[0]

    return change


def altered(place: int) -> Callable[[Table], bytes]:
    """Return what puts another value into a row, and returns its key."""

    def change(rows: Table) -> bytes:
        key, value = list(rows.scan())[place]
        rows.put(key, value + b"\0")
        return key

    return change


@pytest.mark.parametrize("stop", [0, 1, 50, None, 10_000])
def test_on_disk_the_digests_are_those_of_memory(stop: int | None, tmp_path: Path) -> None:
    """At any position, the end of the log for one past it; nothing stays, and nobody is warned."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert replay(LOG, stop) == replay(LOG, stop, places=(tmp_path,))
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("places", [False, True], ids=["in memory", "on disk"])
@pytest.mark.parametrize("key", [b"\0", b"\x01", b"\xff" * 40])
@pytest.mark.parametrize(("projection", "table"), [(one.name, one.tables[-1]) for one in ALL])
def test_a_planted_row_is_found_wherever_the_log_is_folded(
    projection: str, table: str, key: bytes, places: bool, tmp_path: Path
) -> None:
    """First, last or between the rows of a table; and the projections beside it are the same."""
    catch_up(LOG, tmp_path)
    chosen = places_beside(tmp_path) if places else ()
    assert [] == compare(LOG, tmp_path, places=chosen)
    planted(tmp_path, projection, table, key)
    (found,) = compare(LOG, tmp_path, places=chosen)
    assert (projection, table, key.hex()) == (found.projection, found.table, found.key)
    assert replay(LOG)[projection] == found.replayed != found.stored


@pytest.mark.parametrize("places", [False, True], ids=["in memory", "on disk"])
@pytest.mark.parametrize(
    "change",
    [lost(slice(1)), lost(slice(1, 2)), lost(slice(-1, None)), lost(slice(None)), altered(0), altered(1), altered(-1)],
    ids=["first lost", "second lost", "last lost", "all lost", "first altered", "second altered", "last altered"],
)
@pytest.mark.parametrize(("projection", "table"), [("prices", "bars"), ("prices", "series"), ("metrics", "tallies")])
def test_a_row_that_is_lost_or_altered_is_found_wherever_the_log_is_folded(
    projection: str, table: str, change: Callable[[Table], bytes], places: bool, tmp_path: Path
) -> None:
    """As a row too many is: by the first key that differs."""
    catch_up(LOG, tmp_path)
    keys: list[bytes] = []
    changed(tmp_path, projection, table, lambda rows: keys.append(change(rows)))
    (found,) = compare(LOG, tmp_path, places=places_beside(tmp_path) if places else ())
    assert (projection, table, [bytes.fromhex(found.key)]) == (found.projection, found.table, keys)
    assert replay(LOG)[projection] == found.replayed != found.stored


def test_what_stands_behind_the_log_is_compared_with_the_log_of_then(tmp_path: Path) -> None:
    """Nothing stored is nothing that differs; a store of another history is refused, however like its rows are."""
    assert [] == compare(LOG, tmp_path)
    catch_up(told(list(range(60))), tmp_path)
    assert [] == compare(LOG, tmp_path, places=(tmp_path,))
    other = told([*range(59), 700, *range(60, 120)])
    with pytest.raises(ForkedError):
        compare(other, tmp_path)


@pytest.mark.parametrize("number", range(len(ALL)))
def test_rows_of_another_version_are_not_compared(number: int, tmp_path: Path) -> None:
    """They are rebuilt when they are next read; what is beside them is compared all the same."""
    one = ALL[number]
    later = type(f"Later{type(one).__name__}", (type(one),), {"version": one.version + 1})()
    some = [*ALL[:number], later, *ALL[number + 1 :]]
    catch_up(LOG, tmp_path)
    planted(tmp_path, one.name, one.tables[0], b"\0")
    assert [one.name] == [found.projection for found in compare(LOG, tmp_path)]
    assert [] == compare(LOG, tmp_path, some)
    beside = ALL[number - 1]
    planted(tmp_path, beside.name, beside.tables[0], b"\0")
    assert [beside.name] == [found.projection for found in compare(LOG, tmp_path, some)]


@pytest.mark.parametrize("names", [["metrics"], ["snapshots", "prices"]])
def test_some_projections_are_compared_alone(names: Sequence[str], tmp_path: Path) -> None:
    """Their tables are marked otherwise in a store of their own: the rows are what counts."""
    catch_up(LOG, tmp_path)
    some = [one for one in ALL if one.name in names]
    assert [] == compare(LOG, tmp_path, some, places=(tmp_path,))
    planted(tmp_path, "metrics", "probes", b"\x01")
    assert [name for name in names if name == "metrics"] == [
        one.projection for one in compare(LOG, tmp_path, some, places=(tmp_path,))
    ]


def test_the_next_place_is_taken_where_one_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of the fold too; what was folded before that is not there twice."""
    full, free = tmp_path / "full", tmp_path / "free"
    full.mkdir()
    free.mkdir()
    tried = filling_up(monkeypatch, times=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert replay(LOG, places=(full, free)) == replay(LOG)
    assert 2 == len(tried)


def test_memory_is_used_where_no_disk_takes_it_and_a_warning_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With each place and its reason, once."""
    tried = filling_up(monkeypatch, times=2)
    gone = tmp_path / "gone"
    with pytest.warns(FoldedInMemoryWarning) as warned, folded_aside(LOG, None, ALL, (tmp_path, gone, tmp_path)):
        pass
    reasons = "got a full disk at x, want free space; got 'No such file or directory' on writing "
    assert 2 == len(tried)
    assert [True] == [
        str(one.message).startswith(f"the log is folded in memory, since no disk takes it ({reasons}{gone}, want")
        for one in warned
    ]


def filling_up(monkeypatch: pytest.MonkeyPatch, *, times: int) -> list[object]:
    """Let the disk be full once half of the log is folded, so many `times`; return what was tried, as it grows."""
    tried: list[object] = []
    folded = replaying.folded

    def filling(log: object, store: object, projections: Sequence[Projection], start: object, stop: int) -> object:
        tried.append(store)
        if len(tried) > times:
            return folded(log, store, projections, start, stop)  # type: ignore[arg-type]
        folded(log, store, projections, start, stop // 2)  # type: ignore[arg-type]
        raise DiskFullError(Path("x"))

    monkeypatch.setattr(replaying, "folded", filling)
    return tried


def test_of_a_log_without_a_store_only_what_is_asked_for_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each projection once, whole; all of them give what a replay gives."""
    names: list[str] = []
    folded = replaying.folded

    def noted(log: object, store: object, projections: Sequence[Projection], start: object, stop: int) -> object:
        names.extend(one.name for one in projections)
        return folded(log, store, projections, start, stop)  # type: ignore[arg-type]

    monkeypatch.setattr(replaying, "folded", noted)
    with open_view(LOG, None) as view:
        assert (LOG.head(), []) == (view.head, names)
        assert replay(LOG)["metrics"] == digest(view.state["metrics"]).hex() == digest(view.state["metrics"]).hex()
        assert ["metrics"] == names
        assert [one.name for one in ALL] == list(view.state)
        assert replay(LOG) == {name: digest(tables).hex() for name, tables in view.state.items()}
        assert sorted(one.name for one in ALL) == sorted(names)
        assert "else" not in view.state
