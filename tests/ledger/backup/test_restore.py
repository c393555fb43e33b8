"""A restore puts an archive in the place of the ledger whole, or changes nothing; nothing is ever deleted."""

import hashlib
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import lmdb
import pytest
from msgspec.structs import replace

from ledger.appending import chain_records
from ledger.audit.verify import verify_ledger
from ledger.backup.archive_log import ArchiveLog, archive_log
from ledger.backup.restore import Restore, Restored, Terms, home_of
from ledger.backup.restore_plan import Lacking, LedgerComparison
from ledger.chain import EMPTY_HEAD, Head, Record
from ledger.codec import decode_envelope, decode_event
from ledger.errors import (
    ConflictError,
    DamagedError,
    NotALedgerError,
    RestoreRefusedError,
    RollbackRefusedError,
    WriterLockError,
    WrongKindError,
)
from ledger.events import BackupRestored
from ledger.ids import append_id, new_id
from ledger.log_source import Witness
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.store.writer_lock import WriterLock
from tests.ledger.restoring import OURS, SIZE, events, fill, task
from tests.ledger.watching import Watched
from tests.support.archives import archive, created, put, small_log
from tests.support.drafts import StepClock, connection_tested

YES = Terms(yes=True)


def tree(root: Path) -> dict[str, str]:
    """Return the hash of every file below `root`, LMDB's own lock files apart."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != "lock.mdb"
    }


def told(home: LedgerHome) -> BackupRestored:
    """Return the last event, which tells of the restore."""
    last = events(home)[-1]
    event = decode_event(decode_envelope(last.seq, last.body))
    assert isinstance(event, BackupRestored)
    return event


def test_where_there_is_no_ledger_the_backup_becomes_it(empty: LedgerHome, backup: ArchiveLog) -> None:
    """The same events under the same links, then one that tells of the restore; intact, and anchored."""
    ended = task(empty, backup).run(Terms())
    folder = empty.root / "ledger-1"
    assert (
        Restored(replaced=LedgerComparison(relation="absent"), folder=folder, kept=False, head=backup.head()) == ended
    )
    assert OURS == events(empty)[:-1]
    want = BackupRestored(
        name="a.db",
        size=SIZE,
        link=backup.head().link,
        sha256=backup.scan.sha256,
        replaced_folder=None,
        replaced_size=None,
        replaced_link=None,
        rollback=False,
    )
    assert want == told(empty)
    report = verify_ledger(empty, structure=True)
    assert ("intact", SIZE + 1, ("anchor",)) == (report.verdict, report.events, report.witnesses)


def test_the_index_of_appends_is_built_again(empty: LedgerHome, tmp_path: Path) -> None:
    """An append that is retried after the restore is recognised, a batch of three as well, and repeats nothing."""
    log = small_log(2)
    drafts = [connection_tested(number) for number in range(3)]
    log.append(drafts, append_id=append_id("batch"))
    backup = archive_log(put(tmp_path / "a.db", archive(log.read())))
    task(empty, backup).run(Terms())
    with EventLog(empty, now=StepClock()) as restored:
        again = restored.append(drafts, append_id=append_id("batch"))
        assert (2, 3, True) == (again.first, again.count, again.repeated)
        assert 6 == restored.head().size


def test_batches_do_not_tear_an_append(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is read at a time and put at a time, the index is that of the log it came from."""
    log = small_log(3)
    for run, count in enumerate((4, 1, 5)):
        drafts = [connection_tested(100 * run + number) for number in range(count)]
        log.append(drafts, append_id=append_id(f"run/{run}"))
    backup = archive_log(put(tmp_path / "a.db", archive(log.read())))
    for buffer_bytes, batch_bytes in ((1, 1), (1, 600), (600, 1), (1500, 1), (1500, 2000)):
        monkeypatch.setattr("ledger.backup.frames.BUFFER_BYTES", buffer_bytes)
        monkeypatch.setattr("ledger.backup.restore_build.BATCH_BYTES", batch_bytes)
        home = LedgerHome(tmp_path / f"home-{buffer_bytes}-{batch_bytes}")
        task(home, backup).run(Terms())
        with EventLog(home, now=StepClock()) as restored:
            runs = [restored.append_run(append_id(f"run/{run}")) for run in range(3)]
        assert [(3, 4), (7, 1), (8, 5)] == [(run.first, run.count) for run in runs if run]


def test_restoring_is_watched(empty: LedgerHome, backup: ArchiveLog) -> None:
    """Every event of the backup; where nothing is replaced there is nothing to see."""
    watched = Watched()
    task(empty, backup).run(Terms(), watched)
    task(empty, backup).run(Terms(), watched)
    assert [("restoring", SIZE, SIZE)] == watched.tasks


