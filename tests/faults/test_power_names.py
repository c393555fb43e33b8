"""The disks of one creation in every run; of all jobs: `python -m tests.faults --only power_names --full`."""

from pathlib import Path

from tests.faults.parts import run_part
from tests.faults.power_names import NAMING

CREATE = next(number for number, job in enumerate(NAMING) if job.name == "create")


def test_a_ledger_that_was_acknowledged_is_on_every_disk_that_a_power_cut_may_leave(tmp_path: Path) -> None:
    """Its folder's name, its files' names and their contents, each lost or not; what is half made is taken up."""
    tally = run_part("power_names", tmp_path, seed=CREATE)
    assert [] == tally.violations
    assert tally.counts["create: images"] > 100
