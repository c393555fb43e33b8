"""The log on disk: its files, its lock, its anchor, its growing map, and what it does with strange files."""

import os
import shutil
import stat
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import lmdb
import pytest

import ledger.store.engine
from ledger.chain import GENESIS, Head, Link
from ledger.errors import (
    AnchorDamagedError,
    ForkedError,
    LedgerError,
    LedgerReplacedError,
    NewerFormatError,
    NoLedgerError,
    NotALedgerError,
    RolledBackError,
    UnwritableError,
    WriterLockError,
)
from ledger.ids import append_id
from ledger.store.anchor import Anchor, pack_slot, read_anchor
from ledger.store.create import create_ledger
from ledger.store.engine import AppendRun, Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.store.writer_lock import WriterLock
from tests.support.drafts import StepClock, connection_tested
from tests.support.oracle import check_log


def append(log: EventLog, *numbers: int) -> None:
    """Append one event a number, each in an append of its own."""
    for number in numbers:
        log.append([connection_tested(number)], append_id=append_id(f"n/{number}"))


def mode(path: Path) -> int:
    """Return the permission bits of `path`."""
    return stat.S_IMODE(path.stat().st_mode)


def test_files_are_private_whatever_the_umask(tmp_path: Path, clock: StepClock) -> None:
    """Folders 0700, files 0600."""
    before = os.umask(0)
    try:
        home = LedgerHome(tmp_path / "dados")
        folder = create_ledger(home, kind="real", software="t", now=clock, lock_timeout_s=5)
    finally:
        os.umask(before)
    assert folder is not None
    assert {"data.mdb": 0o600, "lock.mdb": 0o600, "head": 0o600} == {p.name: mode(p) for p in folder.iterdir()}
    assert (0o700, 0o700, 0o600) == (mode(home.root), mode(folder), mode(home.root / "CURRENT"))


def test_of_two_creations_the_first_made_the_ledger(home: LedgerHome, clock: StepClock) -> None:
    """The second finds it, says that it made none, and leaves it alone."""
    assert create_ledger(home, kind="real", software="other", now=clock, lock_timeout_s=5) is None
    assert home.current() == home.root / "ledger-1"
    with EventLog(home, now=clock, readonly=True) as log:
        assert 1 == log.head().size


def test_a_creation_that_died_before_the_switch_is_finished(home: LedgerHome, clock: StepClock) -> None:
    """A whole first ledger without CURRENT is taken into use, not doubled."""
    (home.root / "CURRENT").unlink()
    assert home.current() is None
    made = create_ledger(home, kind="real", software="t", now=clock, lock_timeout_s=5)
    assert home.root / "ledger-1" == made == home.current()
    assert ["ledger-1"] == [folder.name for folder in home.folders()]


def test_a_lost_current_never_starts_a_second_ledger(home: LedgerHome, clock: StepClock) -> None:
    """A ledger with events and no CURRENT is refused, by creation and by opening."""
    with EventLog(home, now=clock) as log:
        append(log, 1)
    (home.root / "CURRENT").rename(home.root / "elsewhere")
    with pytest.raises(NotALedgerError):
        create_ledger(home, kind="real", software="t", now=clock, lock_timeout_s=5)
    with pytest.raises(NotALedgerError):
        home.current()


@pytest.mark.damages("CURRENT")
@pytest.mark.parametrize("text", ["", "ledger-0\n", "../etc\n", "ledger-1\nledger-2\n", "ledger-7\n", "\xff"])
def test_a_damaged_current_is_refused(home: LedgerHome, text: str) -> None:
    """CURRENT names an existing ledger folder or nothing works."""
    (home.root / "CURRENT").write_bytes(text.encode("latin-1"))
    with pytest.raises(NotALedgerError):
        home.current()


def test_no_ledger_is_said_so(tmp_path: Path, clock: StepClock) -> None:
    """An empty folder is not a ledger, and opening makes nothing."""
    with pytest.raises(NoLedgerError):
        EventLog(LedgerHome(tmp_path), now=clock, readonly=True)
    assert [] == list(tmp_path.iterdir())


def damage_empty(data: Path) -> None:
    """Leave a file of no bytes."""
    data.write_bytes(b"")


def damage_foreign(data: Path) -> None:
    """Leave a file of something else."""
    data.write_bytes(b"SQLite format 3\0" * 1000)


