"""The short form of the kills, in every run of the suite; the long form is `python -m tests.kills`."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.kills import appends, commands, imports
from tests.kills.tally import Tally
from tests.support import timestamp_authority


def test_what_was_acknowledged_survives_the_kill_of_its_writer(tmp_path: Path) -> None:
    """Whole appends, the chain, the anchor and the read models hold after each of 40 kills; the next writer goes on."""
    tally = appends.campaign(40, 20_260_213, tmp_path)
    assert [] == tally.violations
    assert tally.killed >= 35
    assert tally.acknowledged > 0


def test_the_next_run_finishes_what_a_killed_one_left(tmp_path: Path) -> None:
    """Four runs of the main job are killed; each next one exits 0 with nothing pending and every checksum right."""
    tally = commands.campaign(4, 20_260_213, tmp_path)
    assert [] == tally.violations
    assert (4, True) == (tally.rounds, tally.passed)


def test_a_killed_import_leaves_whole_appends_and_the_next_one_completes_it(tmp_path: Path) -> None:
    """Twelve imports are killed; what each leaves is a beginning of what one that nobody disturbs leaves."""
    tally = imports.campaign(12, 20_261_130, tmp_path)
    assert [] == tally.violations
    assert tally.killed >= 6


@pytest.mark.parametrize(("what", "rounds"), [("publish", 8), ("stamp", 12)])
def test_signers_are_killed(tmp_path: Path, what: str, rounds: int) -> None:
    """One history alone is published, whole, and stamps date what they lie beside; the next call finishes.

    In a process of its own: the client of an object store that was used once does not survive a fork.
    """
    pytest.importorskip("obstore")
    if what == "stamp" and timestamp_authority.MISSING is not None:
        pytest.skip(timestamp_authority.MISSING)
    args = ("--what", what, "--rounds", str(rounds), "--seed", "20261130", "--json", str(tmp_path / "tally"))
    done = subprocess.run([sys.executable, "-m", "tests.kills", *args], check=False, capture_output=True, text=True)
    assert 0 == done.returncode, done.stderr
    tally = msgspec.json.decode((tmp_path / "tally").read_bytes(), type=Tally)
    assert (True, True, []) == (tally.killed >= rounds, tally.checkpoints > 0, tally.violations)
