"""Two writers and ten readers for two seconds in every run; more: `python -m tests.faults --only crowd --full`."""

from pathlib import Path

from tests.faults import crowd
from tests.faults.tally import Tally


def test_readers_follow_a_log_that_grows_under_them(tmp_path: Path) -> None:
    """Two writers whose clocks jump by hours; the map grows and nobody sees a hole, a fork or time run backwards."""
    tally = Tally(part="crowd", seed=1, rounds=1)
    crowd.campaign(1, 1, tmp_path, tally)
    assert [] == tally.violations
    assert tally.counts["looks at the growing log"] > crowd.READERS
