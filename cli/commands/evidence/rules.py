"""`main rules`: what every bar is held to."""

import click
import msgspec

from cli.app import output
from cli.app.exit_codes import Exit
from cli.app.output import Style
from ledger.ingest.rules.catalogue import RULES, RULES_VERSION, Rule, Severity

EFFECTS: dict[Severity, str] = {
    "R": "rejects the row",
    "Q": "accepts the row with a flag",
    "W": "warns",
    "B": "rejects the whole answer",
}


class RuleRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rule at one severity; `threshold` is the number in `text` that draws the line."""

    id: str
    severity: str
    effect: str
    text: str
    threshold: float | None
    rules_version: int


@click.command(
    epilog="""\b
Examples:
  main rules
  main rules --format json

\b
Exit codes: 0 printed.
"""
)
@output.style_options
def rules(style: Style) -> int:
    """Print the rules that every answer is judged by, with their thresholds.

    R rejects the row, Q accepts it with a flag, W warns, B rejects the whole answer.
    """
    output.show(map(row, RULES), style, text=text)
    return Exit.OK


def row(rule: Rule) -> RuleRow:
    """Return `rule` as it is printed."""
    return RuleRow(
        id=rule.id,
        severity=rule.severity,
        effect=EFFECTS[rule.severity],
        text=rule.text,
        threshold=rule.threshold,
        rules_version=RULES_VERSION,
    )


def text(one: RuleRow) -> str:
    """Return the rule on one line."""
    line = "" if one.threshold is None else f"{one.threshold:g}"
    return f"{one.id:<14} {one.severity} {line:>6}  {one.text}"
