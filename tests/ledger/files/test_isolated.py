"""A child does what may kill its process, says why it could not, and is gone when its parent is."""

import errno
import faulthandler
import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import pytest

from ledger.errors import (
    SURROUNDINGS,
    DiskFullError,
    HandleShortageError,
    KilledError,
    LedgerError,
    MemoryShortageError,
    NoLedgerError,
    ProcessShortageError,
    ReaderShortageError,
    UnreadableError,
    UnwritableError,
)
from ledger.files.isolated import CRASHES, IsolatedProcess, IsolatedProcessError
from tests.support.cli import environment

GONE_WITHIN_S = 30.0  # half of what the children would take; it is milliseconds
# One child waits in the system and one in the interpreter; both inherit the lock.
LOCKED = """
    import fcntl, os, sys, time
    from ledger.files.isolated import IsolatedProcess

    def spin():
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pass

    fcntl.flock(os.open(sys.argv[1], os.O_RDWR), fcntl.LOCK_EX)
    children = [IsolatedProcess(lambda: time.sleep(60), int), IsolatedProcess(spin, int)]
    print("locked", flush=True)
    children[0].result()
"""


def fail(error: Exception) -> int:
    """Raise `error`."""
    raise error


def die(signum: signal.Signals) -> int:
    """End this process by `signum`."""
    faulthandler.disable()
    os.kill(os.getpid(), signum)
    return 0


def read_unmapped() -> int:
    """Read where this process has no memory, which the system refuses with EIO."""
    return len(os.pread(os.open("/proc/self/mem", os.O_RDONLY), 1, 0))


def test_an_answer_comes_back() -> None:
    """Decoded as its type; several children at once."""
    children = [IsolatedProcess(partial(pow, 2, number), int) for number in range(3)]
    assert [1, 2, 4] == [child.result() for child in children]


@pytest.mark.parametrize(
    ("error", "how"),
    [
        (NoLedgerError(Path("x")), "got no ledger in x, want one"),
        (FileNotFoundError(2, "No such file or directory", "x"), "No such file or directory"),
        (OSError("told by nobody"), "told by nobody"),
        (ValueError("x"), "got ValueError: x, want none"),
        (RecursionError("too deep"), "got RecursionError: too deep, want none"),
    ],
)
def test_what_goes_wrong_is_said(error: Exception, how: str) -> None:
    """The ledger's errors and the system's."""
    with pytest.raises(IsolatedProcessError) as refusal:
        IsolatedProcess(lambda: fail(error), int).result()
    assert how == refusal.value.how


def test_a_disk_that_fails_is_named() -> None:
    """By the system's own word, as it would be without a child."""
    with pytest.raises(IsolatedProcessError) as refusal:
        IsolatedProcess(read_unmapped, int).result()
    assert "Input/output error" == refusal.value.how


@pytest.mark.parametrize("signum", sorted(CRASHES))
def test_a_crash_is_a_flaw_of_what_was_read(signum: signal.Signals) -> None:
    """Damaged pages end a process that maps them by one of these."""
    with pytest.raises(IsolatedProcessError) as refusal:
        IsolatedProcess(partial(die, signum), int).result()
    assert f"got death by {signum.name} from the process that read the database, want an answer" == str(refusal.value)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM, signal.SIGXCPU])
def test_a_child_that_somebody_ended_says_nothing_of_the_file(signum: signal.Signals) -> None:
    """The kernel kills when memory runs out; no damaged file sends any of these."""
    with pytest.raises(KilledError) as ending:
        IsolatedProcess(partial(die, signum), int).result()
    assert f"death by {signum.name}" == ending.value.found


@pytest.mark.parametrize(
    ("error", "want"),
    [
        (MemoryError(), MemoryShortageError("no more can be allocated")),
        (OSError(errno.EMFILE, "Too many open files", "x"), HandleShortageError("Too many open files")),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), MemoryShortageError("Cannot allocate memory")),
        (ReaderShortageError("MDB_READERS_FULL"), ReaderShortageError("MDB_READERS_FULL")),
        (RuntimeError("can't start new thread"), ProcessShortageError("can't start new thread")),
        (OSError(errno.ENOSPC, "No space left on device", "x"), DiskFullError(Path("x"))),
        (PermissionError(errno.EACCES, "Permission denied", "x"), UnreadableError(Path("x"), "Permission denied")),
        (UnreadableError(Path("x"), "Permission denied"), UnreadableError(Path("x"), "Permission denied")),
        (UnwritableError(Path("x"), "Read-only file system"), UnwritableError(Path("x"), "Read-only file system")),
    ],
)
def test_what_a_child_lacked_or_might_not_do_comes_back_as_itself(error: Exception, want: LedgerError) -> None:
    """None of it is a flaw of what was read."""
    with pytest.raises(SURROUNDINGS) as met:
        IsolatedProcess(lambda: fail(error), int).result()
    assert (type(want), str(want)) == (type(met.value), str(met.value))


@pytest.mark.parametrize("name", ["pipe", "fork"])
def test_a_child_that_cannot_be_started_is_a_shortage(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And leaves no file open."""

    def refuse() -> int:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(os, name, refuse)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(MemoryShortageError):
        IsolatedProcess(lambda: 1, int)
    assert before == len(os.listdir("/proc/self/fd"))


def test_children_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    """Else they would hold its locks."""
    lock = tmp_path / "lock"
    lock.touch()
    words = [sys.executable, "-c", textwrap.dedent(LOCKED), str(lock)]
    with subprocess.Popen(words, env=environment(), stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert b"locked\n" == parent.stdout.readline()
        assert not is_free(lock)
        parent.kill()
        killed = time.monotonic()
        # Its children hold the pipe too: it ends when the last of them does.
        assert b"" == parent.stdout.read()
    assert time.monotonic() - killed < GONE_WITHIN_S
    assert is_free(lock)


def is_free(path: Path) -> bool:
    """Return whether nobody holds the file locked."""
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
