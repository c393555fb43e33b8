"""Many processes on one ledger: none is in another's way for longer than it waits, and nothing acknowledged is lost."""

from pathlib import Path

import pytest

from tests.faults import processes
from tests.faults.tally import Tally


@pytest.mark.parametrize("number", range(len(processes.CROWDS)))
def test_a_dozen_at_once(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The campaign takes two hundred, and ninety."""
    crowds = tuple(processes.Crowd(12, crowd.kinds) for crowd in processes.CROWDS)
    monkeypatch.setattr(processes, "CROWDS", crowds)
    seed = 900_000 + number
    tally = Tally(part="processes", seed=seed, rounds=1)
    processes.campaign(seed, 1, tmp_path, tally)
    assert ([], 12) == (tally.violations, tally.counts["processes"])
