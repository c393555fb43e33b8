"""Catch-up, views, rebuild and compare: every way to a position leads to the same bytes."""

import errno
import os
import random
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import lmdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.chain import Head, Record, Seq, links
from ledger.codec import Draft, Envelope, encode_draft
from ledger.errors import DamagedError, ForkedError, RolledBackError, UnknownEventError
from ledger.events import LEDGER_STREAM, BackupFailed
from ledger.ids import append_id
from ledger.log_source import LogSource
from projections.fold.digest import digest
from projections.fold.event_readers import Fact
from projections.fold.folding import fold
from projections.fold.projection import Projection
from projections.fold.tables import Row, State, Tables
from projections.models.ingest_logs import IngestLogs
from projections.models.instruments import Instruments
from projections.models.metrics import Metrics
from projections.models.prices import Prices
from projections.models.snapshots import Snapshots
from projections.store import runner, store
from projections.store.folder import Shelf
from projections.store.replaying import compare, replay
from projections.store.runner import _put_all, catch_up, forget, open_view, rebuild, remembered, view_at
from tests.projections.story import EPOCH_US, Story, told
from tests.support.readers import dead_reader

NUMBERS = st.lists(st.integers(0, 999), max_size=25)
LONG_STORY = tuple(random.Random(7).randrange(1000) for _ in range(300))


class Prefix:
    """The first `size` events of a log, as they stood then."""

    def __init__(self, log: LogSource, size: int) -> None:
        self._log, self._size = log, size

    def head(self) -> Head:
        """Return the head of then."""
        return Head(self._size, list(self._log.read(0, self._size))[-1].link)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield the events of then."""
        return self._log.read(start, self._size if stop is None else min(stop, self._size))


def fresh() -> Sequence[Projection]:
    """Return projections that remember nothing of any other step."""
    return (Prices(), IngestLogs(), Metrics(), Snapshots(), Instruments())


def digests(state: State) -> dict[str, str]:
    """Return each projection's digest."""
    return {name: digest(tables).hex() for name, tables in state.items()}


def stored_digests(log: LogSource, folder: Path) -> dict[str, str]:
    """Return the digests of what a view of `log` shows."""
    with open_view(log, folder) as view:
        return digests(view.state)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(NUMBERS, st.lists(st.integers(1, 60), max_size=4))
def test_catch_up_in_any_cuts_equals_rebuild_equals_replay(numbers: list[int], cuts: list[int]) -> None:
    """Byte for byte, with new projection objects for each step."""
    log = told(numbers)
    size = log.head().size
    with TemporaryDirectory() as name:
        folder = Path(name)
        for cut in sorted({min(cut, size) for cut in cuts} | {size}):
            assert catch_up(Prefix(log, cut), folder, fresh()) == Prefix(log, cut).head()
            assert stored_digests(Prefix(log, cut), folder) == replay(log, cut, fresh())
        assert rebuild(log, folder, projections=fresh()) == log.head()
        assert stored_digests(log, folder) == replay(log)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(NUMBERS, st.integers(1, 60))
def test_a_reader_that_may_not_write_sees_what_a_catch_up_would_store(numbers: list[int], cut: int) -> None:
    """The overlay over a stored prefix has the digests of a full replay, and stores nothing."""
    log = told(numbers)
    with TemporaryDirectory() as name:
        folder = Path(name)
        stored = catch_up(Prefix(log, min(cut, log.head().size)), folder)
        with Shelf(folder).locked():
            assert stored_digests(log, folder) == replay(log)
        assert remembered(folder) == stored


def test_a_reader_that_may_write_stores_what_it_sees(tmp_path: Path) -> None:
    """Unless it is told not to, and of the projections that it asks for alone."""
    log = told(LONG_STORY)
    start = catch_up(Prefix(log, 50), tmp_path, (Metrics(),))
    with open_view(log, tmp_path, (Metrics(),), storing=False) as view:
        assert (log.head(), ["metrics"]) == (view.head, list(view.state))
    assert start == remembered(tmp_path)
    with open_view(log, tmp_path, (Metrics(),)) as view:
        assert (log.head(), ["metrics"]) == (view.head, list(view.state))
    assert log.head() == remembered(tmp_path)
    with Shelf(tmp_path).stored() as stored:
        assert stored is not None
        assert ["metrics"] == list(stored.models)


