"""The registry as it is printed."""

from pathlib import Path

from ledger.ingest.rules.catalogue import RULES
from tests.support.cli import run_main


def test_every_rule_is_printed_in_the_order_of_the_registry(tmp_path: Path) -> None:
    """In JSON with its threshold and its effect, in text a line a rule; no ledger is needed."""
    result, lines = (
        run_main("rules", "--format", "json", cwd=tmp_path),
        run_main("rules", cwd=tmp_path).out.splitlines(),
    )
    assert 0 == result.code
    assert [(rule.id, rule.severity, rule.threshold, rule.text) for rule in RULES] == [
        (row["id"], row["severity"], row["threshold"], row["text"]) for row in result.lines()
    ]
    assert [(rule.id, rule.severity) for rule in RULES] == [tuple(line.split()[:2]) for line in lines]
    jump = next(row for row in result.lines() if row["id"] == "JUMP")
    assert ("accepts the row with a flag", 1.3, 2) == (jump["effect"], jump["threshold"], jump["rules_version"])
