"""Checking a backup restores it, and says what agrees and what does not."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.audit.counts import Counts
from ledger.audit.flaw import Flaw
from ledger.audit.meaning import EventsRead
from ledger.backup.check import check_archive, check_backup, check_made
from ledger.backup.create import create_backup
from ledger.backup.recorded import recorded_backups
from ledger.backup.scan import Advance
from ledger.events import BackupCreated
from ledger.ids import append_id, new_id
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import EventCount
from tests.ledger.watching import Watched
from tests.support.archives import archive, put
from tests.support.drafts import StepClock, connection_tested

TYPES = (EventCount("connection.tested/1", 4), EventCount("ledger.created/1", 1))
PROVIDERS, STREAMS = (EventCount("yfinance", 4),), (EventCount("ledger", 5),)


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
    assert Counts(TYPES, PROVIDERS, STREAMS) == found.counts
    assert found.created is not None
    assert "real" == found.created.kind


def test_counts_that_the_event_does_not_tell_are_tampered(home: LedgerHome, made: Path) -> None:
    """The bytes agree, the counts do not; then the other witnesses count for nothing."""
    sound = check_backup(made, recorded=recorded(home))
    for lie in ({"types": TYPES[:1]}, {"providers": TYPES}, {"streams": 2}, {"streams_hash": bytes(32)}):
        found = check_backup(made, recorded=replace(recorded(home), **lie))
        flaw = Flaw(None, "counts", "those of backup.created", "others")
        report = replace(sound.report, verdict="tampered", first_bad=flaw, witnesses=())
        assert replace(sound, report=report) == found


def test_checking_and_restoring_are_watched(home: LedgerHome, made: Path) -> None:
    """Every event, twice; how many there will be is known once it was counted or told."""
    for event, first in ((recorded(home), 5), (None, None)):
        watched = Watched()
        check_backup(made, recorded=event, watch=watched)
        assert [("checking", first, 5), ("restoring", 5, 5)] == watched.tasks


def test_the_temporary_ledger_lies_where_such_files_go(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a name that says whose it is; gone afterwards, and only read once it is built."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    names: set[str] = set()

    @contextmanager
    def watch(_doing: str, _events: int | None) -> Iterator[Advance]:
        yield lambda _: names.update(path.name for path in folder.iterdir())

    check_backup(made, watch=watch)
    (name,) = names
    assert ("b3-ledger-", []) == (name[:10], list(folder.iterdir()))


def test_a_backup_just_made_is_restored_without_another_look_at_it(
    home: LedgerHome, clock: StepClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same findings; its checksum and the restored ledger count, and who watches sees the restore alone."""
    watched = Watched()
    with EventLog(home, now=clock) as log:
        log.append([connection_tested(number) for number in range(4)], append_id=append_id("n"))
        backup = create_backup(log, tmp_path / "a.db", job_id=new_id(1))
    with monkeypatch.context() as patch:
        patch.delattr("ledger.backup.check.scan")
        found = check_made(backup, watch=watched)
    want = check_backup(tmp_path / "a.db", recorded=backup.event)
    assert replace(want, scan=backup.scan, report=replace(want.report, found=EventsRead())) == found
    assert [("restoring", 5, 5)] == watched.tasks
    lying = replace(backup, event=replace(backup.event, providers=TYPES))
    assert "tampered" == check_made(lying).report.verdict


def test_a_damaged_backup_is_not_restored(made: Path) -> None:
    """The verdict of verification, and no counts."""
    content = made.read_bytes()
    put(made, content[:-1])
    found = check_backup(made)
    assert ("truncated", None) == (found.report.verdict, found.counts)
    put(made, b"foreign")
    assert ("unreadable", None) == (check_backup(made).report.verdict, check_archive(made).scan)


def test_a_body_that_is_no_event_stops_the_restore(tmp_path: Path) -> None:
    """The chain holds around it; a ledger cannot be made of it, so none is built."""
    from ledger.chain import Link, Record, Seq, link
    from tests.support.archives import small_log

    (first,) = small_log(1).read()
    body = b"\x98\x01nonsense"
    records = [first, Record(Seq(1), Link(link(first.link, body)), body)]
    checked = check_backup(put(tmp_path / "x.db", archive(records)))
    flaw = checked.report.first_bad
    assert ("tampered", 1, "envelope", None) == (
        checked.report.verdict,
        flaw and flaw.seq,
        flaw and flaw.kind,
        checked.counts,
    )
