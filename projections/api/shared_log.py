"""One open log per process and ledger, however many readers: the database refuses to be opened twice."""

import time
from contextlib import AbstractContextManager
from pathlib import Path

from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.store.shared import Shared

US_NS = 1000

_logs = Shared[Path | None, EventLog]()


def shared_log(home: LedgerHome) -> AbstractContextManager[EventLog]:
    """Give the ledger in use under `home`, open for reading; closed when the last who share it are done.

    Raises: what opening an `EventLog` does.
    """
    return _logs.opened(home.current, lambda _: EventLog(home, now=now_us, readonly=True))


def now_us() -> int:
    """Return the machine's time in microseconds UTC."""
    return time.time_ns() // US_NS
