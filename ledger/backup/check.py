"""Proves a backup by using it: restored into a temporary ledger, re-hashed, counted, compared."""

import tempfile
from contextlib import closing
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ledger.audit.counts import Counts, Tally
from ledger.audit.flaw import Flaw
from ledger.audit.verify import VerifyReport
from ledger.backup.archive_log import ArchiveLog
from ledger.backup.create import CreatedBackup, Watch, unwatched
from ledger.backup.restore_build import check_built, fill, new_engine
from ledger.backup.scan import Scan, scan
from ledger.backup.verify import judge, unreadable
from ledger.errors import NotAnArchiveError
from ledger.events import BackupCreated, LedgerCreated


class BackupCheck(msgspec.Struct, frozen=True, kw_only=True):
    """What checking a backup found; `counts` are those of the temporary ledger, None where none was built."""

    report: VerifyReport
    scan: Scan | None
    created: LedgerCreated | None
    counts: Counts | None


def check_archive(path: Path, *, recorded: BackupCreated | None = None, watch: Watch = unwatched) -> BackupCheck:
    """Return whether the archive at `path` holds, against its `.checksum` and `recorded`; one pass.

    Raises: NoArchiveError, UnreadableError; NewerFormatError.
    """
    try:
        with watch("checking", recorded.size if recorded else None) as advance:
            found = scan(path, meaning=True, advance=advance)
    except NotAnArchiveError as error:
        return BackupCheck(report=unreadable(error), scan=None, created=None, counts=None)
    return BackupCheck(report=judge(found, recorded=recorded), scan=found, created=found.created, counts=None)


def check_backup(path: Path, *, recorded: BackupCreated | None = None, watch: Watch = unwatched) -> BackupCheck:
    """Return what `check_archive` does and, where that is intact, whether a ledger restored from it is the same.

    The temporary ledger takes about three times the archive's bytes in the system's temporary folder.

    Raises: as `check_archive` does; DamagedError, DiskFullError, StorageError when the ledger cannot be built.
    """
    return _proved(check_archive(path, recorded=recorded, watch=watch), recorded, watch)


def check_made(made: CreatedBackup, *, watch: Watch = unwatched) -> BackupCheck:
    """Return what `check_backup` does for a backup just made, reusing the scan that was made of it then.

    Raises: UnreadableError; DamagedError, DiskFullError, StorageError when the ledger cannot be built.
    """
    # That scan hashed the file; reading it is left to the ledger that is built from it.
    report = judge(made.scan, recorded=made.event)
    checked = BackupCheck(report=report, scan=made.scan, created=made.scan.created, counts=None)
    return _proved(checked, made.event, watch)


def _proved(checked: BackupCheck, recorded: BackupCreated | None, watch: Watch) -> BackupCheck:
    """Return `checked` with the counts of a ledger built from the archive, once it re-hashes to the archive's head."""
    if checked.report.verdict != "intact" or checked.scan is None:
        return checked
    archive, tally = ArchiveLog(checked.scan), Tally()
    with watch("restoring", archive.head().size) as advance, tempfile.TemporaryDirectory(prefix="b3-ledger-") as name:
        folder = Path(name)
        with closing(new_engine(folder, archive)) as engine:
            # Counted on the way in: what re-hashes to that head is what went in.
            fill(engine, archive, advance=advance, tally=tally)
        check_built(folder, archive.head())
    report, counts = checked.report, tally.counts()
    if recorded is not None and not counts.agree(recorded):
        flaw = Flaw(None, "counts", "those of backup.created", "others")
        report = replace(report, verdict="tampered", first_bad=flaw, witnesses=())
    return replace(checked, report=report, counts=counts)
