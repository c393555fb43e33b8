"""A ledger of six events, and changes to it behind its back."""

from collections.abc import Callable
from typing import Any

import lmdb

from ledger.ids import append_id
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support.drafts import StepClock, connection_tested

EVENTS = 6


def filled(home: LedgerHome, clock: StepClock) -> LedgerHome:
    """Return `home` with five more events in its ledger, the last two in one append; closed."""
    with EventLog(home, now=clock) as log:
        for number in range(3):
            log.append([connection_tested(number)], append_id=append_id(f"n/{number}"))
        log.append([connection_tested(8), connection_tested(9)], append_id=append_id("pair"))
    return home


def key(seq: int) -> bytes:
    """Return the database key of `seq`."""
    return seq.to_bytes(8, "big")


def edit(home: LedgerHome, change: Callable[[Any, Any], object]) -> None:
    """Run `change(txn, events)` on the database behind the ledger's back."""
    with lmdb.open(str(home.root / "ledger-1"), max_dbs=3, sync=False) as env:
        events = env.open_db(b"events")
        with env.begin(write=True) as txn:
            change(txn, events)


def stored(home: LedgerHome) -> list[bytes]:
    """Return all stored values."""
    with lmdb.open(str(home.root / "ledger-1"), max_dbs=3) as env, env.begin() as txn:
        return [bytes(value) for _, value in txn.cursor(db=env.open_db(b"events", txn=txn))]