def damage_cut(data: Path) -> None:
    """Leave the first three pages."""
    os.truncate(data, 3 * 4096)


def damage_directory(data: Path) -> None:
    """Leave a folder where the file was."""
    data.unlink()
    data.mkdir()


def damage_other_database(data: Path) -> None:
    """Leave an LMDB file that is no ledger."""
    shutil.rmtree(data.parent)
    with lmdb.open(str(data.parent), max_dbs=1) as env, env.begin(write=True) as txn:
        txn.put(b"k", b"v")


@pytest.mark.damages("the database's file")
@pytest.mark.parametrize("damage", [damage_empty, damage_foreign, damage_cut, damage_directory, damage_other_database])
@pytest.mark.parametrize("readonly", [True, False])
def test_a_file_that_is_no_ledger_is_refused_and_left_alone(
    home: LedgerHome, clock: StepClock, damage, readonly: bool
) -> None:  # type: ignore[no-untyped-def]  # parametrised
    """Never taken for a new ledger, never written to."""
    data = home.root / "ledger-1" / "data.mdb"
    damage(data)
    before = data.read_bytes() if data.is_file() else None
    with pytest.raises(LedgerError) as refusal:
        EventLog(home, now=clock, readonly=readonly)
    assert isinstance(refusal.value, NotALedgerError | RolledBackError)
    assert before == (data.read_bytes() if data.is_file() else None)


@pytest.mark.damages("the format is a later one's")
def test_a_newer_format_is_refused_by_name(home: LedgerHome, clock: StepClock) -> None:
    """A ledger written by later software is not guessed at."""
    with lmdb.open(str(home.root / "ledger-1"), max_dbs=3) as env, env.begin(write=True) as txn:
        txn.put(b"format", b"b3-ledger 2")
    with pytest.raises(NewerFormatError) as refusal:
        EventLog(home, now=clock, readonly=True)
    assert ("b3-ledger 2", "b3-ledger 1") == (refusal.value.found, refusal.value.known)


def test_the_map_grows_by_itself(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Appends go on past the size the map was opened with."""
    log.close()
    monkeypatch.setattr(ledger.store.engine, "FIRST_MAP_BYTES", 64 * 1024)
    with EventLog(log.home, now=StepClock(), lock_timeout_s=5) as small:
        for number in range(20):
            drafts = [connection_tested(n, note="x" * 4000) for n in range(20)]
            small.append(drafts, append_id=append_id(f"b/{number}"))
        assert 401 == small.head().size
        check_log(small)
    log.__init__(log.home, now=StepClock(), lock_timeout_s=5)  # type: ignore[misc]  # reopened for the oracle


def test_a_map_grown_by_another_process_is_adopted(log: EventLog) -> None:
    """A reader and a writer that were open before go on with the larger map."""
    append(log, 1)
    code = """
        import sys
        from pathlib import Path
        import ledger.store.engine
        ledger.store.engine.MAP_STEP_BYTES = 2**30
        from ledger.store.home import LedgerHome
        from ledger.ids import append_id
        from ledger.store.event_log import EventLog
        from tests.support.drafts import StepClock, connection_tested
        with EventLog(LedgerHome(Path(sys.argv[1])), now=StepClock()) as log:
            drafts = [connection_tested(n, note="x" * 1_000_000) for n in range(80)]
            log.append(drafts, append_id=append_id("grow"))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code), str(log.home.root)], check=True)
    assert 82 == log.head().size
    append(log, 2)
    assert 83 == log.head().size


def test_the_writer_lock_is_waited_for_and_then_refused(home: LedgerHome, clock: StepClock) -> None:
    """A second writer gives up after its timeout and names the holder."""
    other = WriterLock(home.writer_lock)
    with other.held(1), EventLog(home, now=clock, lock_timeout_s=0.05) as log:
        with pytest.raises(WriterLockError) as refusal:
            append(log, 1)
        assert os.getpid() == refusal.value.holder_pid
        assert 1 == log.head().size
    other.close()


def test_the_lock_of_a_killed_holder_is_free(home: LedgerHome, clock: StepClock) -> None:
    """The kernel gives a dead writer's lock back."""
    code = "import sys,time;from pathlib import Path;from ledger.store.writer_lock import WriterLock\n"
    code += "lock=WriterLock(Path(sys.argv[1]))\nwith lock.held(1): print('held',flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(home.writer_lock)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    with holder, holder.stdout:
        assert b"held\n" == holder.stdout.readline()
        with EventLog(home, now=clock, lock_timeout_s=0.05) as log, pytest.raises(WriterLockError) as refusal:
            append(log, 1)
        assert holder.pid == refusal.value.holder_pid
        holder.kill()
        holder.wait()
    with EventLog(home, now=clock, lock_timeout_s=1) as log:
        append(log, 1)
        assert 2 == log.head().size


