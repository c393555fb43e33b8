"""`kill -9` at random instants of backup, restore, rebuild, prune; appends and whole runs are killed by `tests.kills`.

A round is one kill of each: what is left holds all that is promised, and the same job done again comes to its end.
"""

import os
import random
import shutil
import time
from functools import partial
from pathlib import Path

from tests.faults.jobs import BACKUP_BY_CHILDREN, JOBS, SECOND_BACKUP, Job
from tests.faults.tally import Tally
from tests.kills.victim import Victim

KILLED = (*(job for job in JOBS if job.name not in {"create", "append"}), SECOND_BACKUP, BACKUP_BY_CHILDREN)
DONE = b"done"
ROUNDS_A_TEMPLATE = 100
LONG_ROUNDS = 1_000
LONGER, SHORTER = 1.02, 0.95  # after a kill, and after one that came too late: about three in four come in time


def campaign(seed: int, rounds: int, folder: Path, tally: Tally) -> None:
    """Kill each job once a round."""
    benches: list[Bench] = []
    for number in range(seed, seed + rounds):
        if (number - seed) % ROUNDS_A_TEMPLATE == 0:
            benches = [Bench(job, number, folder) for job in KILLED]
        rng = random.Random(number)
        for bench in benches:
            with tally.holding(number, bench.job.name):
                bench.kill(rng, tally)


class Bench:
    """One job, killed again and again from the same beginning."""

    def __init__(self, job: Job, seed: int, folder: Path) -> None:
        self.job = job
        self._template, self._root = folder / f"{job.name}-{seed}", folder / "root"
        self._template.mkdir()
        job.prepare(self._template, seed)
        self._fresh()
        self._longest_s = self._finish()

    def kill(self, rng: random.Random, tally: Tally) -> None:
        """Kill the job at its random instant, half of the time the next one as well; then let it finish."""
        self._fresh()
        for _ in range(rng.choice((1, 2))):
            victim = Victim(partial(_work, self.job, self._root))
            time.sleep(rng.uniform(0, self._longest_s))
            victim.kill_group()
            said, code = victim.end()
            assert code in {-9, 0}, f"the victim ended with {code}"
            self._longest_s *= LONGER if code else SHORTER
            tally.count(f"{self.job.name}: {'killed' if code else 'done before the kill'}")
            self.job.check(self._root, said == DONE)
        self._finish()
        self.job.check(self._root, True)

    def _fresh(self) -> None:
        shutil.rmtree(self._root, ignore_errors=True)
        shutil.copytree(self._template, self._root)

    def _finish(self) -> float:
        """Let the job come to its end; return how long that took."""
        began = time.perf_counter()
        assert (DONE, 0) == Victim(partial(_work, self.job, self._root)).end()
        return time.perf_counter() - began


def _work(job: Job, root: Path, said: int) -> None:
    job.work(root)
    os.write(said, DONE)
