"""Finds the restore that took a remembered head out of use, and the folder of the ledger that holds it."""

from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec

from ledger.backup.restore_plan import readable
from ledger.chain import Head
from ledger.errors import LedgerError
from ledger.events import BackupRestored
from ledger.files.isolated import IsolatedProcess
from ledger.log_source import events_of
from ledger.store.engine import Engine
from ledger.store.home import LedgerHome


class Replaced(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded restore: of which backup, its event's seq and time (microseconds UTC), and the folder it replaced."""

    backup: str
    seq: int
    recorded_at: int
    folder: str


def replaced_by(home: LedgerHome, head: Head) -> Replaced | None:
    """Return the restore that replaced the ledger holding `head`, None when none on record did.

    Follows the records back from the ledger in use through the ledgers that were replaced.
    In a child process: replaced ledgers may well be damaged.
    """
    try:
        folder = home.current()
        if folder is None:
            return None
        found = IsolatedProcess(partial(_found, home, folder, head), list[Replaced]).result()
    except LedgerError:
        return None
    return found[0] if found else None


def _found(home: LedgerHome, folder: Path, head: Head) -> list[Replaced]:
    """Return that restore, in a list so that it can be none, of those on record from the ledger in `folder` back."""
    with closing(Engine(folder, readonly=True)) as engine:
        restores = [
            Replaced(
                backup=event.name, seq=envelope.seq, recorded_at=envelope.recorded_at, folder=event.replaced_folder
            )
            for envelope, event in events_of(readable(engine), BackupRestored)
            if event.replaced_folder is not None
        ]
    for restore in reversed(restores):
        replaced = home.root / restore.folder
        if not replaced.is_dir() or replaced == folder:
            continue
        with closing(Engine(replaced, readonly=True)) as engine:
            holds = engine.link_at(head.size - 1) == head.link
        if holds:
            return [restore]
        if deeper := _found(home, replaced, head):
            return deeper
    return []
