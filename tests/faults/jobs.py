"""What a ledger goes through while its disk fails: create, append, back up, restore, rebuild, prune; what must hold.

Each job can be done again on what a failure, a kill or a power cut left of it, and is done then.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from unittest.mock import patch

import msgspec

from ledger.audit.verify import VerifyReport, verify_ledger
from ledger.backup.archive_log import ArchiveLog, archive_log
from ledger.backup.create import create_backup
from ledger.backup.prune import Retention, prune
from ledger.backup.restore import Restore, Terms
from ledger.backup.scan import scan
from ledger.codec import decode_envelope, decode_event
from ledger.errors import NotALedgerError
from ledger.events import BackupCreated, BackupPruned, BackupRestored
from ledger.files.checksum import read_checksum, write_checksum
from ledger.ids import append_id
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.store.replaying import compare
from projections.store.runner import catch_up, rebuild, remembered
from tests.faults.place import LOCK_TIMEOUT_S, SOFTWARE, grow, new_home
from tests.support.archives import archive, small_log
from tests.support.drafts import StepClock, connection_tested

EVENTS = 25
JOB = bytes(range(16))
BACKUPS, SOURCE = "backups", "source.db"


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Something done to the ledger below a folder.

    `check` asserts what must hold whether or not it came to its end, and more when it was acknowledged.
    """

    name: str
    prepare: Callable[[Path, int], object]
    work: Callable[[Path], object]
    check: Callable[[Path, bool], object]


def home_of(root: Path) -> LedgerHome:
    """Return the home below `root` that every job works on."""
    return LedgerHome(root / "dados")


def _opened(root: Path, *, readonly: bool = False) -> EventLog:
    return EventLog(home_of(root), now=StepClock(), readonly=readonly, lock_timeout_s=LOCK_TIMEOUT_S)


def _intact(root: Path, *, at_least: int) -> VerifyReport:
    """Return what verification says of the ledger, once that is well and it holds `at_least` events."""
    report = verify_ledger(home_of(root), structure=True)
    assert ("intact", ("anchor",)) == (report.verdict, report.witnesses), report
    assert report.events >= at_least, report
    return report


# --- create --------------------------------------------------------------------------------------


def _create(root: Path) -> None:
    create_ledger(home_of(root), kind="real", software=SOFTWARE, now=StepClock(), lock_timeout_s=LOCK_TIMEOUT_S)
    append(root)


def _check_created(root: Path, done: bool) -> None:
    try:
        folder = home_of(root).current()
    except NotALedgerError:
        # A creation that died between its folder and CURRENT, or none that was ever acknowledged: it is taken up.
        assert not done
        return
    assert folder is not None or not done
    if folder is not None:
        _intact(root, at_least=1 + APPENDED * done)


# --- append --------------------------------------------------------------------------------------

APPENDED = 3


def prepare_ledger(root: Path, seed: int) -> None:
    """Make a ledger of the realistic mix."""
    grow(new_home(home_of(root).root), EVENTS, seed)


def append(root: Path) -> None:
    """Append three events under ids of their own; done again, those that landed are repeats."""
    with _opened(root) as log:
        for number in range(APPENDED):
            log.append([connection_tested(number)], append_id=append_id(f"faults/{number}"))


HELD = EVENTS + 2  # event 0 and the large one


def _check_appended(root: Path, done: bool) -> None:
    report = _intact(root, at_least=HELD + APPENDED * done)
    assert report.events <= HELD + APPENDED


# --- back up -------------------------------------------------------------------------------------


def back_up(root: Path) -> None:
    """Make a backup under the next free name: one that was killed may have left its file and no event."""
    number = len(list((root / BACKUPS).glob("*.db")))
    with _opened(root) as log:
        create_backup(log, root / BACKUPS / f"{number}.db", job_id=JOB[:-2] + log.head().size.to_bytes(2, "big"))


PIECE_BYTES = 4096  # so that a short log comes in several


def _back_up_by_children(root: Path) -> None:
    """Make a backup that children check piece by piece while it is written, as they do that of a long log."""
    with (
        patch("ledger.backup.create.WORTH_A_CHILD_EVENTS", 1),
        patch("ledger.store.engine.CHUNK_BYTES", PIECE_BYTES),
    ):
        back_up(root)


def _prepare_second_backup(root: Path, seed: int) -> None:
    prepare_ledger(root, seed)
    back_up(root)
    append(root)


def _check_second_backup(root: Path, done: bool) -> None:
    """As of any backup; each is byte for byte the archive of the log so far, whatever it was copied from."""
    check_backups(root, done)
    with _opened(root, readonly=True) as log:
        content = archive(log.read())
    paths = sorted((root / BACKUPS).glob("[!.]*.db"))
    assert all(content.startswith(path.read_bytes()) for path in paths)
    assert len(paths) > 1 or not done


def check_backups(root: Path, done: bool) -> None:
    """Assert that whatever has a final name is whole, that the log tells of no other, and that the log holds."""
    _intact(root, at_least=HELD)
    told = {event.name: event for event in _events(root) if isinstance(event, BackupCreated)}
    found = sorted((root / BACKUPS).glob("[!.]*.db"))
    assert set(told) <= {path.name for path in found}
    assert told or not done
    for path in found:
        scanned = scan(path)
        assert scanned.flaw is None, scanned.flaw
        assert read_checksum(path) in {None, scanned.sha256}
        if path.name in told:
            assert read_checksum(path) == scanned.sha256 == told[path.name].sha256