def test_what_is_not_stored_is_folded_in_memory(tmp_path: Path) -> None:
    """No store, or one of another version, which may hold anything."""
    log = told(LONG_STORY)
    with open_view(log, tmp_path, storing=False) as view:
        assert replay(log) == digests(view.state)
    assert remembered(tmp_path) is None
    catch_up(log, tmp_path)
    _plant(tmp_path, "metrics", "probes")
    with open_view(
        log, tmp_path, (Prices(), IngestLogs(), Renumbered(), Snapshots(), Instruments()), storing=False
    ) as view:
        assert replay(log) == digests(view.state)


def test_small_batches_leave_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches end by count or by bytes, wherever that cuts an ingest in two."""
    log = told(LONG_STORY)
    monkeypatch.setattr(runner, "BATCH_EVENTS", 7)
    monkeypatch.setattr(runner, "BATCH_BODY_BYTES", 1500)
    assert catch_up(log, tmp_path) == log.head()
    assert stored_digests(log, tmp_path) == replay(log)


def test_the_map_grows_under_a_fold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch that met a full map is folded again, whole, in a larger one."""
    log = told(LONG_STORY)
    monkeypatch.setattr(store, "FIRST_MAP_BYTES", 160 * 1024)
    assert catch_up(log, tmp_path) == log.head()
    assert stored_digests(log, tmp_path) == replay(log)


def test_the_map_grows_between_batches_so_that_none_is_folded_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where so much is free as a batch may fill, none meets a full map."""
    log, begun = told(LONG_STORY * 3), []

    def noted(records: Iterable[Record], start: Head, projections: Sequence[Projection], state: State) -> Head:
        begun.append(start.size)
        return fold(records, start, projections, state)

    monkeypatch.setattr(runner, "fold", noted)
    monkeypatch.setattr(runner, "BATCH_EVENTS", 50)
    monkeypatch.setattr(runner, "ROOM_BYTES", 0)
    monkeypatch.setattr(store, "FIRST_MAP_BYTES", 160 * 1024)
    assert catch_up(log, tmp_path) == log.head()
    assert len(set(begun)) < len(begun)
    forget(tmp_path)
    begun.clear()
    monkeypatch.setattr(runner, "ROOM_BYTES", 160 * 1024)
    assert catch_up(log, tmp_path) == log.head()
    assert len(set(begun)) == len(begun) > 1
    assert stored_digests(log, tmp_path) == replay(log)


def test_a_map_that_is_in_use_and_not_full_is_folded_into_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would grow before the next batch, and cannot: it need not yet."""
    monkeypatch.setattr(runner, "BATCH_EVENTS", 50)
    monkeypatch.setattr(runner, "ROOM_BYTES", 1 << 40)
    log = told(LONG_STORY)
    catch_up(Prefix(log, 2), tmp_path)
    with open_view(Prefix(log, 2), tmp_path) as before:
        assert catch_up(log, tmp_path) == log.head()
        assert digests(before.state) == replay(log, 2)
    assert stored_digests(log, tmp_path) == replay(log)


def test_a_full_map_that_is_in_use_gives_way_to_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view that this process holds open keeps the map where it is, and what it shows."""
    monkeypatch.setattr(store, "FIRST_MAP_BYTES", 200 * 1024)
    log = told(LONG_STORY * 3)
    start = catch_up(Prefix(log, 2), tmp_path)
    with open_view(Prefix(log, 2), tmp_path) as before:
        assert catch_up(log, tmp_path) == start
        assert stored_digests(log, tmp_path) == replay(log)
        assert digests(before.state) == replay(log, 2)
    assert catch_up(log, tmp_path) == log.head()


class Breaking(Prices):
    """Prices that fail at one event."""

    def __init__(self, seq: int) -> None:
        self._seq = seq

    def apply(self, tables: Tables, envelope: Envelope, fact: Fact) -> None:
        """Fail there, having written."""
        super().apply(tables, envelope, fact)
        if envelope.seq >= self._seq:
            raise KeyboardInterrupt


def test_a_fold_that_dies_in_a_batch_repeats_nothing_and_skips_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """State, position and link are of one transaction."""
    log = told(LONG_STORY)
    monkeypatch.setattr(runner, "BATCH_EVENTS", 10)
    catch_up(Prefix(log, 5), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        catch_up(log, tmp_path, (Breaking(101), IngestLogs(), Metrics(), Snapshots(), Instruments()))
    stood = remembered(tmp_path)
    assert stood is not None
    assert stood.size in range(85, 116)
    assert compare(log, tmp_path) == []
    assert catch_up(log, tmp_path) == log.head()
    assert stored_digests(log, tmp_path) == replay(log)


def test_a_rebuild_that_dies_leaves_the_store_that_was(tmp_path: Path) -> None:
    """What was half built is swept by the next one."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    with pytest.raises(KeyboardInterrupt):
        rebuild(log, tmp_path, projections=(Breaking(101), IngestLogs(), Metrics(), Snapshots(), Instruments()))
    assert stored_digests(log, tmp_path) == replay(log)
    rebuild(log, tmp_path)
    assert ["store-2"] == [folder.name for folder in (tmp_path / "projections").glob("store-*")]


