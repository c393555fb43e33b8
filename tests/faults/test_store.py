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


def test_actions_of_a_series_without_a_stored_decision_are_not_none(tmp_path: Path) -> None:
    """All that was decided of it is gone, each row with a check that is right: the interface says so."""
    tally = Tally(part="store", seed=20270486, rounds=1)
    store.campaign(20270486, 1, tmp_path, tally)
    assert [] == tally.violations
    assert 1 == tally.counts["rows older: caught, with a warning"]
