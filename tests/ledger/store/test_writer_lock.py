"""One writer at a time, and whoever waits has its turn."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.errors import WriterLockError
from ledger.store.writer_lock import WriterLock

HELD_S = 0.002
TURNS = 10


@contextmanager
def child(body: Callable[[Callable[[], int]], None]) -> Iterator[int]:
    """Run `body` in a process of its own until the block ends; give its pid once it has said that it is at work."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            body(lambda: os.write(writing, b"."))
        finally:
            os._exit(0)
    os.close(writing)
    try:
        assert os.read(reading, 1)
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(reading)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the lock file is."""
    return tmp_path / "locks" / "writer.lock"


def write_on_and_on(path: Path, say: Callable[[], int]) -> None:
    """Hold the lock a little, over and over, with no pause between."""
    lock = WriterLock(path)
    while True:
        with lock.held(10):
            say()
            time.sleep(HELD_S)


def test_a_writer_without_pause_starves_nobody(path: Path) -> None:
    """Whoever waits has the lock soon after it was given back, each time."""
    lock = WriterLock(path)
    with child(lambda say: write_on_and_on(path, say)):
        waited_s = 0.0
        for _ in range(TURNS):
            time.sleep(HELD_S)  # the other one is at work again
            began = time.monotonic()
            with lock.held(10):
                waited_s += time.monotonic() - began
    assert waited_s < 2
    lock.close()


def wait_for_it(path: Path, say: Callable[[], int]) -> None:
    """Say so, and wait for the lock."""
    lock = WriterLock(path)
    say()
    with lock.held(60):
        pass


def test_a_dead_waiter_is_in_nobodys_way(path: Path) -> None:
    """Killed while it was the next one to have the lock."""
    lock, next_one = WriterLock(path), WriterLock(path)
    with lock.held(0), child(lambda say: wait_for_it(path, say)):
        time.sleep(0.05)
    with next_one.held(0):
        pass
    lock.close()
    next_one.close()


def have_it(path: Path, say: Callable[[], int]) -> None:
    """Take the lock, say so, and keep it."""
    with WriterLock(path).held(10):
        say()
        time.sleep(60)


def test_who_gave_up_waiting_is_in_nobodys_way_either(path: Path) -> None:
    """It is told who holds the lock; the next process to ask when that one is gone has it."""
    lock = WriterLock(path)
    with child(lambda say: have_it(path, say)) as holder:
        with pytest.raises(WriterLockError) as refused, lock.held(0.01):
            pass
        assert holder == refused.value.holder_pid
    with child(lambda say: have_it(path, say)):
        pass
    lock.close()


def test_a_thread_that_has_the_lock_goes_straight_in(path: Path) -> None:
    """And gives it back only where it took it."""
    lock, other = WriterLock(path), WriterLock(path)
    with lock.held(0):
        with lock.held(0):
            pass
        with (
            pytest.raises(WriterLockError, match=rf"held by pid {os.getpid()} after 0\.01 s, want it free"),
            other.held(0.01),
        ):
            pass
    with other.held(0):
        pass
    lock.close()
    other.close()
