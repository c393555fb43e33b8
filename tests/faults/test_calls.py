"""Every system call of an append failing once; the other jobs: `python -m tests.faults --only calls --full`."""

from pathlib import Path

from tests.faults.jobs import JOBS
from tests.faults.parts import run_part

APPEND = next(number for number, job in enumerate(JOBS) if job.name == "append")


def test_whichever_call_fails_the_append_landed_or_did_not_and_the_next_one_works(tmp_path: Path) -> None:
    """EIO, ENOSPC, EINTR and a write cut short, at each write and each sync: an error of ours, nothing else."""
    tally = run_part("calls", tmp_path, seed=APPEND)
    assert [] == tally.violations
    assert {"append: pwrite EIO", "append: pwrite short write", "append: fdatasync ENOSPC"} <= tally.counts.keys()