def test_a_view_stays_what_it_was_while_the_store_is_rebuilt(tmp_path: Path) -> None:
    """A reader sees the old state or the new one, whole."""
    log = told(LONG_STORY)
    with open_view(Prefix(log, 50), tmp_path) as before:
        rebuild(log, tmp_path)
        assert digests(before.state) == replay(log, 50)
    assert stored_digests(log, tmp_path) == replay(log)


class Renumbered(Metrics):
    """Metrics of another version."""

    version = Metrics.version + 1


def test_another_version_is_built_again(tmp_path: Path) -> None:
    """The new version is stored; a reader who cannot write folds all of it in memory."""
    log, projections = told(LONG_STORY), (Prices(), IngestLogs(), Renumbered(), Snapshots(), Instruments())
    catch_up(log, tmp_path)
    with Shelf(tmp_path).locked(), open_view(log, tmp_path, projections) as view:
        assert digests(view.state) == replay(log)
    assert catch_up(log, tmp_path, projections) == log.head()
    with Shelf(tmp_path).stored() as stored:
        assert stored is not None
        assert stored.models["metrics"].version == Renumbered.version


@pytest.mark.parametrize(("stop", "batches"), [(23, [10, 10, 3]), (20, [10, 10])])
def test_a_transaction_takes_no_more_than_a_batch_and_nothing_past_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop: int, batches: list[int]
) -> None:
    """The end is the log's when the fold began, whatever was appended since."""
    taken: list[int] = []

    def counted(records: Iterable[Record], start: Head, projections: Sequence[Projection], state: State) -> Head:
        batch = list(records)
        taken.append(len(batch))
        return fold(batch, start, projections, state)

    monkeypatch.setattr(runner, "BATCH_EVENTS", 10)
    monkeypatch.setattr(runner, "fold", counted)
    log = told(LONG_STORY)

    class Growing(Prefix):
        """Shows `stop` events as its head, and has more for who reads on."""

        def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
            return log.read(start, stop)

    assert stop == catch_up(Growing(log, stop), tmp_path).size
    assert batches == taken


def test_copied_rows_are_put_a_batch_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store of any size is copied in the memory of a batch."""
    put: list[int] = []

    def counted(name: str, table: str, rows: Sequence[Row], state: State) -> Head:
        put.append(len(rows))
        return _put_all(name, table, rows, state)

    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    monkeypatch.setattr(runner, "BATCH_EVENTS", 10)
    monkeypatch.setattr(runner, "_put_all", counted)
    rebuild(log, tmp_path, ["metrics"])
    assert 10 == max(put)
    assert compare(log, tmp_path) == []


def test_one_projection_is_rebuilt_and_the_others_are_kept(tmp_path: Path) -> None:
    """A key planted in each shows which of them were folded again."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    _plant(tmp_path, "prices", "bars")
    _plant(tmp_path, "metrics", "probes")
    assert ["prices", "metrics"] == [found.projection for found in compare(log, tmp_path)]
    rebuild(log, tmp_path, ["metrics"])
    assert ["prices"] == [found.projection for found in compare(log, tmp_path)]
    rebuild(log, tmp_path)
    assert compare(log, tmp_path) == []


def _plant(folder: Path, projection: str, table: str) -> None:
    with Shelf(folder).stored() as stored:
        assert stored is not None
        head = stored.head()

        def step(state: State) -> Head:
            state[projection][table].put(b"\x01planted", b"")
            return head

        stored.advance(step)


