"""The ledgers that are measured: a million small events, a hundred thousand of a realistic mix, made once a run.

In a folder that is kept, once for all runs.
"""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import msgspec

from ledger.codec import Draft
from ledger.ids import append_id
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support import mix
from tests.support.drafts import StepClock

EVENTS_AN_APPEND = 1_000
SEED = 1


class Ground(msgspec.Struct, frozen=True):
    """A ledger to measure on: its name in the tables, its home, and how many events it holds."""

    name: str
    home: LedgerHome
    events: int
    body_bytes: int

    def open(self, *, readonly: bool = False) -> EventLog:
        """Return the ledger, open."""
        return EventLog(self.home, now=StepClock(1_900_000_000_000_000), readonly=readonly)


def small(folder: Path, events: int) -> Ground:
    """Return a ledger of `events` events of about 200 bytes."""
    return _made("small", events, folder, chain.from_iterable(mix.small(events)))


def realistic(folder: Path, events: int) -> Ground:
    """Return a ledger of `events` events as years of use leave them."""
    return _made("realistic", events, folder, chain.from_iterable(mix.realistic(events, SEED)))


def _made(name: str, events: int, folder: Path, drafts: Iterator[Draft]) -> Ground:
    home, clock = LedgerHome(folder), StepClock()
    is_new = create_ledger(home, kind="real", software="benchmark", now=clock, lock_timeout_s=5) is not None
    with EventLog(home, now=clock) as log:
        while is_new and (batch := list(islice(drafts, EVENTS_AN_APPEND))):
            log.append(batch, append_id=append_id(f"ground/{log.head().size}"))
        if log.head().size < events:
            message = f"got a ledger of {log.head().size} events in {folder}, want {events}: remove it"
            raise ValueError(message)
        body_bytes = sum(len(record.body) for record in log.read())
        return Ground(f"{events:,} {name}", home, log.head().size, body_bytes)