def test_a_prefix_goes_on_as_the_backup(empty: LedgerHome, backup: ArchiveLog) -> None:
    """Nobody is asked, since nothing is lost; what was replaced stays, and is named."""
    fill(empty, 3)
    before = tree(empty.root / "ledger-1")
    ended = task(empty, backup).run(Terms())
    assert ("prefix", False) == (ended.replaced.relation, ended.kept)
    assert OURS == events(empty)[:-1]
    event = told(empty)
    assert ("ledger-1", 3, OURS[2].link) == (event.replaced_folder, event.replaced_size, event.replaced_link)
    assert before == tree(empty.root / "ledger-1")


@pytest.mark.parametrize("more", [0, 1, 5])
def test_a_ledger_that_contains_the_backup_is_kept(empty: LedgerHome, backup: ArchiveLog, more: int) -> None:
    """Equal or longer: checked, nothing replaced, not a byte changed; nobody who writes is waited for."""
    fill(empty, SIZE, more=more)
    with EventLog(empty, now=StepClock(), readonly=True) as log:
        head = log.head()
    before, comparison, folder = tree(empty.root), task(empty, backup).compare(), empty.root / "ledger-1"
    lock = WriterLock(empty.writer_lock)
    with lock.held(1):
        ended = task(empty, backup, lock_timeout_s=0).run(YES)
    lock.close()
    assert ("contains", Restored(replaced=comparison, folder=folder, kept=True, head=head)) == (
        comparison.relation,
        ended,
    )
    assert {name: after for name, after in tree(empty.root).items() if name != "locks/writer.lock"} == {
        name: hashed for name, hashed in before.items() if name != "locks/writer.lock"
    }


def test_going_back_needs_to_be_asked_for(empty: LedgerHome, backup: ArchiveLog) -> None:
    """Without --yes it is refused with the numbers; with it, the longer ledger stays in its folder."""
    fill(empty, SIZE, more=4)
    before = tree(empty.root)
    with pytest.raises(RollbackRefusedError) as refusal:
        task(empty, backup).run(Terms(rollback=True))
    found = f"an intact ledger in ledger-1 with 4 readable events from seq {SIZE} on that the backup lacks"
    assert f"got {found}, want --rollback --yes before it is replaced" == str(refusal.value)
    assert (backup.path, found) == (refusal.value.path, refusal.value.found)
    assert before == tree(empty.root)
    task(empty, backup).run(Terms(rollback=True, yes=True))
    assert (OURS, True) == (events(empty)[:-1], told(empty).rollback)
    assert "ledger-2" == empty.current().name  # type: ignore[union-attr]  # it is there


def test_there_is_nothing_to_go_back_from_where_both_are_equal(empty: LedgerHome, backup: ArchiveLog) -> None:
    """--rollback --yes onto itself changes nothing; onto less than the backup it is no going back."""
    fill(empty, SIZE)
    assert task(empty, backup).run(Terms(rollback=True, yes=True)).kept
    shutil.rmtree(empty.root)
    fill(empty, 3)
    assert not task(empty, backup).run(Terms(rollback=True)).kept
    assert not told(empty).rollback


