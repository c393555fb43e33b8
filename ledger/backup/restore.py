"""Puts a verified archive in the place of the ledger in use: built whole beside it, then one rename of `CURRENT`.

Nothing is deleted: what was replaced stays in its folder, and the new log's last event records where.
"""

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from ledger.backup.archive_log import ArchiveLog
from ledger.backup.create import Watch, unwatched
from ledger.backup.restore_build import build_folder
from ledger.backup.restore_plan import LedgerComparison, compare_ledger
from ledger.chain import Head
from ledger.codec import Draft
from ledger.errors import ConflictError, RestoreRefusedError, RollbackRefusedError, WrongKindError
from ledger.events import LEDGER_STREAM, BackupRestored
from ledger.files.durable import make_private_folder
from ledger.log_source import Witness
from ledger.store.home import LedgerHome
from ledger.store.writer_lock import WriterLock


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What the operator allows. `yes`: replace whatever is found; else `ask` is called with what would be replaced."""

    rollback: bool = False
    yes: bool = False
    ask: Callable[[LedgerComparison], bool] = lambda _: False


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """How a restore ended: `folder` is the ledger in use now, None after `dry_run` where there is none.

    `kept` when the ledger contained the archive already. `replaced` is what was in use before.
    """

    replaced: LedgerComparison
    folder: Path | None
    kept: bool
    head: Head


def home_of(archive: ArchiveLog, root: LedgerHome) -> LedgerHome:
    """Return the home under `root` that the archive's ledger belongs to: the real one's, or the sample's.

    Raises: WrongKindError for a backup of the sample where a real ledger is.
    """
    if archive.created.kind == "real":
        return root
    if root.switch_token() is not None or root.folders():
        raise WrongKindError(archive.path, root.root)
    return root.sample


class Restore:
    """One restore of a verified archive into `home`."""

    def __init__(
        self,
        home: LedgerHome,
        archive: ArchiveLog,
        *,
        job_id: bytes,
        now: Callable[[], int],
        lock_timeout_s: float,
        witnesses: Callable[[], Sequence[Witness]] = tuple,
    ) -> None:
        """Restore `archive`, whose kind is that of `home`; `witnesses` are read anew for each comparison."""
        self._home, self._archive = home, archive
        self._job_id, self._now, self._witnesses = job_id, now, witnesses
        self._lock_timeout_s = lock_timeout_s

    def compare(self, *, alone: bool = False) -> LedgerComparison:
        """Return how the ledger in use compares to the archive; changes nothing. `alone` under the writer lock."""
        return compare_ledger(self._home, self._archive, witnesses=self._witnesses(), alone=alone)

    def run(self, terms: Terms, watch: Watch = unwatched) -> Restored:
        """Restore the archive if the terms allow it, and return how that ended.

        Compares first without the writer lock, so that a refusal changes nothing and the operator has time to answer;
        then takes it, compares again, builds and switches. What is replaced must still be what the operator agreed to.

        Raises: RestoreRefusedError; ConflictError when the ledger moved after the operator agreed; WriterLockError;
        DamagedError, DiskFullError, StorageError, UnwritableError, UnreadableError. Then nothing was replaced.
        """
        agreed = self.compare()
        action = agreed.action(rollback=terms.rollback)
        if action == "keep" and not agreed.lost:
            return self._kept(agreed)
        if action == "ask" and not terms.yes and not terms.ask(agreed):
            refusal = RollbackRefusedError if agreed.relation == "contains" else RestoreRefusedError
            raise refusal(self._archive.path, agreed.describe())
        make_private_folder(self._home.root)
        lock = WriterLock(self._home.writer_lock)
        with closing(lock), lock.held(self._lock_timeout_s):
            found = self.compare(alone=True)
            action = found.action(rollback=terms.rollback)
            if found != agreed and action == "ask" and not terms.yes:
                raise ConflictError(expected=_size(agreed), actual=_size(found))
            if action == "keep":
                return self._kept(found)
            return self._replace(found, terms, watch)

    def _kept(self, found: LedgerComparison) -> Restored:
        assert found.folder is not None  # noqa: S101 - a ledger that contains something is somewhere
        assert found.head is not None  # noqa: S101 - and it verified
        if found.lost:
            # A restore into an empty home died between its two renames: its ledger is whole, only unnamed.
            self._home.switch(found.folder)
        return Restored(replaced=found, folder=found.folder, kept=True, head=found.head)

    def _replace(self, found: LedgerComparison, terms: Terms, watch: Watch) -> Restored:
        """Build a ledger from the archive and switch to it; the caller holds the writer lock."""
        head = self._archive.head()
        event = BackupRestored(
            name=self._archive.path.name,
            size=head.size,
            link=head.link,
            sha256=self._archive.scan.sha256,
            replaced_folder=found.folder.name if found.folder else None,
            replaced_size=found.head.size if found.head else None,
            replaced_link=found.head.link if found.head else None,
            rollback=terms.rollback and found.relation == "contains",
        )
        draft = Draft(job_id=self._job_id, stream=LEDGER_STREAM, event=event)
        with watch("restoring", head.size) as advance:
            folder = build_folder(self._home, self._archive, draft, now_us=self._now(), advance=advance)
        self._home.switch(folder)
        return Restored(replaced=found, folder=folder, kept=False, head=head)


def _size(found: LedgerComparison) -> int:
    return found.head.size if found.head else 0