def test_appends_are_anchored_and_slots_taken_in_turn(log: EventLog) -> None:
    """After each append the anchor remembers its head, and the slot before it still holds the one before."""
    heads = []
    for number in range(5):
        append(log, number)
        heads.append(log.head())
        raw = (log.folder / "head").read_bytes()
        assert log.head() == read_anchor(log.folder / "head")
        if len(heads) > 1:
            assert pack_slot(heads[-2]) in raw


def test_a_repeated_append_brings_a_lagging_anchor_up(log: EventLog) -> None:
    """Killed between commit and anchor, the writer asks again: acknowledged means anchored."""
    append(log, 1)
    before = log.head()
    append(log, 2)
    Anchor.create(log.folder / "head", before).close()
    append(log, 2)
    assert log.head() == read_anchor(log.folder / "head")


def test_a_torn_slot_leaves_the_other(log: EventLog) -> None:
    """Half a slot written is the head of one append ago, and the log goes on."""
    append(log, 1, 2)
    anchor = log.folder / "head"
    raw = bytearray(anchor.read_bytes())
    at = raw.index(pack_slot(log.head()))
    raw[at + 10 : at + 64] = bytes(54)
    anchor.write_bytes(raw)
    assert 2 == (read_anchor(anchor) or Head(0, GENESIS)).size
    append(log, 3)
    assert log.head() == read_anchor(anchor)


@pytest.mark.damages("the anchor")
@pytest.mark.parametrize("raw", [b"", bytes(128), b"\xff" * 128, bytes(64)])
def test_a_damaged_anchor_stops_readers_and_writers(home: LedgerHome, clock: StepClock, raw: bytes) -> None:
    """Empty or zeroed is damaged, not absent."""
    (home.root / "ledger-1" / "head").write_bytes(raw)
    for readonly in (True, False):
        with pytest.raises(AnchorDamagedError):
            EventLog(home, now=clock, readonly=readonly)


@pytest.mark.damages("an older database is put back")
def test_an_older_copy_put_in_place_is_rolled_back(home: LedgerHome, clock: StepClock, tmp_path: Path) -> None:
    """The anchor remembers more events than an older database holds: nobody reads or appends unaware."""
    with EventLog(home, now=clock) as log:
        append(log, 1)
    data = home.root / "ledger-1" / "data.mdb"
    shutil.copy(data, tmp_path / "old.mdb")
    with EventLog(home, now=clock) as log:
        append(log, 2, 3)
    shutil.copy(tmp_path / "old.mdb", data)
    for readonly in (True, False):
        with pytest.raises(RolledBackError) as refusal:
            EventLog(home, now=clock, readonly=readonly)
        assert ("anchor", 4, 2) == (refusal.value.witness, refusal.value.expected_size, refusal.value.size)


def test_every_append_looks_at_the_anchor(log: EventLog) -> None:
    """An anchor that changed under an open writer stops its next append."""
    append(log, 1)
    Anchor.create(log.folder / "head", Head(9, Link(bytes(32)))).close()
    with pytest.raises(RolledBackError):
        append(log, 2)
    Anchor.create(log.folder / "head", log.head()).close()


@pytest.mark.damages("the anchor remembers another event")
def test_another_event_at_the_remembered_seq_is_forked(home: LedgerHome, clock: StepClock) -> None:
    """The same size under another link is another history."""
    Anchor.create(home.root / "ledger-1" / "head", Head(1, Link(bytes(32)))).close()
    with pytest.raises(ForkedError):
        EventLog(home, now=clock, readonly=True)


def test_a_missing_anchor_is_made_again_by_the_next_append(home: LedgerHome, clock: StepClock) -> None:
    """Taken away, it is not damage: the log goes on and is anchored from there."""
    (home.root / "ledger-1" / "head").unlink()
    with EventLog(home, now=clock) as log:
        append(log, 1)
        assert log.head() == read_anchor(log.folder / "head")


