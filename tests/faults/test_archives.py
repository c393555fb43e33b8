"""A few frames of the archive campaign in every run; the whole is `python -m tests.faults --only archives --full`."""

from pathlib import Path

from tests.faults import archives
from tests.faults.tally import Tally


def test_no_change_to_an_archive_is_called_intact(tmp_path: Path) -> None:
    """Two frames: each byte changed twice, each cut length, ranges; only cuts between frames leave a whole archive."""
    tally = Tally(part="archives", seed=1, rounds=2)
    archives.campaign(1, 2, tmp_path, tally)
    assert [] == tally.violations
    assert 2 == tally.counts["cuts between frames"]
    assert 2 * tally.counts["cut lengths"] == tally.counts["bytes changed"]
