"""The writer lock: an flock of our own, taken before LMDB's, which can neither time out nor be interrupted.

The kernel releases it when its holder dies, so it is never stale; the file is never deleted,
since a second writer would get in through a new one.

A process waits for it behind a gate, a lock on one byte of the same file, which only the next in turn holds:
a process that releases the lock and wants it again finds the gate shut, so a busy writer starves nobody.
"""

import fcntl
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from ledger.errors import WriterLockError, unwritable
from ledger.files.durable import make_private_folder, open_private

POLL_FIRST_S = 0.0002
POLL_LAST_S = 0.005
PID_BYTES = 20  # the note of who holds the lock; the byte after it is the gate


class WriterLock:
    """One writer at a time, among threads and among processes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mutex = threading.Lock()
        self._owner: int | None = None
        make_private_folder(path.parent)
        try:
            self._fd = open_private(path, os.O_RDWR)
        except OSError as error:
            raise unwritable(path, error) from error

    @contextmanager
    def held(self, timeout_s: float) -> Iterator[None]:
        """Hold the lock for the block; reentrant for the thread that holds it.

        Raises: WriterLockError when it is not free within `timeout_s`.
        """
        if self._owner == threading.get_ident():
            yield
            return
        deadline, exclusive = time.monotonic() + timeout_s, fcntl.LOCK_EX | fcntl.LOCK_NB
        if not self._mutex.acquire(timeout=max(timeout_s, 0)):
            raise WriterLockError(self._path, waited_s=timeout_s, holder_pid=os.getpid())
        try:
            shut_gate = partial(fcntl.lockf, self._fd, exclusive, 1, PID_BYTES)
            self._wait_for(shut_gate, deadline, timeout_s)
            try:
                self._wait_for(partial(fcntl.flock, self._fd, exclusive), deadline, timeout_s)
            finally:
                fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, PID_BYTES)
            # The lock is held whether or not a full disk takes the note of who holds it.
            with suppress(OSError):
                os.pwrite(self._fd, str(os.getpid()).encode().ljust(PID_BYTES), 0)
            self._owner = threading.get_ident()
            try:
                yield
            finally:
                self._owner = None
                fcntl.flock(self._fd, fcntl.LOCK_UN)
        finally:
            self._mutex.release()

    def close(self) -> None:
        """Close the file, which releases the lock."""
        os.close(self._fd)

    def _wait_for(self, take: Callable[[], None], deadline: float, timeout_s: float) -> None:
        pause_s = POLL_FIRST_S
        while True:
            try:
                return take()
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    note = os.pread(self._fd, PID_BYTES, 0).strip()
                    holder_pid = int(note) if note.isdigit() else None
                    raise WriterLockError(self._path, waited_s=timeout_s, holder_pid=holder_pid) from None
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, POLL_LAST_S)
