"""LMDB's lock file has its disk space before LMDB maps it."""

import fcntl
import os
import time
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from unittest import mock

import lmdb
import pytest

from ledger.errors import ReaderShortageError
from ledger.ids import append_id
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.store.lmdb_lock import LOCK_BYTES, LOCK_FILE, allocate_lock
from tests.kills.victim import Victim
from tests.ledger.tampering import EVENTS, filled
from tests.support.drafts import StepClock, connection_tested

TXN_NUMBER_BYTES = range(48, 56)  # in LMDB's lock file, behind its magic, its format and a mutex


def test_a_new_lock_file_has_all_its_blocks(tmp_path: Path) -> None:
    """None of it is a hole that a full disk could refuse to fill later."""
    allocate_lock(tmp_path)
    found = (tmp_path / LOCK_FILE).stat()
    assert LOCK_BYTES == found.st_size <= found.st_blocks * 512
    assert 0o600 == found.st_mode & 0o777


def test_lmdb_takes_it_as_it_finds_it(tmp_path: Path) -> None:
    """It is not cut, and there is room for the readers that were asked for."""
    allocate_lock(tmp_path)
    with lmdb.open(str(tmp_path), max_readers=512) as env, env.begin() as txn:
        assert txn.get(b"nothing") is None
        assert env.max_readers() >= 512
    assert LOCK_BYTES == (tmp_path / LOCK_FILE).stat().st_size


def test_a_lock_file_that_was_used_is_left_alone(tmp_path: Path) -> None:
    """Its readers and locks are LMDB's business."""
    (tmp_path / LOCK_FILE).write_bytes(b"used")
    allocate_lock(tmp_path)
    assert b"used" == (tmp_path / LOCK_FILE).read_bytes()


def test_a_folder_that_is_not_there_is_left_to_lmdb(tmp_path: Path) -> None:
    """Nothing is raised and nothing is made."""
    allocate_lock(tmp_path / "gone")
    assert [] == list(tmp_path.iterdir())


def stop_while_opening(folder: Path, said: int) -> None:
    """Open the ledger, and stop where LMDB, the first one in and its lock held, has forgotten the last transaction."""

    def set_up_and_stop(*_: object, **__: object) -> None:
        fd = os.open(folder / LOCK_FILE, os.O_RDWR)
        fcntl.lockf(fd, fcntl.LOCK_EX, 1, 0)
        os.pwrite(fd, bytes(len(TXN_NUMBER_BYTES)), TXN_NUMBER_BYTES.start)
        os.write(said, b"!")
        time.sleep(60)

    with mock.patch.object(lmdb, "open", set_up_and_stop):
        Engine(folder, readonly=False)


def look(folder: Path, said: int) -> None:
    """Open the ledger for writing and say how many events it has."""
    engine = Engine(folder, readonly=False)
    os.write(said, str(engine.head().size).encode())
    engine.close()


@pytest.mark.parametrize("more", [0, 1])
def test_who_opens_behind_one_that_was_killed_while_opening_sees_the_newest(
    home: LedgerHome, clock: StepClock, more: int
) -> None:
    """Whichever of the two meta pages that is: the other one has all but the last append."""
    filled(home, clock)
    with EventLog(home, now=clock) as log:
        for number in range(more):
            log.append([connection_tested(number)], append_id=append_id(f"more/{number}"))
        folder = log.folder
    stopped = Victim(partial(stop_while_opening, folder))
    assert b"!" == os.read(stopped.said, 1)
    looking = Victim(partial(look, folder))
    time.sleep(0.3)  # it waits, in LMDB or outside: nothing tells which
    stopped.kill()
    assert (b"", -9) == stopped.end()
    assert (str(EVENTS + more).encode(), 0) == looking.end()


def read_on(folder: Path, said: int) -> None:
    """Open the ledger, and read from it without an end."""
    engine = Engine(folder, readonly=True)
    with engine.reading():
        os.write(said, b"!")
        time.sleep(60)


def readers(folder: Path, count: int) -> list[Victim]:
    """Return processes that are reading."""
    started = [Victim(partial(read_on, folder)) for _ in range(count)]
    assert [b"!"] * count == [os.read(one.said, 1) for one in started]
    return started


@pytest.mark.parametrize("dead", [0, 2])
def test_whoever_opens_for_writing_clears_what_killed_readers_left(
    home: LedgerHome, clock: StepClock, dead: int
) -> None:
    """A slot each, and the pages that they read: else the slots run out, and the file grows for ever."""
    folder = filled(home, clock).root / "ledger-1"
    *killed, alive = readers(folder, dead + 1)
    for one in killed:
        one.kill()
        one.end()
    engine = Engine(folder, readonly=False)
    try:
        listed = engine._env.readers()
        assert [True] + [False] * dead == [str(one.pid) in listed for one in (alive, *killed)]
    finally:
        engine.close()
        alive.kill()
        alive.end()


def test_a_reader_that_finds_every_slot_taken_is_told_so(home: LedgerHome, clock: StepClock) -> None:
    """A slot that is free again serves it."""
    engine = Engine(filled(home, clock).root / "ledger-1", readonly=True)
    try:
        with ExitStack() as held:
            with suppress(lmdb.ReadersFullError):
                for _ in range(2_000):
                    held.enter_context(engine._env.begin())
            with pytest.raises(ReaderShortageError):
                engine.head()
        assert EVENTS == engine.head().size
    finally:
        engine.close()


def test_a_reader_clears_dead_ones_before_it_gives_up(home: LedgerHome, clock: StepClock) -> None:
    """Those of processes that were killed are as good as free."""
    folder = filled(home, clock).root / "ledger-1"
    killed, alive = readers(folder, 2)
    killed.kill()
    killed.end()
    engine = Engine(folder, readonly=True)
    try:
        with ExitStack() as held:
            with suppress(lmdb.ReadersFullError):
                for _ in range(2_000):
                    held.enter_context(engine._env.begin())
            assert EVENTS == engine.head().size
    finally:
        engine.close()
        alive.kill()
        alive.end()
