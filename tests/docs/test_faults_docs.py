"""docs/validation.md has the tables of the quiet year and of the injected faults."""

import runpy

from tests.support.cli import REPOSITORY

SCRIPT = runpy.run_path(str(REPOSITORY / "scripts" / "make_faults_docs.py"))


def test_the_page_is_current() -> None:
    """Run `python scripts/make_faults_docs.py` after changing a fault, a walk or a rule."""
    current = SCRIPT["PAGE"].read_text("utf-8")
    assert SCRIPT["page"](current) == current
