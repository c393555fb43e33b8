"""Some kills of backup, restore, rebuild, prune in each run; more: `python -m tests.faults --only killed --full`."""

from pathlib import Path

from tests.faults import killed
from tests.faults.tally import Tally


def test_what_a_kill_leaves_is_whole_and_the_next_run_finishes(tmp_path: Path) -> None:
    """Nothing half under a final name or in use, the source untouched, whatever the instant."""
    tally = Tally(part="killed", seed=3, rounds=3)
    killed.campaign(3, 3, tmp_path, tally)
    assert [] == tally.violations
    assert 18 <= sum(tally.counts.values()) <= 36
