"""A process beside an appending one folds what is appended, or leaves it as it is; it is gone when it is not wanted."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from ledger.ids import new_id
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.store import following
from projections.store.folder import Shelf
from projections.store.following import Follower
from projections.store.replaying import compare
from projections.store.runner import catch_up, open_view, remembered
from projections.store.store import HEAD_KEY
from tests.projections.store.test_mending import database
from tests.support.drafts import connection_tested

NOW_US = 1_770_000_000_000_000


@contextmanager
def followed(tmp_path: Path) -> Iterator[tuple[Follower, EventLog]]:
    """Give a follower and the log of a new ledger whose read models stand at its first event."""
    home = LedgerHome(tmp_path)
    with Follower(home) as follower:
        create_ledger(home, kind="real", software="t", now=lambda: NOW_US, lock_timeout_s=5)
        with EventLog(home, now=lambda: NOW_US) as log:
            catch_up(log, log.folder)
            yield follower, log


def append(log: EventLog, number: int) -> None:
    """Append one more event."""
    log.append([connection_tested(number)], append_id=new_id(NOW_US))


def pid(follower: Follower) -> int:
    """Return the process that folds."""
    assert follower._process is not None
    return follower._process._pid


def is_there(process: int) -> bool:
    """Return whether there is such a process, ended and not waited for too."""
    return Path(f"/proc/{process}").exists()


def test_what_is_appended_is_folded_beside(tmp_path: Path) -> None:
    """To the same rows, while a view of before is open; nothing is left to catch up with."""
    with followed(tmp_path) as (follower, log), open_view(log, log.folder) as before:
        for number in range(50):
            append(log, number)
            follower.tell()
        follower.wait()
        assert (1, log.head()) == (before.head.size, remembered(log.folder))
        assert [] == list(compare(log, log.folder))


def test_a_store_that_is_not_there_is_left_to_who_catches_up(tmp_path: Path) -> None:
    """Nothing is built beside."""
    with followed(tmp_path) as (follower, log):
        (Shelf(log.folder).root / "CURRENT").unlink()
        append(log, 1)
        follower.wait()
        assert None is remembered(log.folder)
        assert log.head() == catch_up(log, log.folder)


def test_a_damaged_store_is_built_again_by_who_catches_up(tmp_path: Path) -> None:
    """Where it is told too, if there is anything to tell."""
    with followed(tmp_path) as (follower, log):
        append(log, 1)
        catch_up(log, log.folder)
        with database(log.folder) as txn:
            stored = txn.get(HEAD_KEY)
            txn.put(HEAD_KEY, stored[:-1] + bytes([stored[-1] ^ 1]))
        append(log, 1)
        follower.tell()
        follower.wait()
        assert log.head() == catch_up(log, log.folder)


def test_it_gives_way_to_who_is_at_the_store(tmp_path: Path) -> None:
    """And goes on with the next order."""
    with followed(tmp_path) as (follower, log):
        before = log.head()
        append(log, 1)
        with Shelf(log.folder).locked():
            follower.wait()
            assert before == remembered(log.folder)
        follower.wait()
        assert log.head() == remembered(log.folder)


def test_one_that_was_killed_is_waited_for_by_nobody(tmp_path: Path) -> None:
    """What it left undone is caught up with."""
    with followed(tmp_path) as (follower, log):
        os.kill(pid(follower), 9)
        append(log, 1)
        follower.tell()
        follower.wait()
        assert log.head() == catch_up(log, log.folder)


@pytest.mark.parametrize("fails", [False, True])
def test_none_is_left(fails: bool, tmp_path: Path) -> None:
    """Whether the work beside it ends or breaks off."""
    process = 0
    with suppress(KeyboardInterrupt), followed(tmp_path) as (follower, log):
        process = pid(follower)
        append(log, 1)
        follower.tell()
        if fails:
            raise KeyboardInterrupt
    assert process
    assert not is_there(process)


@pytest.mark.parametrize("lacking", ["fork", "pipe"])
def test_without_another_process_all_is_left_to_who_catches_up(
    lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The import goes on alone."""

    def refused() -> int:
        raise OSError(errno.EAGAIN if lacking == "fork" else errno.EMFILE, "none left")

    handles = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(following.os, lacking, refused)
    with Follower(LedgerHome(tmp_path)) as follower:
        follower.tell()
        follower.wait()
    assert handles == len(os.listdir("/proc/self/fd"))
