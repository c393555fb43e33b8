"""The first event of a ledger: a new log is built whole beside its place, then switched to."""

import os
from collections.abc import Callable
from pathlib import Path

from ledger.appending import chain_records, head_after
from ledger.chain import EMPTY_HEAD
from ledger.codec import Draft
from ledger.errors import NotALedgerError, unwritable
from ledger.events import LEDGER_STREAM, LedgerCreated, LedgerKind
from ledger.files.durable import make_private_folder, sync_folder
from ledger.ids import append_id, new_id
from ledger.store.anchor import Anchor
from ledger.store.engine import Engine
from ledger.store.home import ANCHOR_FILE, DATA_FILE, LedgerHome
from ledger.store.writer_lock import WriterLock


def create_ledger(
    home: LedgerHome, *, kind: LedgerKind, software: str, now: Callable[[], int], lock_timeout_s: float
) -> Path | None:
    """Return the folder of the ledger made under `home`, with its event 0; None where there was one already.

    Takes the writer lock; of two creators at once, one creates. What a creation that died left is made use of.

    Raises: UnwritableError; WriterLockError; NotALedgerError where something else is in the way.
    """
    make_private_folder(home.root)
    lock = WriterLock(home.writer_lock)
    try:
        with lock.held(lock_timeout_s):
            orphan = _orphan(home)
            if orphan is None and home.current() is not None:
                return None
            folder = orphan or _build(home, _first_event(kind, software, now), now)
            home.switch(folder)
            return folder
    finally:
        lock.close()


def _orphan(home: LedgerHome) -> Path | None:
    """Return the folder that a creation left when it died between building and switching, if that is all there is."""
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


def _first_event(kind: LedgerKind, software: str, now: Callable[[], int]) -> Draft:
    now_us = now()
    event = LedgerCreated(ledger_id=new_id(now_us), kind=kind, software=software)
    return Draft(job_id=event.ledger_id, stream=LEDGER_STREAM, event=event)


def _build(home: LedgerHome, draft: Draft, now: Callable[[], int]) -> Path:
    folder = home.next_folder()
    building = folder.with_name(f"{folder.name}.new")
    # Imported here: who only makes a folder does not pay for the compressors that it brings along.
    import shutil

    shutil.rmtree(building, ignore_errors=True)  # left by a creation that died
    make_private_folder(building)
    identifier = append_id("ledger.created", job_id=draft.job_id)
    records = chain_records([draft], head=EMPTY_HEAD, recorded_at=now(), append_id=identifier)
    head = head_after(records)
    engine = Engine(building, readonly=False, create=True)
    try:
        engine.update(lambda txn: engine.put_in(txn, records, append_id=identifier, head=head))
    finally:
        engine.close()
    Anchor.create(building / ANCHOR_FILE, head).close()
    try:
        settle(building)
        building.rename(folder)
        sync_folder(home.root)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def settle(folder: Path) -> None:
    """Make a newly built ledger folder durable: LMDB leaves a new file's first pages and its name unsynced."""
    fd = os.open(folder / DATA_FILE, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
    sync_folder(folder)
