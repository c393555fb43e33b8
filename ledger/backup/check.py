"""Proves a backup by using it: restored into a temporary ledger, re-hashed, counted, compared."""

import tempfile
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ledger.audit.rehash import Flaw
from ledger.audit.verify import VerifyReport
from ledger.backup.archive_log import ArchiveLog
from ledger.backup.counts import Counts, Tally
from ledger.backup.create import Backup, Watch, unwatched
from ledger.backup.restore_build import check_built, fill
from ledger.backup.scan import Each, Survey, survey
from ledger.backup.verify import judge, unreadable
from ledger.errors import NotAnArchiveError
from ledger.events import BackupCreated, LedgerCreated
from ledger.store.engine import Engine


class BackupCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What checking a backup found; `counts` are those of the temporary ledger, None where none was built."""

    report: VerifyReport
    survey: Survey | None
    created: LedgerCreated | None
    counts: Counts | None


def check_archive(path: Path, *, recorded: BackupCreated | None = None, watch: Watch = unwatched) -> BackupCheck:
    """Return whether the archive at `path` holds, against its `.checksum` and `recorded`; one pass.

    Raises: NoArchiveError, UnreadableError; NewerFormatError.
    """
    try:
        with watch("checking", recorded.size if recorded else None) as each:
            found = survey(path, each=each)
    except NotAnArchiveError as error:
        return BackupCheck(report=unreadable(error), survey=None, created=None, counts=None)
    return BackupCheck(report=judge(found, recorded=recorded), survey=found, created=found.created, counts=None)


def check_backup(path: Path, *, recorded: BackupCreated | None = None, watch: Watch = unwatched) -> BackupCheck:
    """Return what `check_archive` does, and where that is well, whether a ledger restored from it is the same.

    The temporary ledger takes some three times the archive's bytes in the system's folder for such files.

    Raises: as `check_archive` does; DamagedError, DiskFullError, StorageError when the ledger cannot be built.
    """
    return _proved(check_archive(path, recorded=recorded, watch=watch), recorded, watch)


def check_made(made: Backup, *, watch: Watch = unwatched) -> BackupCheck:
    """Return what `check_backup` does of a backup just made, without re-reading what the disk gave back then.

    Raises: UnreadableError; DamagedError, DiskFullError, StorageError when the ledger cannot be built.
    """
    report = judge(made.survey, recorded=made.event)
    checked = BackupCheck(report=report, survey=made.survey, created=made.survey.created, counts=None)
    return _proved(checked, made.event, watch)


def _proved(checked: BackupCheck, recorded: BackupCreated | None, watch: Watch) -> BackupCheck:
    if checked.report.verdict != "intact" or checked.survey is None:
        return checked
    with watch("restoring", checked.survey.head.size) as each:
        counts = _restored(ArchiveLog(checked.survey), each)
    report = checked.report
    if recorded is not None and counts != Counts(recorded.types, recorded.tickers):
        flaw = Flaw(None, "counts", "those of backup.created", "others")
        report = replace(report, verdict="tampered", first_bad=flaw, witnesses=())
    return replace(checked, report=report, counts=counts)


def _restored(archive: ArchiveLog, each: Each | None) -> Counts:
    """Return the counts of a ledger built from `archive`, once it re-hashes to the archive's head.

    They are taken on the way in: what re-hashes to that head is what went in.
    """
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="b3-ledger-") as name:
        folder = Path(name)
        engine = Engine(folder, readonly=False, create=True)
        try:
            fill(engine, archive, each=each, tally=tally)
        finally:
            engine.close()
        check_built(folder, archive.head())
    return tally.counts()
