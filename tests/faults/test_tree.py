"""A few damaged trees in every run; the long form is `python -m tests.faults --only tree --full`."""

from pathlib import Path

from tests.faults import tree
from tests.faults.tally import Tally


def test_no_command_leaves_out_what_a_damaged_page_hides(tmp_path: Path) -> None:
    """Whatever the page: what is printed, written and recorded is what it is without the damage."""
    tally = Tally(part="tree", seed=3, rounds=25)
    tree.campaign(3, 25, tmp_path, tally)
    assert [] == tally.violations
    assert 25 == sum(count for what, count in tally.counts.items() if what.startswith("flips in"))
    assert tally.counts["caught, with a warning"] > 0
