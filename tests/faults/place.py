"""Ledgers to be damaged: made from the realistic mix, and what is known of them."""

from collections.abc import Callable
from pathlib import Path

import msgspec

from ledger.files.isolated import IsolatedProcess
from ledger.ids import append_id
from ledger.store.create import create_ledger
from ledger.store.engine import APPENDS, EVENTS, HEAD_KEY, Engine
from ledger.store.event_log import EventLog
from ledger.store.home import ANCHOR_FILE, DATA_FILE, LedgerHome
from tests.support.drafts import StepClock, connection_tested
from tests.support.mix import realistic

SOFTWARE = "faults"
LOCK_TIMEOUT_S = 20.0
LARGE_NOTE = "x" * 20_000  # takes pages of its own in the database


class Contents(msgspec.Struct, frozen=True):
    """All that a ledger's databases say: events, index of appends, head."""

    events: list[tuple[bytes, bytes]]
    appends: list[tuple[bytes, bytes]]
    head: bytes


class Stage(msgspec.Struct, frozen=True):
    """A ledger's files as they were after one of its appends."""

    data: bytes
    anchor: bytes
    size: int


def new_home(folder: Path) -> LedgerHome:
    """Return the home `folder` with a ledger of one event in it."""
    home = LedgerHome(folder)
    create_ledger(home, kind="real", software=SOFTWARE, now=StepClock(), lock_timeout_s=LOCK_TIMEOUT_S)
    return home


def grow(home: LedgerHome, events: int, seed: int, each: Callable[[EventLog], object] = lambda _: None) -> None:
    """Append `events` events of the mix and one that is large, calling `each` after every append."""
    with EventLog(home, now=StepClock(), lock_timeout_s=LOCK_TIMEOUT_S) as log:
        for number, drafts in enumerate(realistic(events, seed)):
            log.append(drafts, append_id=append_id(f"mix/{seed}/{number}"))
            each(log)
        log.append([connection_tested(0, note=LARGE_NOTE)], append_id=append_id(f"large/{seed}"))
        each(log)


def stage(log: EventLog) -> Stage:
    """Return the files of `log` as they are now; nobody else may be writing."""
    folder = log.folder
    return Stage((folder / DATA_FILE).read_bytes(), (folder / ANCHOR_FILE).read_bytes(), log.head().size)


def contents(folder: Path, *, index: bool = True) -> Contents:
    """Return all that the ledger in `folder` says, read in a child process; without `index`, no appends.

    Raises: IsolatedProcessError when that killed the child or was refused.
    """
    return IsolatedProcess(lambda: _contents(folder, index=index), Contents).result()


def _contents(folder: Path, *, index: bool) -> Contents:
    engine = Engine(folder, readonly=True)
    with engine.reading() as txn:
        events = list(txn.cursor(db=engine.databases[EVENTS]))
        appends = list(txn.cursor(db=engine.databases[APPENDS])) if index else []
        return Contents(events, appends, txn.get(HEAD_KEY))
