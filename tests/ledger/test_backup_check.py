"""Checking a backup restores it, and says what agrees and what does not."""

from pathlib import Path

import msgspec
import pytest

from ledger.backup import create_backup
from ledger.backup_check import check_archive, check_backup
from ledger.backup_list import list_backups
from ledger.backup_record import recorded_backups
from ledger.backup_tally import Counts
from ledger.events import BackupCreated, EventCount
from ledger.home import LedgerHome
from ledger.ids import append_id, new_id
from ledger.log import EventLog
from tests.support.archives import archive, put
from tests.support.drafts import StepClock, connection_tested

TYPES = (EventCount("connection.tested/1", 4), EventCount("ledger.created/1", 1))


@pytest.fixture
def made(home: LedgerHome, tmp_path: Path, clock: StepClock) -> Path:
    """A backup of five events that the ledger tells of."""
    with EventLog(home, now=clock) as log:
        log.append([connection_tested(number) for number in range(4)], append_id=append_id("n"))
        return create_backup(log, tmp_path / "backups" / "a.db", job_id=new_id(1)).path


def recorded(home: LedgerHome) -> BackupCreated:
    """Return what the ledger tells of `a.db`."""
    return recorded_backups(home)["a.db"].event


def test_a_sound_backup_is_restored_and_counted(home: LedgerHome, made: Path) -> None:
    """Intact, held against checksum and event, with the counts of the ledger made from it."""
    found = check_backup(made, recorded=recorded(home))
    assert ("intact", ("checksum", "backup.created")) == (found.report.verdict, found.report.witnesses)
    assert Counts(TYPES, ()) == found.counts
    assert found.created is not None
    assert "real" == found.created.kind


def test_counts_that_the_event_does_not_tell_are_tampered(home: LedgerHome, made: Path) -> None:
    """The bytes agree, the counts do not."""
    lying = msgspec.structs.replace(recorded(home), types=TYPES[:1])
    report = check_backup(made, recorded=lying).report
    assert ("tampered", "counts") == (report.verdict, report.first_bad and report.first_bad.kind)


def test_a_damaged_backup_is_not_restored(made: Path) -> None:
    """The verdict of verification, and no counts."""
    content = made.read_bytes()
    put(made, content[:-1])
    found = check_backup(made)
    assert ("truncated", None) == (found.report.verdict, found.counts)
    put(made, b"foreign")
    assert ("unreadable", None) == (check_backup(made).report.verdict, check_archive(made).survey)


def test_a_body_that_is_no_event_stops_the_restore(tmp_path: Path) -> None:
    """The chain holds around it; a ledger cannot be made of it."""
    from ledger.chain import Link, Record, Seq, link
    from ledger.errors import DamagedError
    from tests.support.archives import small_log

    (first,) = small_log(1).read()
    body = b"\x98\x01nonsense"
    records = [first, Record(Seq(1), Link(link(first.link, body)), body)]
    with pytest.raises(DamagedError) as damage:
        check_backup(put(tmp_path / "x.db", archive(records)))
    assert (1, "envelope") == (damage.value.seq, damage.value.kind)


def test_the_ledger_remembers_the_newest_backup_of_a_name(home: LedgerHome, made: Path, clock: StepClock) -> None:
    """And nothing where there is no ledger, or none that can be read."""
    made.unlink()
    with EventLog(home, now=clock) as log:
        create_backup(log, made, job_id=new_id(2))
    assert (6, 6) == (recorded_backups(home)["a.db"].event.size, recorded_backups(home)["a.db"].seq)
    assert {} == recorded_backups(LedgerHome(home.root / "none"))
    (home.root / "ledger-1" / "data.mdb").write_bytes(b"ruin")
    assert {} == recorded_backups(home)


def test_a_folder_is_listed_by_name(home: LedgerHome, made: Path) -> None:
    """Recorded, of another length, unknown to the ledger, no archive; other files are left out."""
    folder, content = made.parent, made.read_bytes()
    put(folder / "b.db", content)
    put(folder / "c.db", b"foreign")
    put(folder / ".hidden.db", content)
    put(folder / "notes.txt", b"x")
    told = recorded_backups(home)
    listed = list_backups(folder, told)
    assert [
        ("a.db", "recorded", "real", True),
        ("b.db", "unrecorded", "real", False),
        ("c.db", "unreadable", None, False),
    ] == [(one.path.name, one.status, one.kind, one.has_checksum) for one in listed]
    put(made, content[:-1])
    assert "differs" == list_backups(folder, told)[0].status
    assert [] == list_backups(folder / "none", told)