def test_a_writer_follows_current(log: EventLog, home: LedgerHome) -> None:
    """After a switch the next append goes to the ledger in use, not to the replaced one."""
    append(log, 1)
    old, new = home.root / "ledger-1", home.root / "ledger-2"
    replaced = {name: (old / name).read_bytes() for name in ("data.mdb", "head")}
    shutil.copytree(old, new)
    home.switch(new)
    append(log, 2)
    assert (new, 3, log.head()) == (log.folder, log.head().size, read_anchor(new / "head"))
    assert replaced == {name: (old / name).read_bytes() for name in ("data.mdb", "head")}


def test_what_was_drawn_from_a_replaced_ledger_is_not_appended(log: EventLog, home: LedgerHome) -> None:
    """Neither to the one that was read nor to the one in use; what is drawn from that one then is."""
    append(log, 1)
    old, new = home.root / "ledger-1", home.root / "ledger-2"
    shutil.copytree(old, new)
    home.switch(new)
    before = [(folder / "data.mdb").read_bytes() for folder in (old, new)]
    with pytest.raises(LedgerReplacedError) as refused:
        log.append([connection_tested(2)], append_id=append_id("2"), expected_folder=old)
    assert (f"got {new.name} in use, want {old.name}, which was read", old, new) == (
        str(refused.value),
        refused.value.expected,
        refused.value.actual,
    )
    assert before == [(folder / "data.mdb").read_bytes() for folder in (old, new)]
    assert 3 == log.append([connection_tested(2)], append_id=append_id("2"), expected_folder=log.folder).head.size


def test_who_asks_for_the_folder_while_it_is_switched_waits(
    log: EventLog, home: LedgerHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In between the replaced ledger is closed: its name would be taken for a sound one's."""
    old, new = log.folder, home.next_folder()
    shutil.copytree(old, new)
    home.switch(new)
    opening, asked = threading.Event(), threading.Event()
    told: list[Path] = []

    def opened(folder: Path, *, readonly: bool) -> Engine:
        opening.set()
        assert asked.wait(10)
        time.sleep(0.05)
        return Engine(folder, readonly=readonly)

    def ask() -> None:
        asked.set()
        try:
            log.require_folder(old)
        except LedgerReplacedError as error:
            told.append(error.actual)

    monkeypatch.setattr("ledger.store.event_log.Engine", opened)
    with ThreadPoolExecutor(2) as pool:
        pool.submit(append, log, 1)
        assert opening.wait(10)
        pool.submit(ask)
    assert [new] == told


def test_an_append_is_known_by_its_id(log: EventLog) -> None:
    """Which events it wrote; nothing is known of an id that wrote none."""
    log.append([connection_tested(1), connection_tested(2)], append_id=append_id("a"))
    assert (AppendRun(1, 2), None) == (log.append_run(append_id("a")), log.append_run(append_id("b")))


def test_an_unwritable_folder_is_said_so(tmp_path: Path, clock: StepClock) -> None:
    """A file where the data folder belongs: one clear error."""
    (tmp_path / "dados").write_text("not a folder")
    with pytest.raises(UnwritableError):
        create_ledger(LedgerHome(tmp_path / "dados"), kind="real", software="t", now=clock, lock_timeout_s=1)


def test_reading_leaves_data_and_anchor_untouched(log: EventLog, home: LedgerHome, clock: StepClock) -> None:
    """A reader writes nothing but LMDB's own lock file."""
    append(log, 1, 2)
    log.close()
    before = {p.name: p.read_bytes() for p in log.folder.iterdir() if p.name != "lock.mdb"}
    with EventLog(home, now=clock, readonly=True) as reader:
        check_log(reader)
    assert before == {p.name: p.read_bytes() for p in log.folder.iterdir() if p.name != "lock.mdb"}
    log.__init__(home, now=clock, lock_timeout_s=5)  # type: ignore[misc]  # reopened for the oracle


def test_values_are_the_records_of_a_range_as_stored(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Link and body joined, in order, in as many runs as transactions; an empty range gives none."""
    log.append([connection_tested(number) for number in range(5)], append_id=append_id("n"))
    monkeypatch.setattr("ledger.store.engine.CHUNK_BYTES", 400)
    want = [record.link + record.body for record in log.read(1, 5)]
    runs = list(log.values(1, 5))
    assert want == [value for run in runs for value in run]
    assert 1 < len(runs) < len(want)
    assert [] == list(log.values(3, 3))
