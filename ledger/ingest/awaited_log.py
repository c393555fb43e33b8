"""The log of a run that found no ledger: made by the first answer that a provider gives to any of its tickers.

Until then nothing is known that would be worth a ledger: a run that reached nobody leaves none.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ledger.appending import Appended
from ledger.chain import Record
from ledger.codec import Draft
from ledger.events import Event, FetchFailed, FetchSucceeded
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome


class AwaitedLog:
    """Appends to the ledger in `home` once there is one; what is to be appended before waits, and goes in first."""

    def __init__(self, home: LedgerHome, make: Callable[[], EventLog]) -> None:
        """`make` returns the ledger, open for writing; it creates one where there is still none."""
        self.home = home
        self._make = make
        self._log: EventLog | None = None
        self._waiting: list[tuple[Sequence[Draft], bytes]] = []
        self._making = threading.Lock()

    @property
    def folder(self) -> Path | None:
        """The folder of the ledger, None while this run has none."""
        return None if self._log is None else self._log.folder

    def found(self) -> EventLog | None:
        """Return the ledger once there is one, this run's or one that another process made meanwhile.

        What waited is appended by then.

        Raises: what opening a ledger and appending to it raises.
        """
        with self._making:
            return self._opened() if self._log is not None or self.home.current() is not None else None

    def append(
        self, drafts: Sequence[Draft], *, append_id: bytes, expected_folder: Path | None = None
    ) -> Appended | None:
        """Append `drafts`, None where they wait: there is no ledger, and none of them is an answer.

        Raises: what creating a ledger, opening it and appending to it raises.
        """
        with self._making:
            if self._log is None and not any(_is_answer(draft.event) for draft in drafts) and not self.home.current():
                self._waiting.append((drafts, append_id))
                return None
            log = self._opened()
        return log.append(drafts, append_id=append_id, expected_folder=expected_folder)

    def read(self, start: int, stop: int) -> Iterator[Record]:
        """Yield the records of [start, stop); none where there is no ledger."""
        return iter(()) if self._log is None else self._log.read(start, stop)

    def require_folder(self, folder: Path) -> None:
        """Check that the ledger in use is the one in `folder`; raises as `EventLog.require_folder` does."""
        if self._log is not None:
            self._log.require_folder(folder)

    def _opened(self) -> EventLog:
        if self._log is None:
            self._log = self._make()
        while self._waiting:
            drafts, append_id = self._waiting[0]
            self._log.append(drafts, append_id=append_id)
            del self._waiting[0]
        return self._log


def _is_answer(event: Event) -> bool:
    """Whether a provider's answer is in `event`: any HTTP status is one."""
    return isinstance(event, FetchSucceeded) or (isinstance(event, FetchFailed) and event.status_code is not None)
