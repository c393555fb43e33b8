"""A child does what may kill its process, says why it could not, and is gone when its parent is."""

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

from ledger.errors import NoLedgerError, UnreadableError
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
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


def die() -> int:
    """Do what a damaged database does to its reader."""
    os.kill(os.getpid(), signal.SIGKILL)
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
        (UnreadableError(Path("x"), "Permission denied"), "Permission denied"),
        (FileNotFoundError(2, "No such file or directory", "x"), "No such file or directory"),
        (OSError("told by nobody"), "told by nobody"),
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


def test_a_death_and_a_defect_are_told() -> None:
    """The signal by its name; of a defect there is no word."""
    with pytest.raises(IsolatedProcessError) as refusal:
        IsolatedProcess(die, int).result()
    assert "got death by SIGKILL from the process that read the database, want an answer" == str(refusal.value)
    with pytest.raises(IsolatedProcessError) as refusal:
        IsolatedProcess(lambda: fail(ValueError("x")), int).result()
    assert "no word" == refusal.value.how


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
