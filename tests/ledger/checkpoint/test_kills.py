"""Signers killed at random instants: never two trees of one origin signed, never a checkpoint without its tiles."""

import os
import random
import signal
import time
import traceback
from itertools import count
from pathlib import Path

import pytest

from ledger.checkpoint.holding import hold_tiles
from ledger.checkpoint.published import Published
from ledger.ids import append_id
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.ledger.checkpoint.places import published, recorded, root_of, sign
from tests.support.drafts import StepClock, connection_tested

LONGEST_S = 0.15


def start(home: LedgerHome, out: Path) -> int:
    """Return the pid of a process that appends and signs until it is killed."""
    pid = os.fork()
    if pid == 0:
        try:
            _append_and_sign(home, out)
        finally:
            traceback.print_exc()
            os._exit(9)
    return pid


def _append_and_sign(home: LedgerHome, out: Path) -> None:
    me = os.getpid()
    rng = random.Random(me)
    with EventLog(home, now=StepClock(), lock_timeout_s=60) as log:
        for number in count():
            drafts = [connection_tested(at) for at in range(rng.choice([1, 5, 300, 1000]))]
            log.append(drafts, append_id=append_id(f"{me}/{number}"))
            sign(log, out)


def kill_and_look(home: LedgerHome, out: Path, pids: list[int], delay_s: float) -> int:
    """Kill the signers after a while, hold every signature against the log; return how many are recorded."""
    time.sleep(delay_s)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        assert signal.SIGKILL == os.WTERMSIG(os.waitpid(pid, 0)[1])
    with EventLog(home, now=StepClock(), lock_timeout_s=60) as log:
        stated = published(out)
        signed = [*recorded(log), *([stated] if stated else [])]
        newest = signed[-3:]  # the older ones were held against the log after an earlier kill
        assert [root_of(log, one.size) for one in newest] == [one.root for one in newest]
        if stated is not None:
            assert "intact" == hold_tiles(stated, Published(out)).verdict
        last = sign(log, out)
        assert last.statement == published(out)
        assert "intact" == hold_tiles(last.statement, Published(out)).verdict
        sizes = {one.size for one in recorded(log)}
        assert {last.statement.size, *([stated.size] if stated else [])} <= sizes
        return len(sizes)


def kills(home: LedgerHome, out: Path, *, rounds: int, signers: int) -> int:
    """Kill so many times; return how many checkpoints the log records in the end."""
    rng, found = random.Random(20_260_213), 0
    for _ in range(rounds):
        found = kill_and_look(home, out, [start(home, out) for _ in range(signers)], rng.uniform(0, LONGEST_S))
    return found


@pytest.mark.parametrize("signers", [1, 2])
def test_some_kills(home: LedgerHome, tmp_path: Path, signers: int) -> None:
    """Of one signer, and of two that contend for the lock; the next call finishes what a kill left."""
    assert kills(home, tmp_path / "out", rounds=8, signers=signers) >= 1


@pytest.mark.campaign
def test_many_kills(home: LedgerHome, tmp_path: Path) -> None:
    """The same, long."""
    assert kills(home, tmp_path / "out", rounds=150, signers=2) >= 1