def test_compare_names_the_first_key_apart(tmp_path: Path) -> None:
    """Both digests, the table and the key."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    _plant(tmp_path, "metrics", "probes")
    found = compare(log, tmp_path)
    assert [("metrics", "probes", b"\x01planted".hex())] == [(one.projection, one.table, one.key) for one in found]
    assert replay(log)["metrics"] == found[0].replayed != found[0].stored
    assert 64 == len(found[0].stored)


def test_rebuild_refuses_a_name_that_is_no_projection(tmp_path: Path) -> None:
    """It says which there are."""
    with pytest.raises(ValueError, match="got projection nada, nope, want one of prices, ingest_logs, metrics, "):
        rebuild(told([]), tmp_path, ["nope", "nada"])


def test_a_log_shorter_than_what_was_folded_is_rolled_back(tmp_path: Path) -> None:
    """The stored head is a witness: nothing is folded, nothing is read, until a person says so."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    short = Prefix(log, 40)
    for refused in (catch_up, rebuild, compare):
        with pytest.raises(RolledBackError) as caught:
            refused(short, tmp_path)
        assert ("projections", log.head().size, 40) == (
            caught.value.witness,
            caught.value.expected_size,
            caught.value.size,
        )
    with pytest.raises(RolledBackError), open_view(short, tmp_path):
        pass
    forget(tmp_path)
    assert catch_up(short, tmp_path) == short.head()


def test_a_log_with_another_event_there_is_forked(tmp_path: Path) -> None:
    """Longer than the stored head, and not the log that was folded."""
    catch_up(told([500, 100]), tmp_path)
    other = told([600, 100, 200])
    with pytest.raises(ForkedError, match="projections remembers"):
        catch_up(other, tmp_path)


class AppendsBetween:
    """A log to which another process appends whenever its head is asked for."""

    def __init__(self, story: Story) -> None:
        self._story = story

    def head(self) -> Head:
        """Return the head; one event more is there the next time."""
        head = self._story.log.head()
        self._story.failed()
        return head

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield what is there now."""
        return self._story.log.read(start, stop)


def test_a_writer_in_between_is_no_rollback(tmp_path: Path) -> None:
    """The stored head is read first, so the log can only be further on."""
    log = AppendsBetween(Story())
    for _ in range(5):
        with open_view(log, tmp_path) as view:
            assert view.head.size >= 1


def _zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _foreign(path: Path) -> None:
    path.unlink()
    path.parent.joinpath("lock.mdb").unlink()
    with lmdb.open(str(path.parent)) as env, env.begin(write=True) as txn:
        txn.put(b"a", b"b")


def _gone(path: Path) -> None:
    path.unlink()


def _nonsense(path: Path) -> None:
    path.parent.parent.joinpath("CURRENT").write_bytes(b"../../etc\n")


@pytest.mark.parametrize("damage", [_zero, _empty, _cut, _foreign, _gone, _nonsense])
def test_a_damaged_store_is_built_again(tmp_path: Path, damage: object) -> None:
    """It is disposable, and says nothing."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    path = Shelf(tmp_path).current()
    assert path is not None
    assert callable(damage)
    damage(path / "data.mdb")
    assert catch_up(log, tmp_path) == log.head()
    assert stored_digests(log, tmp_path) == replay(log)


def test_a_tampered_event_is_not_folded(tmp_path: Path) -> None:
    """The chain is checked on the way, so the read models never rest on bytes that it refuses."""
    log = told([100, 200, 300])
    last = log._records[-1]
    log._records[-1] = Record(last.seq, last.link, last.body[:-1] + bytes([last.body[-1] ^ 1]))
    with pytest.raises(DamagedError, match=f"got link at seq {last.seq}"):
        catch_up(log, tmp_path)


def test_a_missing_event_is_not_folded(tmp_path: Path) -> None:
    """The seq that is not there is named."""
    log = told([100, 200, 300])
    del log._records[2]
    with pytest.raises(DamagedError, match="seq 2"):
        catch_up(log, tmp_path)


