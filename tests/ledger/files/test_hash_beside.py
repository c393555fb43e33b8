"""A file hashed beside: the hash that the file has, and proof only of one that held still."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.files.checksum import FileHash, hash_file
from ledger.files.hash_beside import HashBeside
from tests.support.processes import children

CONTENT = bytes(range(256)) * 8192  # two buffers


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file to hash."""
    path = tmp_path / "f"
    path.write_bytes(CONTENT)
    return path


def test_it_is_the_hash_of_the_file(path: Path) -> None:
    """Taken by a child, which is waited for; asked as often as one likes."""
    before = children()
    hashing = HashBeside(path)
    assert 1 == len(children() - before)
    want = hash_file(path)
    assert [want] * 2 == [hashing.result(), hashing.result()]
    assert before == children()
    assert hashing.proves(want)
    assert not hashing.proves(FileHash(bytes(32), want.file_bytes))


def appended(path: Path) -> None:
    """Make it longer."""
    with path.open("ab") as file:
        file.write(b"x")


def overwritten(path: Path) -> None:
    """Change a byte in place, and put its times back."""
    times = path.stat()
    with path.open("r+b") as file:
        file.write(b"x")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def replaced(path: Path) -> None:
    """Put another file of the same bytes there."""
    path.with_name("other").write_bytes(CONTENT)
    path.with_name("other").rename(path)


@pytest.mark.parametrize("change", [appended, overwritten, replaced])
@pytest.mark.parametrize("asked_before", [False, True])
def test_a_file_that_was_touched_meanwhile_is_not_proven(
    change: Callable[[Path], None], path: Path, *, asked_before: bool
) -> None:
    """Whatever its hash is now: what was read of it before may be of another."""
    hashing = HashBeside(path)
    if asked_before:
        hashing.result()
    change(path)
    want = hash_file(path)
    assert not hashing.proves(want)
    assert asked_before or want == hashing.result()


@pytest.mark.parametrize("order", [signal.SIGKILL, signal.SIGTERM])
def test_it_is_taken_here_where_the_child_cannot_say(order: signal.Signals, path: Path) -> None:
    """Somebody ended it."""
    before = children()
    hashing = HashBeside(path)
    (child,) = children() - before
    os.kill(child, order)
    assert hashing.proves(hash_file(path))


def test_a_process_of_ours_hashes_for_itself(path: Path) -> None:
    """It cannot wait for the child of its parent."""
    hashing = HashBeside(path)
    want = hash_file(path)
    pid = os.fork()
    if not pid:
        os._exit(0 if hashing.proves(want) else 1)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert hashing.proves(want)


def test_it_can_be_given_up(path: Path) -> None:
    """The child is gone then, and the hash still to be had."""
    before = children()
    hashing = HashBeside(path)
    hashing.end()
    hashing.end()
    assert before == children()
    assert hash_file(path) == hashing.result()


def test_a_file_that_is_gone_is_an_error(path: Path) -> None:
    """Before it begins, and once it is asked for."""
    hashing = HashBeside(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        hashing.result()
    with pytest.raises(FileNotFoundError):
        HashBeside(path)
