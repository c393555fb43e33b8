"""One open log per process and ledger, however many readers: the database refuses to be opened twice."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome

US_NS = 1000

_shared: dict[Path | None, tuple[EventLog, int]] = {}
_sharing = threading.Lock()


@contextmanager
def shared_log(home: LedgerHome) -> Iterator[EventLog]:
    """Give the ledger in use under `home`, open for reading; closed when the last who share it are done.

    Raises: what opening an `EventLog` does.
    """
    with _sharing:
        folder = home.current()
        log, users = _shared.get(folder) or (EventLog(home, now=now_us, readonly=True), 0)
        _shared[folder] = log, users + 1
    try:
        yield log
    finally:
        with _sharing:
            log, users = _shared.pop(folder)
            if users > 1:
                _shared[folder] = log, users - 1
            else:
                log.close()


def now_us() -> int:
    """Return the machine's time in microseconds UTC."""
    return time.time_ns() // US_NS
