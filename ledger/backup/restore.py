"""Puts a verified archive in the place of the ledger in use: built whole beside it, then one rename of `CURRENT`.

Nothing is deleted: what was replaced stays in its folder, and the new log's last event says where.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from ledger.audit.verify import Witness
from ledger.backup.archive_log import ArchiveLog
from ledger.backup.create import Watch, unwatched
from ledger.backup.restore_build import build_folder
from ledger.backup.restore_plan import Standing, stand
from ledger.backup.scan import Each
from ledger.chain import Head
from ledger.codec import Draft
from ledger.errors import ConflictError, RestoreRefusedError, RollbackRefusedError, WrongKindError
from ledger.events import LEDGER_STREAM, BackupRestored
from ledger.files.durable import make_private_folder
from ledger.store.home import LedgerHome
from ledger.store.writer_lock import WriterLock


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a person allows. `yes`: whatever is found, replace it; else `ask` is called with what would be replaced."""

    rollback: bool = False
    yes: bool = False
    ask: Callable[[Standing], bool] = lambda _: False


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """How a restore ended: `folder` is the ledger in use now, None after `dry_run` where there is none.

    `kept` when the ledger contained the archive already. `replaced` is what stood there before.
    """

    replaced: Standing
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
        """Restore `archive`, whose kind is that of `home`; `witnesses` are read anew before each look."""
        self._home, self._archive = home, archive
        self._job_id, self._now, self._witnesses = job_id, now, witnesses
        self._lock_timeout_s = lock_timeout_s

    def look(self, *, alone: bool = False) -> Standing:
        """Return how the ledger in use stands to the archive; changes nothing. `alone` under the writer lock."""
        return stand(self._home, self._archive, witnesses=self._witnesses(), alone=alone)

    def run(self, terms: Terms, watch: Watch = unwatched) -> Restored:
        """Restore the archive if the terms allow it, and return how that ended.

        Looks first without the writer lock, so that a refusal changes nothing and a person may think; then holds
        it, looks again, builds and switches. What is replaced must still be what the person was told of.

        Raises: RestoreRefusedError; ConflictError when the ledger moved after the person agreed; WriterLockError;
        DamagedError, DiskFullError, StorageError, UnwritableError, UnreadableError. Then nothing was replaced.
        """
        agreed = self.look()
        if agreed.action(rollback=terms.rollback) == "keep" and not agreed.lost:
            return self._kept(agreed)
        self._require_consent(agreed, terms)
        make_private_folder(self._home.root)
        lock = WriterLock(self._home.writer_lock)
        try:
            with lock.held(self._lock_timeout_s):
                found = self.look(alone=True)
                self._require_agreed(found, agreed, terms)
                if found.action(rollback=terms.rollback) == "keep":
                    return self._kept(found)
                return self._replaced(found, terms, watch)
        finally:
            lock.close()

    def _require_consent(self, standing: Standing, terms: Terms) -> None:
        if standing.action(rollback=terms.rollback) != "ask" or terms.yes or terms.ask(standing):
            return
        refusal = RollbackRefusedError if standing.relation == "contains" else RestoreRefusedError
        raise refusal(self._archive.path, standing.says())

    def _require_agreed(self, found: Standing, agreed: Standing, terms: Terms) -> None:
        if found != agreed and found.action(rollback=terms.rollback) == "ask" and not terms.yes:
            raise ConflictError(expected=_size(agreed), actual=_size(found))

    def _kept(self, standing: Standing) -> Restored:
        assert standing.folder is not None  # noqa: S101 - a ledger that contains something is somewhere
        assert standing.head is not None  # noqa: S101 - and it verified
        if standing.lost:
            # A restore into an empty home died between its two renames: its ledger is whole, only unnamed.
            self._home.switch(standing.folder)
        return Restored(replaced=standing, folder=standing.folder, kept=True, head=standing.head)

    def _replaced(self, standing: Standing, terms: Terms, watch: Watch) -> Restored:
        draft = Draft(job_id=self._job_id, stream=LEDGER_STREAM, event=self._event(standing, terms))
        with watch("restoring", self._archive.head().size) as each:
            folder = self._built(draft, each)
        self._home.switch(folder)
        return Restored(replaced=standing, folder=folder, kept=False, head=self._archive.head())

    def _built(self, draft: Draft, each: Each | None) -> Path:
        return build_folder(self._home, self._archive, draft, now_us=self._now(), each=each)

    def _event(self, standing: Standing, terms: Terms) -> BackupRestored:
        head = self._archive.head()
        return BackupRestored(
            name=self._archive.path.name,
            size=head.size,
            link=head.link,
            sha256=self._archive.survey.sha256,
            replaced_folder=standing.folder.name if standing.folder else None,
            replaced_size=standing.head.size if standing.head else None,
            replaced_link=standing.head.link if standing.head else None,
            rollback=terms.rollback and standing.relation == "contains",
        )


def _size(standing: Standing) -> int:
    return standing.head.size if standing.head else 0
