"""docs/validation.md is what the registry says."""

import runpy

from ledger.ingest.rules.catalogue import RULES
from tests.support.cli import REPOSITORY

SCRIPT = runpy.run_path(str(REPOSITORY / "scripts" / "make_rules_docs.py"))


def test_the_page_is_current() -> None:
    """Run `python scripts/make_rules_docs.py` after changing a rule."""
    current = SCRIPT["PAGE"].read_text("utf-8")
    assert SCRIPT["page"](current) == current


def test_every_rule_has_a_line() -> None:
    """Once for each severity."""
    page = SCRIPT["PAGE"].read_text("utf-8")
    assert [1] * len(RULES) == [page.count(f"| `{rule.id}` | {rule.severity} |") for rule in RULES]