def test_it_looks_again_once_it_is_alone(
    empty: LedgerHome, backup: ArchiveLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First beside whoever writes, then under the writer lock, and says which."""
    looks: list[bool] = []

    def absent(home: LedgerHome, archive: ArchiveLog, *, witnesses: Sequence[Witness], alone: bool) -> LedgerComparison:
        assert (empty, backup, ()) == (home, archive, witnesses)
        looks.append(alone)
        return LedgerComparison(relation="absent")

    monkeypatch.setattr("ledger.backup.restore.compare_ledger", absent)
    task(empty, backup).run(Terms())
    assert [False, True] == looks


def test_a_forked_ledger_is_replaced_only_on_a_word(empty: LedgerHome, backup: ArchiveLog) -> None:
    """It says how many events the backup lacks and from where; a person who agrees is enough."""
    fill(empty, 3, more=5)
    before = tree(empty.root)
    asked: list[LedgerComparison] = []

    def no(comparison: LedgerComparison) -> bool:
        asked.append(comparison)
        return False

    with pytest.raises(RestoreRefusedError) as refusal:
        task(empty, backup).run(Terms(ask=no))
    found = "a forked ledger in ledger-1 with 5 readable events from seq 3 on that the backup lacks"
    assert f"got {found}, want --yes before it is replaced" == str(refusal.value)
    assert (RestoreRefusedError, backup.path) == (type(refusal.value), refusal.value.path)
    assert before == tree(empty.root)
    assert [("forked", Lacking(5, 3))] == [(one.relation, one.lacking) for one in asked]
    task(empty, backup).run(Terms(ask=lambda _: True))
    assert OURS == events(empty)[:-1]


def test_another_ledger_altogether_is_forked_from_its_first_event(empty: LedgerHome, backup: ArchiveLog) -> None:
    """Nothing of it is in the backup."""
    fill(empty, 1, ledger_id=bytes(16), more=3)
    comparison = task(empty, backup).compare()
    assert ("forked", Lacking(4, 0)) == (comparison.relation, comparison.lacking)


def damage(home: LedgerHome, seq: int, change: Callable[[bytes], bytes]) -> None:
    """Change the stored value of `seq` behind the ledger's back."""
    folder = home.current()
    with lmdb.open(str(folder), max_dbs=3) as env:
        db = env.open_db(b"events")
        with env.begin(write=True, db=db) as txn:
            name = seq.to_bytes(8, "big")
            txn.put(name, change(bytes(txn.get(name))))


def broken_body(value: bytes) -> bytes:
    """Change the last byte."""
    return value[:-1] + bytes([value[-1] ^ 1])


def broken_link(value: bytes) -> bytes:
    """Change the first byte."""
    return bytes([value[0] ^ 1]) + value[1:]


@pytest.mark.parametrize("change", [broken_body, broken_link])
@pytest.mark.parametrize("seq", [0, 2, SIZE - 1])
def test_a_damaged_ledger_is_replaced_only_on_a_word(
    seq: int, change: Callable[[bytes], bytes], empty: LedgerHome, backup: ArchiveLog
) -> None:
    """What the damage left of each event is in the backup: nothing is lost; but a person says so."""
    fill(empty, SIZE)
    damage(empty, seq, change)
    with pytest.raises(RestoreRefusedError, match="no readable event that the backup lacks"):
        task(empty, backup).run(Terms())
    task(empty, backup).run(YES)
    assert OURS == events(empty)[:-1]


@pytest.mark.damages("one event is changed")
def test_events_behind_the_damage_are_counted(empty: LedgerHome, backup: ArchiveLog) -> None:
    """The ledger went on after the backup: what can be read of that is what would go out of sight."""
    fill(empty, SIZE, more=4)
    damage(empty, 2, broken_body)
    assert Lacking(4, SIZE) == task(empty, backup).compare().lacking
    damage(empty, SIZE + 1, lambda _: b"short")
    assert Lacking(3, SIZE) == task(empty, backup).compare().lacking


def test_a_ledger_behind_its_witness_is_damaged(empty: LedgerHome, backup: ArchiveLog) -> None:
    """Whole in itself, but the projections remember more: not replaced unasked."""
    fill(empty, 3)
    ahead = Witness("projections", Head(SIZE, OURS[-1].link))
    with pytest.raises(RestoreRefusedError, match="rolled_back"):
        task(empty, backup, witnesses=lambda: [ahead]).run(Terms())


def ruined(data: Path, kind: str) -> None:
    """Ruin a database file in one of the ways that kill whoever maps it."""
    raw = data.read_bytes()
    data.write_bytes(
        {
            "empty": b"",
            "cut": raw[: len(raw) // 2],
            "zeroed": raw[:8192] + bytes(len(raw) - 8192),
            "foreign": b"not a database" * 500,
        }[kind]
    )


@pytest.mark.parametrize("kind", ["empty", "cut", "zeroed", "foreign"])
def test_a_ruined_database_is_replaced_on_a_word(kind: str, empty: LedgerHome, backup: ArchiveLog) -> None:
    """No damage ends this process; the ruin stays where it was."""
    fill(empty, SIZE, more=2)
    ruined(empty.root / "ledger-1" / "data.mdb", kind)
    before = (empty.root / "ledger-1" / "data.mdb").read_bytes()
    with pytest.raises(RestoreRefusedError, match="damaged"):
        task(empty, backup).run(Terms())
    assert "damaged" == task(empty, backup).run(YES).replaced.relation
    assert OURS == events(empty)[:-1]
    assert before == (empty.root / "ledger-1" / "data.mdb").read_bytes()


def test_a_lost_current_is_found_again(empty: LedgerHome, backup: ArchiveLog) -> None:
    """A restore into an empty home that died between its two renames: the next one finishes it."""
    task(empty, backup).run(Terms())
    (empty.root / "CURRENT").unlink()
    with pytest.raises(NotALedgerError):
        empty.current()
    assert task(empty, backup).run(Terms()).kept
    assert empty.root / "ledger-1" == empty.current()


def test_the_sample_goes_back_to_the_sample(tmp_path: Path) -> None:
    """Event 0 decides; where a real ledger is, a backup of the sample is refused."""
    backup = archive_log(put(tmp_path / "s.db", archive(small_log(2, kind="sample").read())))
    root = LedgerHome(tmp_path / "dados")
    assert root.sample.root == home_of(backup, root).root
    fill(root, 2)
    want = f"got a backup of the sample ({backup.path}) for {root.root}, which holds a real ledger, want a real one"
    for _ in range(2):
        with pytest.raises(WrongKindError) as refusal:
            home_of(backup, root)
        assert want == str(refusal.value)
        (root.root / "CURRENT").unlink(missing_ok=True)  # a real ledger that lost its name is one all the same
    real = archive_log(put(tmp_path / "r.db", archive(small_log(2).read())))
    assert root == home_of(real, root)


def test_a_log_that_goes_wrong_while_it_is_built_changes_nothing(empty: LedgerHome, backup: ArchiveLog) -> None:
    """The file is cut after it was verified: an error, no folder, the ledger as it was."""
    fill(empty, 3)
    before = tree(empty.root)
    put(backup.path, archive(OURS)[:-1])
    with pytest.raises(DamagedError):
        task(empty, backup).run(Terms())
    after = tree(empty.root)
    assert {name: after[name] for name in before if "writer" not in name} == {
        name: hashed for name, hashed in before.items() if "writer" not in name
    }
    assert ["ledger-1"] == [path.name for path in empty.root.iterdir() if path.name.startswith("ledger")]


def test_an_append_id_used_twice_is_no_log(empty: LedgerHome, tmp_path: Path) -> None:
    """A chain that holds around something that no ledger writes: refused, nothing in use."""
    records: list[Record] = []
    for number, name in enumerate((b"0" * 16, b"a" * 16, b"b" * 16, b"a" * 16)):
        head = Head(number, records[-1].link) if records else EMPTY_HEAD
        draft = created() if number == 0 else connection_tested(number)
        records += chain_records([draft], head=head, recorded_at=1, append_id=name)
    with pytest.raises(DamagedError) as damage:
        task(empty, archive_log(put(tmp_path / "x.db", archive(records)))).run(Terms())
    assert f"got append id at seq 3: {b'a'.hex() * 16} again, want one not used before" == str(damage.value)
    assert None is empty.current()


@pytest.mark.parametrize(("common", "terms"), [(3, Terms()), (SIZE, Terms(rollback=True))])
def test_a_ledger_that_moved_since_the_person_agreed_is_a_conflict(
    common: int, terms: Terms, empty: LedgerHome, backup: ArchiveLog
) -> None:
    """They agreed to lose five events, not six."""
    fill(empty, common, more=5)

    def agree_slowly(_: LedgerComparison) -> bool:
        with EventLog(empty, now=StepClock()) as log:
            log.append([connection_tested(999)], append_id=append_id("meanwhile"))
        return True

    with pytest.raises(ConflictError) as conflict:
        task(empty, backup).run(replace(terms, ask=agree_slowly))
    assert (common + 5, common + 6) == (conflict.value.expected, conflict.value.actual)
    assert empty.root / "ledger-1" == empty.current()


@pytest.mark.damages("the database's file")
def test_a_ledger_ruined_since_the_person_agreed_is_a_conflict(empty: LedgerHome, backup: ArchiveLog) -> None:
    """They were told of one that can be read."""
    fill(empty, 3, more=5)

    def agree_and_ruin(_: LedgerComparison) -> bool:
        ruined(empty.root / "ledger-1" / "data.mdb", "foreign")
        return True

    with pytest.raises(ConflictError) as conflict:
        task(empty, backup).run(Terms(ask=agree_and_ruin))
    assert (8, 0) == (conflict.value.expected, conflict.value.actual)


def test_whoever_holds_the_writer_lock_is_waited_for(empty: LedgerHome, backup: ArchiveLog) -> None:
    """And not for ever."""
    fill(empty, 3)
    lock = WriterLock(empty.writer_lock)
    with lock.held(1), pytest.raises(WriterLockError):
        task(empty, backup, lock_timeout_s=0.05).run(Terms())
    lock.close()


def test_a_restored_clock_does_not_run_backwards(empty: LedgerHome, backup: ArchiveLog) -> None:
    """The restore's event is not older than the last event it restored."""
    Restore(empty, backup, job_id=new_id(1), now=lambda: 5, lock_timeout_s=1).run(Terms())
    times = [decode_envelope(record.seq, record.body).recorded_at for record in events(empty)]
    assert sorted(times) == times
