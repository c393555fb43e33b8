"""Many processes on one ledger: none is in another's way for longer than it waits, and nothing acknowledged is lost."""

from pathlib import Path

import pytest

from tests.faults import processes
from tests.faults.tally import Tally


def test_a_dozen_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The campaign takes two hundred."""
    monkeypatch.setattr(processes, "PROCESSES", 12)
    tally = Tally(part="processes", seed=900_000, rounds=1)
    processes.campaign(900_000, 1, tmp_path, tally)
    assert ([], 12) == (tally.violations, tally.counts["processes"])
