"""Finds the restore that took a remembered head out of use, and where the ledger that holds it lies."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec

from ledger.backup.restore_plan import readable
from ledger.chain import Head
from ledger.codec import decode_envelope, decode_event
from ledger.errors import LedgerError
from ledger.events import BackupRestored
from ledger.files.isolated import IsolatedProcess
from ledger.store.engine import Engine
from ledger.store.home import LedgerHome


class Replaced(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded restore: of which backup, its event's seq and time (microseconds UTC), and the folder it replaced."""

    backup: str
    seq: int
    recorded_at: int
    folder: str


def replaced_by(home: LedgerHome, head: Head) -> Replaced | None:
    """Return the restore that replaced the ledger holding `head`, None when no record tells of one.

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
    for restore in reversed(list(_restores(folder))):
        replaced = home.root / restore.folder
        if not replaced.is_dir() or replaced == folder:
            continue
        if _holds(replaced, head):
            return [restore]
        if deeper := _found(home, replaced, head):
            return deeper
    return []


def _restores(folder: Path) -> Iterator[Replaced]:
    engine = Engine(folder, readonly=True)
    try:
        for record in readable(engine):
            envelope = decode_envelope(record.seq, record.body)
            if envelope.type != BackupRestored.TAG:
                continue
            event = decode_event(envelope)
            assert isinstance(event, BackupRestored)  # noqa: S101 - what that tag decodes to
            if event.replaced_folder is not None:
                yield Replaced(
                    backup=event.name, seq=record.seq, recorded_at=envelope.recorded_at, folder=event.replaced_folder
                )
    finally:
        engine.close()


def _holds(folder: Path, head: Head) -> bool:
    engine = Engine(folder, readonly=True)
    try:
        return engine.link_at(head.size - 1) == head.link
    finally:
        engine.close()
