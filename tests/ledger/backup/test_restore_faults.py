"""A restore under fire: a writer that stays open throughout, and a kill at any instant."""

import multiprocessing
import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from ledger.audit.verify import verify_ledger
from ledger.backup.archive_log import ArchiveLog, archive_log
from ledger.backup.restore import Terms
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.ledger.restoring import OURS, SIZE, events, fill, task
from tests.support.archives import archive, put, small_log
from tests.support.drafts import StepClock, connection_tested


def _append_for_ever(root: Path, acknowledged: Path) -> None:
    fd = os.open(acknowledged, os.O_WRONLY | os.O_CREAT)
    with EventLog(LedgerHome(root), now=StepClock()) as log:
        for number in range(10**9):
            appended = log.append([connection_tested(number)], append_id=os.urandom(16))
            os.write(fd, appended.head.size.to_bytes(8, "big") + appended.head.link)


def wait_for_growth(home: LedgerHome, size: int) -> None:
    """Wait until the ledger in use has more than `size` events."""
    deadline = time.monotonic() + 120
    with EventLog(home, now=StepClock(), readonly=True) as log:
        while log.head().size <= size:
            assert time.monotonic() < deadline
            time.sleep(0.001)


def test_a_writer_that_stays_open_goes_on_in_the_restored_ledger(empty: LedgerHome, backup: ArchiveLog) -> None:
    """None of its acknowledged events is lost, and none goes to the replaced folder after the switch."""
    fill(empty, SIZE)
    acknowledged = empty.root.parent / "acknowledged"
    writer = multiprocessing.get_context("fork").Process(target=_append_for_ever, args=(empty.root, acknowledged))
    writer.start()
    wait_for_growth(empty, SIZE + 1)
    ended = task(empty, backup).run(Terms(rollback=True, yes=True))
    wait_for_growth(empty, SIZE + 1)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGKILL)
    writer.join()
    raw = acknowledged.read_bytes()
    heads = {(int.from_bytes(raw[at : at + 8], "big"), raw[at + 8 : at + 40]) for at in range(0, len(raw) - 39, 40)}
    new = {(record.seq + 1, record.link) for record in events(empty)}
    old_engine = Engine(empty.root / "ledger-1", readonly=True)
    old = {(record.seq + 1, record.link) for record in old_engine.chunk(0, old_engine.head().size)}
    stopped_at = old_engine.head()
    old_engine.close()
    assert heads <= old | new
    assert heads - old, "the writer went on after the switch"
    assert (ended.replaced.head, "ledger-2") == (stopped_at, empty.current().name)  # type: ignore[union-attr]  # there


@pytest.mark.parametrize("seed", range(4))
def test_a_kill_at_any_instant_leaves_one_whole_ledger_in_use(seed: int, empty: LedgerHome, tmp_path: Path) -> None:
    """The one before or the restored one; and the same restore then comes about."""
    whole = list(small_log(200).read())
    backup = archive_log(put(tmp_path / "big.db", archive(whole)))
    fill(empty, 3)
    child = os.fork()
    if child == 0:
        try:
            task(empty, backup).run(Terms())
        finally:
            os._exit(0)
    time.sleep(0.012 * seed)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    left = events(empty)
    assert left[:3] == whole[:3]
    assert len(left) in {3, 201}
    assert "intact" == verify_ledger(empty).verdict
    task(empty, backup).run(Terms())
    assert whole == events(empty)[:200]
    assert not [path for path in empty.root.iterdir() if path.name.endswith(".new")]


def die_at(step: int) -> None:
    """Have this process killed at its call number `step` of those that make, rename, sync or remove a file."""
    calls, ours = iter(range(10**6)), os.getpid()

    def fatal(name: str) -> None:
        original = getattr(os, name)

        def call(*args: object, **options: object) -> object:
            # Not in the children that look at the ledger: their death is a verdict, not ours.
            if os.getpid() == ours and next(calls) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*args, **options)

        setattr(os, name, call)

    for name in ("open", "mkdir", "rename", "fsync", "write", "pwrite", "unlink", "rmdir"):
        fatal(name)


@pytest.mark.parametrize(("over", "stride"), [(0, 1), (3, 2)])
def test_a_kill_at_each_call_is_made_good_by_the_next(
    over: int, stride: int, tmp_path: Path, backup: ArchiveLog
) -> None:
    """Over nothing, or over a ledger of three events: one whole ledger in use at every step, until no call is left."""
    before = LedgerHome(tmp_path / "before")
    before.root.mkdir()
    if over:
        fill(before, over)
    for step in range(0, 200, stride):
        home = LedgerHome(tmp_path / f"home-{step}")
        shutil.copytree(before.root, home.root)
        killed = killed_at(step, home, backup)
        if over:
            assert len(events(home)) in {over, SIZE + 1}, step
        task(home, backup).run(Terms())
        assert OURS == events(home)[:SIZE], step
        if not killed:
            break
    assert step > 20


def killed_at(step: int, home: LedgerHome, backup: ArchiveLog) -> bool:
    """Restore in a child that is killed at its call number `step`; return whether it had that many."""
    child = os.fork()
    if child == 0:
        try:
            die_at(step)
            task(home, backup).run(Terms())
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])
