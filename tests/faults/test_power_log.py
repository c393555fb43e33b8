"""One recording of appends with all its disks in every run; all of them: `python -m tests.faults --only power_log`."""

from pathlib import Path

from tests.faults.parts import run_part


def test_what_was_acknowledged_is_on_every_disk_that_a_power_cut_may_leave(tmp_path: Path) -> None:
    """A thousand disks: all prefixes of what was not synced, and random parts of it, sector by sector."""
    tally = run_part("power_log", tmp_path, seed=20_260_213)
    assert [] == tally.violations
    assert tally.counts["log: images"] > 500
