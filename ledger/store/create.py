"""Creates a ledger with its first event: built whole beside its place, then switched to."""

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from ledger.appending import Append
from ledger.chain import EMPTY_HEAD
from ledger.codec import Draft
from ledger.errors import NotALedgerError, unwritable
from ledger.events import LEDGER_STREAM, LedgerCreated
from ledger.files.durable import make_private_folder, sync_folder
from ledger.ids import append_id, new_id
from ledger.store.anchor import Anchor
from ledger.store.engine import Engine
from ledger.store.home import ANCHOR_FILE, DATA_FILE, LedgerHome
from ledger.store.writer_lock import WriterLock
from ledger.values import LedgerKind


def create_ledger(
    home: LedgerHome, *, kind: LedgerKind, software: str, now: Callable[[], int], lock_timeout_s: float
) -> Path | None:
    """Return the folder of the ledger created under `home`, with its event 0; None where there was one already.

    Takes the writer lock, so of two creators at once only one creates. Takes up what a killed creation left.

    Raises: UnwritableError; WriterLockError; NotALedgerError where something else is in the way.
    """
    make_private_folder(home.root)
    lock = WriterLock(home.writer_lock)
    try:
        with lock.held(lock_timeout_s):
            orphan = _orphan(home)
            if orphan is None and home.current() is not None:
                return None
            folder = orphan or _build(home, kind, software, now)
            home.switch(folder)
            return folder
    finally:
        lock.close()


def _orphan(home: LedgerHome) -> Path | None:
    """Return the folder left by a creation killed between building and switching, if nothing else is there."""
    if home.switch_token() is not None or len(folders := home.folders()) != 1:
        return None
    engine = Engine(folders[0], readonly=True)
    try:
        size = engine.head().size
    finally:
        engine.close()
    if size != 1:
        raise NotALedgerError(home.root, f"{folders[0].name} with {size} events and no CURRENT that names it")
    return folders[0]


def _build(home: LedgerHome, kind: LedgerKind, software: str, now: Callable[[], int]) -> Path:
    event = LedgerCreated(ledger_id=new_id(now()), kind=kind, software=software)
    draft = Draft(job_id=event.ledger_id, stream=LEDGER_STREAM, event=event)
    folder = home.next_folder()
    building = folder.with_name(f"{folder.name}.new")
    # Imported here: it brings compressors along, and few callers of this module get this far.
    import shutil

    shutil.rmtree(building, ignore_errors=True)  # left by a killed creation
    make_private_folder(building)
    identifier = append_id("ledger.created", job_id=draft.job_id)
    engine = Engine(building, readonly=False, create=True)
    try:
        (appended,) = engine.update(
            partial(engine.append_in, appends=[Append([draft], identifier)], head=EMPTY_HEAD, now=now)
        )
    finally:
        engine.close()
    Anchor.create(building / ANCHOR_FILE, appended.head).close()
    try:
        settle(building)
        building.rename(folder)
        sync_folder(home.root)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def settle(folder: Path) -> None:
    """Make a newly built ledger folder durable: LMDB syncs neither a new file's first pages nor its name."""
    fd = os.open(folder / DATA_FILE, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    sync_folder(folder)
