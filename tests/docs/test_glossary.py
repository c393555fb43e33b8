"""docs/glossary.md gives each word one meaning, where one looks for it."""

import re
from typing import get_args

from ledger.audit.verify import VerifyVerdict
from ledger.ingest.rules.catalogue import Severity
from projections.queries.revisions import Cause
from tests.support.cli import REPOSITORY

PAGE = (REPOSITORY / "docs" / "glossary.md").read_text("utf-8")
ROWS: dict[str, str] = dict(re.findall(r"^\| \*\*(.+)\*\* \| (.+) \|$", PAGE, re.MULTILINE))


def test_words_stand_in_order_and_once() -> None:
    """Every row of the table is one."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    assert ["| word | meaning |", *(f"| **{word}** | {ROWS[word]} |" for word in sorted(ROWS))] == lines


def test_every_verdict_of_verification_is_explained() -> None:
    """In the words that the command prints."""
    assert set() == {verdict.replace("_", " ") for verdict in get_args(VerifyVerdict)} - set(ROWS)


def test_every_cause_and_severity_is_named() -> None:
    """Where their own words are explained."""
    assert [] == [cause for cause in get_args(Cause) if f"`{cause}`" not in ROWS["revision cause"]]
    assert [] == [severity for severity in get_args(Severity) if f"({severity})" not in ROWS["severity"]]
