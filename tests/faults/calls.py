"""System calls that fail once: each one of creation, append, backup, restore, rebuild and of the commands that do them.

A round is one of those with every call of it failing in every way, each in a process of its own and on a fresh copy
of the same ledger. What comes out must be success or an error of ours; what was acknowledged is there; and the
same thing done again works.
"""

import errno
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from ledger.errors import LedgerError
from tests.faults.commands import COMMANDS
from tests.faults.jobs import BACKUP_BY_CHILDREN, JOBS, Job
from tests.faults.shim import SHORT_WRITE, Shim
from tests.faults.tally import Tally
from tests.kills.victim import Victim

EVERYTHING = (*JOBS, *COMMANDS, BACKUP_BY_CHILDREN)
LONG_ROUNDS = len(EVERYTHING)
DONE = b"done"
WAYS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EINTR": errno.EINTR, "short write": SHORT_WRITE}
INTERRUPTIBLE = frozenset({"write", "pwrite", "writev", "pwritev", "fsync", "fdatasync", "ftruncate", "open"})


class Outcome(msgspec.Struct, frozen=True):
    """How one attempt came out: what it said, which call failed in it, and how many calls it made."""

    said: bytes
    hit: str
    calls: int


def campaign(seed: int, rounds: int, folder: Path, tally: Tally, shim: Shim) -> None:
    """Fail every call of one job a round, in every way."""
    for number in range(seed, seed + rounds):
        bench = Bench(EVERYTHING[number % len(EVERYTHING)], number, folder, shim)
        calls = bench.attempt(0, 0).calls
        assert calls, f"{bench.job.name} made no call that can fail"
        for nth in range(1, calls + 1):
            for way, error in WAYS.items():
                with tally.holding(number, f"{bench.job.name}, call {nth} of {calls}: {way}"):
                    bench.fail(nth, way, error, tally)


class Bench:
    """One job, done again and again from the same beginning."""

    def __init__(self, job: Job, seed: int, folder: Path, shim: Shim) -> None:
        self.job, self._shim = job, shim
        self._template, self._root = folder / f"template-{seed}", folder / "root"
        self._template.mkdir()
        job.prepare(self._template, seed)

    def fail(self, nth: int, way: str, error: int, tally: Tally) -> None:
        """Have the `nth` call fail; assert of what is left all that is promised, then do the job again."""
        outcome = self.attempt(nth, error)
        if not outcome.hit or (error == errno.EINTR and outcome.hit not in INTERRUPTIBLE):
            return
        tally.count(f"{self.job.name}: {outcome.hit} {way}")
        tally.count(f"{self.job.name}: {outcome.said.decode()}")
        self.job.check(self._root, outcome.said == DONE)
        again = self._attempt(0, 0)
        assert again.said == DONE, f"the next one: {again.said.decode()}"
        self.job.check(self._root, True)

    def attempt(self, nth: int, error: int) -> Outcome:
        """Do the job from its beginning, the `nth` call failing with `error`."""
        shutil.rmtree(self._root, ignore_errors=True)
        shutil.copytree(self._template, self._root)
        return self._attempt(nth, error)

    def _attempt(self, nth: int, error: int) -> Outcome:
        said, code = Victim(partial(_armed, self._shim, self._root, self.job.work, nth, error)).end()
        assert code == 0, f"the process ended with {code}"
        return msgspec.msgpack.decode(said, type=Outcome)


def _armed(shim: Shim, root: Path, work: Callable[[Path], object], nth: int, error: int, said: int) -> None:
    shim.arm(root, nth, error)
    try:
        work(root)
        word = DONE
    except LedgerError as refusal:
        word = f"refused ({type(refusal).__name__})".encode()
    os.write(said, msgspec.msgpack.encode(Outcome(word, shim.hit(), shim.calls())))
