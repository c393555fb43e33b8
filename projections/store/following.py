"""Read models brought up to the log by a process beside this one, while this one appends.

To the store it is who any reader is that finds it behind: it folds under the store's lock, and gives way. It builds
nothing again and reports nothing: whatever keeps it from folding is met again, and told, by who catches up afterwards.
"""

import os
from contextlib import ExitStack, suppress
from functools import partial
from types import TracebackType
from typing import Self

from ledger.errors import LedgerError, ShortageError
from ledger.files.isolated import IsolatedProcess
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.store.runner import GIVES_WAY, advance

MORE, WAITED_FOR = b"+", b"="
ORDERS_BYTES = 4096  # read at once: of many orders one look at the log is enough


class Follower:
    """The process that folds; it ends with this one, at the latest. Start it before the ledger is opened."""

    def __init__(self, home: LedgerHome) -> None:
        """Start it; where none can be, all that is asked of it is left undone."""
        self._process: IsolatedProcess[int] | None = None
        with suppress(ShortageError, OSError):
            self._start(home)

    def _start(self, home: LedgerHome) -> None:
        with ExitStack() as opened:
            orders, self._orders = _pipe(opened)
            self._done, done = _pipe(opened)
            not_its = self._orders, self._done
            self._process = IsolatedProcess(partial(_follow, home, orders, done, not_its=not_its), int)
            opened.pop_all()
        os.close(orders)
        os.close(done)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: object, __: TracebackType | None) -> None:
        if self._process is None:
            return
        os.close(self._orders)
        if kind is None:
            with suppress(LedgerError):
                self._process.result()
        else:
            self._process.end()
        os.close(self._done)

    def tell(self) -> None:
        """Have what was appended folded; does not wait."""
        self._order(MORE)

    def wait(self) -> None:
        """Return once all that was appended is folded, or left to who catches up."""
        if self._order(WAITED_FOR):
            os.read(self._done, 1)

    def _order(self, order: bytes) -> bool:
        # It may have ended.
        with suppress(BrokenPipeError):
            return self._process is not None and bool(os.write(self._orders, order))
        return False


def _pipe(opened: ExitStack) -> tuple[int, int]:
    ends = os.pipe()
    for end in ends:
        opened.callback(os.close, end)
    return ends


def _follow(home: LedgerHome, orders: int, done: int, *, not_its: tuple[int, int]) -> int:
    """Fold what is in the log at each order, until there is nobody to give one; return how many batches of them came.

    Raises: what opening the log and `advance` raise, but where they give way.
    """
    for end in not_its:
        os.close(end)
    batches = 0
    with ExitStack() as held:
        log: EventLog | None = None
        while given := os.read(orders, ORDERS_BYTES):
            with suppress(*GIVES_WAY):
                log = log or held.enter_context(EventLog(home, now=lambda: 0, readonly=True))
                advance(log, log.folder)
            os.write(done, WAITED_FOR * given.count(WAITED_FOR))
            batches += 1
    return batches
