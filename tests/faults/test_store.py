"""A few dozen damaged stores in every run; the long form is `python -m tests.faults --only store --full`."""

from pathlib import Path

from tests.faults import store
from tests.faults.tally import Tally


def test_no_damaged_store_is_believed(tmp_path: Path) -> None:
    """Nothing false is printed, written or recorded, whatever is flipped or moved about."""
    tally = Tally(part="store", seed=7, rounds=50)
    store.campaign(7, 50, tmp_path, tally)
    assert [] == tally.violations
    assert tally.counts["flips in live values"] > 10
    assert sum(count for what, count in tally.counts.items() if "caught" in what) > 10
