"""Power cuts while files get their names: creation, backup, restore and rebuild, with the entries of their folders.

A round is one of those jobs, with the disks of all its instants. Of what a cut leaves, all that is promised must
hold; now and then the same job is done again, and must come to its end there.
"""

import os
import random
from pathlib import Path

from tests.faults.jobs import JOBS, Job
from tests.faults.power import Scenario, cut_power
from tests.faults.shim import Shim
from tests.faults.tally import Tally

NAMING = tuple(job for job in JOBS if job.name != "append")
AT_RANDOM, PREFIXES = 80, 120
AGAIN_ONE_IN = 4
DONE = b"done"
LONG_ROUNDS = 40


def campaign(seed: int, rounds: int, folder: Path, tally: Tally, shim: Shim) -> None:
    """Cut the power of one job a round, at every instant."""
    for number in range(seed, seed + rounds):
        with tally.holding(number):
            scenario = _scenario(NAMING[number % len(NAMING)], number)
            cut_power(scenario, number, folder / "place", tally, shim)


def _scenario(job: Job, seed: int) -> Scenario:
    def work(root: Path, said: int) -> None:
        job.work(root)
        os.write(said, DONE)

    rng = random.Random(seed)

    def check(root: Path, marks: bytes) -> None:
        job.check(root, marks == DONE)
        if rng.randrange(AGAIN_ONE_IN) == 0:
            job.work(root)
            job.check(root, True)

    return Scenario(
        name=job.name,
        prepare=lambda root: job.prepare(root, seed),
        work=work,
        checker=lambda _done: check,
        at_random=AT_RANDOM,
        prefixes=PREFIXES,
    )