def _events(root: Path) -> list[object]:
    with _opened(root, readonly=True) as log:
        return [decode_event(decode_envelope(record.seq, record.body)) for record in log.read()]


# --- restore -------------------------------------------------------------------------------------

RESTORED_EVENTS = 20


def put_source(root: Path) -> Path:
    """Put the archive that is restored below `root`, with its checksum; return its path."""
    source = root / SOURCE
    source.write_bytes(archive(small_log(RESTORED_EVENTS).read()))
    write_checksum(source, sha256(source.read_bytes()).digest())
    return source


def _prepare_restore(root: Path, seed: int) -> None:
    prepare_ledger(root, seed)
    put_source(root)


def _prepare_restore_into_nothing(root: Path, _seed: int) -> None:
    put_source(root)


def restore(root: Path) -> None:
    """Restore the archive over whatever is there."""
    terms = Terms(rollback=True, yes=True)
    Restore(home_of(root), source(root), job_id=JOB, now=StepClock(), lock_timeout_s=LOCK_TIMEOUT_S).run(terms)


def source(root: Path) -> ArchiveLog:
    """Return the archive that is restored."""
    return archive_log(root / SOURCE)


def _check_restored(root: Path, done: bool) -> None:
    """The old ledger or the new one, whole; the source as it was."""
    source(root)
    report = _intact(root, at_least=1)
    with _opened(root, readonly=True) as log:
        new = log.link_at(RESTORED_EVENTS - 1) == source(root).head().link
    assert new or not done
    if new:
        assert report.events in {RESTORED_EVENTS + 1, RESTORED_EVENTS + 2}  # the second: restored again
        assert isinstance(_events(root)[RESTORED_EVENTS], BackupRestored)
    else:
        # The old one may have been told of the failure.
        assert report.events in {HELD, HELD + 1}


def _check_restored_into_nothing(root: Path, done: bool) -> None:
    try:
        folder = home_of(root).current()
    except NotALedgerError:
        assert not done  # built, and not switched to: the next restore takes it up
        return
    assert folder is not None or not done
    if folder is not None:
        _check_restored(root, done=True)


# --- rebuild -------------------------------------------------------------------------------------


def _prepare_rebuild(root: Path, seed: int) -> None:
    prepare_ledger(root, seed)
    with _opened(root, readonly=True) as log:
        catch_up(log, log.folder)


def rebuild_all(root: Path) -> None:
    """Build the stored read models again."""
    with _opened(root, readonly=True) as log:
        rebuild(log, log.folder)


def check_rebuilt(root: Path, done: bool) -> None:
    """Assert that what is stored is what the log says, as far as it stands, and that the log is as it was."""
    assert HELD == _intact(root, at_least=HELD).events
    with _opened(root, readonly=True) as log:
        assert [] == compare(log, log.folder)
        if done:
            assert log.head() == remembered(log.folder)


# --- prune ---------------------------------------------------------------------------------------

PRUNED, STAYING = ("0.db", "1.db"), ("2.db", "3.db")


def _prepare_prune(root: Path, seed: int) -> None:
    prepare_ledger(root, seed)
    for _ in (*PRUNED, *STAYING):
        back_up(root)


def prune_backups(root: Path) -> None:
    """Give up all backups but two."""
    with _opened(root) as log:
        job_id = JOB[:-2] + log.head().size.to_bytes(2, "big")
        prune(log, root / BACKUPS, Retention(daily=1), job_id=job_id)


def _check_pruned(root: Path, done: bool) -> None:
    """Whatever is there is whole; what is gone was recorded first, and the two that stay are there with checksums."""
    _intact(root, at_least=HELD)
    made = {event.name: event for event in _events(root) if isinstance(event, BackupCreated)}
    given_up = {one.name for event in _events(root) if isinstance(event, BackupPruned) for one in event.files}
    found = {path.name: path for path in (root / BACKUPS).glob("[!.]*.db")}
    assert set(made) - set(found) <= given_up <= set(PRUNED)
    for name, path in found.items():
        assert made[name].sha256 == sha256(path.read_bytes()).digest()
        assert read_checksum(path) == made[name].sha256 or name in given_up
    assert set(STAYING) <= set(found)
    if done:
        assert {f"{name}{end}" for name in STAYING for end in ("", ".checksum")} == {
            path.name for path in (root / BACKUPS).iterdir()
        }


SECOND_BACKUP = Job(
    name="backup beside an earlier one", prepare=_prepare_second_backup, work=back_up, check=_check_second_backup
)
BACKUP_BY_CHILDREN = Job(
    name="backup by children", prepare=prepare_ledger, work=_back_up_by_children, check=check_backups
)
JOBS = (
    Job(name="create", prepare=lambda _root, _seed: None, work=_create, check=_check_created),
    Job(name="append", prepare=prepare_ledger, work=append, check=_check_appended),
    Job(name="backup", prepare=prepare_ledger, work=back_up, check=check_backups),
    Job(name="restore", prepare=_prepare_restore, work=restore, check=_check_restored),
    Job(
        name="restore into nothing",
        prepare=_prepare_restore_into_nothing,
        work=restore,
        check=_check_restored_into_nothing,
    ),
    Job(name="rebuild", prepare=_prepare_rebuild, work=rebuild_all, check=check_rebuilt),
    Job(name="prune", prepare=_prepare_prune, work=prune_backups, check=_check_pruned),
)