def test_an_unknown_event_stops_every_fold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even one that no projection reads: what it means for them is not known."""
    log = told([500])
    head = log.head()
    seq = Seq(head.size)
    monkeypatch.setattr("ledger.events.BackupFailed.TAG", "later.happened/1")
    failed = BackupFailed(name="x", stage="y", error_kind="internal", message="z")
    draft = Draft(job_id=bytes(16), stream=LEDGER_STREAM, event=failed)
    body = encode_draft(draft, seq=seq, recorded_at=EPOCH_US + 10**12, append_id=append_id("later"))
    (link,) = links(head.link, [body])  # a later version wrote it: this one appends nothing that it cannot read
    log._records.append(Record(seq, link, body))
    with pytest.raises(UnknownEventError, match=f"got event type 'later.happened/1' at seq {seq}"):
        catch_up(log, tmp_path)


def test_an_archive_is_folded_in_memory() -> None:
    """Without a folder nothing is stored anywhere."""
    log = told(LONG_STORY)
    with open_view(log, None) as view:
        assert (log.head(), replay(log)) == (view.head, digests(view.state))


def test_a_view_at_a_position_is_the_replay_of_the_events_before_it() -> None:
    """Position counts events."""
    log = told(LONG_STORY)
    view = view_at(log, 33)
    assert (Prefix(log, 33).head(), replay(log, 33)) == (view.head, digests(view.state))


def test_files_are_the_users_own(tmp_path: Path) -> None:
    """0700 and 0600 throughout, after a rebuild of one projection too."""
    log = told(LONG_STORY)
    catch_up(log, tmp_path)
    rebuild(log, tmp_path, ["prices"])
    root = tmp_path / "projections"
    modes = {path.name: path.stat().st_mode & 0o777 for path in (root, *root.rglob("*"))}
    expected = {
        "projections": 0o700,
        "CURRENT": 0o600,
        "lock": 0o600,
        "store-2": 0o700,
        "data.mdb": 0o600,
        "lock.mdb": 0o600,
    }
    assert expected == modes


def test_a_read_only_folder_is_read_without_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No lock, no file, no new time; what is missing is folded in memory."""
    log = told(LONG_STORY)
    catch_up(Prefix(log, 100), tmp_path)
    root = tmp_path / "projections"
    before = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in (root, *root.rglob("*"))}
    monkeypatch.setattr("os.access", lambda _path, mode: mode != os.W_OK)
    assert stored_digests(log, tmp_path) == replay(log)
    assert before == {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in (root, *root.rglob("*"))}


def test_threads_share_one_store(tmp_path: Path) -> None:
    """Each sees a whole state at a head that the log had, while others catch up."""
    log = told(LONG_STORY)
    expected = {size: replay(log, size) for size in (50, 100, 150, 200)}

    def look(size: int) -> bool:
        try:
            with open_view(Prefix(log, size), tmp_path) as view:
                return expected[view.head.size] == digests(view.state)
        except RolledBackError:  # another thread's log was further on
            return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(look, [50, 100, 150, 200] * 10))
    assert catch_up(log, tmp_path) == log.head()
    assert compare(log, tmp_path) == []


def test_another_process_holding_the_lock_is_not_waited_for(tmp_path: Path) -> None:
    """Catch-up gives way with what is stored, and the reader folds the rest in memory."""
    log = told(LONG_STORY)
    stored = catch_up(Prefix(log, 100), tmp_path)
    holder = subprocess.Popen(
        ["flock", str(tmp_path / "projections" / "lock"), "sh", "-c", "echo held; read line"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    try:
        assert holder.stdout.readline() == b"held\n"
        assert catch_up(log, tmp_path) == stored
        assert stored_digests(log, tmp_path) == replay(log)
    finally:
        holder.communicate(b"\n")
    assert catch_up(log, tmp_path) == log.head()


def test_what_a_reader_fails_at_is_no_failure_of_the_store(tmp_path: Path) -> None:
    """A full disk under what it prints, or a folder that it may not write to, while the view is open."""
    log = told([1, 2, 3])
    catch_up(log, tmp_path, fresh())
    for errno_ in (errno.ENOSPC, errno.EACCES, errno.EMFILE):
        failed = OSError(errno_, os.strerror(errno_))
        with pytest.raises(OSError, match=os.strerror(errno_)) as caught, open_view(log, tmp_path):
            raise failed
        assert failed is caught.value


def test_whoever_opens_a_store_for_writing_frees_the_slots_of_the_dead(tmp_path: Path) -> None:
    """As with the log."""
    folder = tmp_path / "store-1"
    store.create(folder, {})
    with dead_reader(folder) as is_listed:
        assert is_listed()
        store.Store(folder).close()
        assert not is_listed()
