"""Write the tables of docs/validation.md from the registry of rules: `python scripts/make_rules_docs.py`."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
if str(REPOSITORY) not in sys.path:
    sys.path.insert(0, str(REPOSITORY))

from cli.commands.evidence.rules import EFFECTS  # noqa: E402 - the repository is on the path only now
from ledger.ingest.rules.catalogue import RULES, RULES_VERSION, Rule  # noqa: E402 - the same
from scripts.generated import renewed  # noqa: E402 - the same

PAGE = REPOSITORY / "docs" / "validation.md"


def page(current: str) -> str:
    """Return the page `current` with its tables made anew."""
    return renewed(current, "registry", tables())


def tables() -> str:
    """Return what the severities do, and every rule, as Markdown."""
    effects = "".join(f"| **{severity}** | {effect} |\n" for severity, effect in EFFECTS.items())
    rules = "".join(map(_line, RULES))
    return (
        f"| severity | what it does |\n|---|---|\n{effects}\n"
        f"### Rules, version {RULES_VERSION}\n\n| id | severity | threshold | says |\n|---|---|---|---|\n{rules}"
    )


def _line(rule: Rule) -> str:
    threshold = "" if rule.threshold is None else f"{rule.threshold:g}"
    return f"| `{rule.id}` | {rule.severity} | {threshold} | {rule.text} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), encoding="utf-8")
