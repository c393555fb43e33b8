"""A fixed seed of each part in every run; the whole is `python -m tests.fuzz --full`."""

import pytest

from tests.fuzz.__main__ import PARTS, run

SEED = 20261129


@pytest.mark.parametrize("part", PARTS)
def test_junk_is_refused_or_read_and_nothing_else(part: str) -> None:
    """Exit codes 0 to 3, one error line, no traceback, the ledger intact; readers raise what they say they raise."""
    tally = run(part, SEED, PARTS[part])
    assert [] == tally.violations
    assert tally.passed


def test_most_command_lines_get_past_the_parser() -> None:
    """Else the parser alone would be tried."""
    counts = run("commands", SEED, PARTS["commands"]).counts
    assert counts["past the parser"] >= 0.6 * PARTS["commands"]
