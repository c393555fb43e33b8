"""docs/reliability.md names tests that exist."""

import ast
import re

import pytest

from tests.support.cli import REPOSITORY

PAGE = (REPOSITORY / "docs" / "reliability.md").read_text("utf-8")
SECTION = PAGE.partition("## Faults of use\n")[2].partition("\n## ")[0]
ROWS: list[tuple[str, str]] = re.findall(r"^\| (?!what was met|-)([^|]+) \| ([^|]+) \|$", SECTION, re.MULTILINE)


@pytest.mark.parametrize(("met", "shown_by"), ROWS, ids=[met[:40] for met, _ in ROWS])
def test_a_fault_of_use_is_shown_by_tests_that_are_there(met: str, shown_by: str) -> None:
    """By file and name, one at least."""
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", shown_by)
    assert len(named) == 1 + shown_by.count(", "), met
    for file, name in named:
        tree = ast.parse((REPOSITORY / file).read_text("utf-8"))
        assert name in {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}


def test_every_row_of_the_table_is_read() -> None:
    """A line that is none would be passed over."""
    assert len(ROWS) + 2 == SECTION.count("\n| ") + SECTION.startswith("| ") + SECTION.count("\n|-")
