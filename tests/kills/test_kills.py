"""The short form of the kills, in every run of the suite; the long form is `python -m tests.kills`."""

from pathlib import Path

from tests.kills import appends, commands, imports


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
