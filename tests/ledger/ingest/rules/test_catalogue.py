"""The registry of rules, and the functions that apply them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.ingest.rules import catalogue, judge
from ledger.ingest.rules.catalogue import APPLIED_BY, RULES, Rule, applies
from ledger.ingest.rules.v1 import catalogue as v1
from tests.support.cli import REPOSITORY

FROZEN = REPOSITORY / "ledger" / "ingest" / "rules" / "v1"
FINDS_NOTHING = {catalogue.PARTIAL, catalogue.EMPTY}  # a day left for later; a fetch that failed


def functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Yield the functions of a module of the product, each under its module's and its own name."""
    module = ".".join(path.relative_to(REPOSITORY).with_suffix("").parts)
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            yield f"{module}.{node.name}", node


def rules_named(function: ast.FunctionDef) -> set[Rule]:
    """Return the rules that the body of a function names."""
    names = {
        node.attr
        for line in function.body
        for node in ast.walk(line)
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "catalogue"
    }
    return {rule for name in names if isinstance(rule := getattr(catalogue, name), Rule)}


def rules_applied() -> dict[str, set[Rule]]:
    """Return the rules that each function is tied to."""
    applied: dict[str, set[Rule]] = {}
    for rule, function in APPLIED_BY.items():
        applied.setdefault(f"{function.__module__}.{function.__name__}", set()).add(rule)
    return applied


def findings_made(node: ast.AST) -> list[ast.Call]:
    """Return the places below `node` that make a finding."""
    calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
    return [call for call in calls if ast.unparse(call.func).split(".")[-1] == "Finding"]


def test_every_rule_is_applied_by_one_function() -> None:
    """The judgement's modules tie each of them as they are imported."""
    assert judge.judge
    assert set(RULES) == set(APPLIED_BY)


def test_a_function_names_the_rules_that_it_is_tied_to_and_no_others() -> None:
    """So what is tied is what is found; a rule that is named elsewhere is applied twice."""
    named = {
        name: rules_named(function)
        for path in sorted((REPOSITORY / "ledger" / "ingest" / "rules").glob("*.py"))
        for name, function in functions(path)
    }
    finding = {name: rules - FINDS_NOTHING for name, rules in rules_applied().items()}
    assert {name: rules for name, rules in finding.items() if rules} == {
        name: rules for name, rules in named.items() if rules
    }


def test_a_finding_is_made_by_a_function_that_applies_a_rule_with_an_id_of_the_registry() -> None:
    """No other place of the product makes one, so every id that is stored is one of the registry's.

    A frozen judge has the ids of its own version, all of them known today, and nothing that is stored is made by it.
    """
    made, allowed = 0, 0
    for path in (path for package in ("ledger", "projections", "cli") for path in (REPOSITORY / package).rglob("*.py")):
        if path.is_relative_to(FROZEN):
            continue
        made += len(findings_made(ast.parse(path.read_text("utf-8"))))
        for name, function in functions(path):
            calls = findings_made(function) if name in rules_applied() else []
            allowed += sum(ast.unparse(call.args[0]).endswith(".id") for call in calls)
    assert made == allowed > 0
    texts = {value for value in vars(v1).values() if isinstance(value, str) and value.isupper()}
    assert texts - {v1.CURRENCY, v1.EXCHANGE} <= {rule.id for rule in RULES}


def test_a_rule_cannot_be_tied_twice() -> None:
    """Two functions that apply one rule would find it twice, or one of them never."""
    with pytest.raises(ValueError, match="got GAP applied by other and gaps, want one function"):

        @applies(catalogue.GAP)
        def other() -> None: ...


def test_every_rule_of_the_house_stands_once_for_each_severity() -> None:
    """The ids and severities that decisions may carry; a rule more or less is a new version."""
    expected = [
        ("FUTURE", "R"),
        ("NOT_SESSION", "R"),
        ("NOT_SESSION", "W"),
        ("PARTIAL", "R"),
        ("WINDOW", "R"),
        ("DUPLICATE", "R"),
        ("DUPLICATE", "Q"),
        ("OHLC_NAN", "R"),
        ("NONPOS", "R"),
        ("OHLC_ORDER", "R"),
        ("VOLUME", "R"),
        ("VOLUME", "Q"),
        ("VOLUME", "W"),
        ("GAP", "W"),
        ("STALE", "Q"),
        ("STALE", "W"),
        ("JUMP", "Q"),
        ("RANGE", "Q"),
        ("SPLIT_SUSPECT", "Q"),
        ("UNIT_100X", "Q"),
        ("ADJ", "Q"),
        ("EVENT", "Q"),
        ("REWRITTEN", "Q"),
        ("IDENTITY", "B"),
        ("IDENTITY", "R"),
        ("EMPTY", "B"),
        ("THRESHOLD", "B"),
    ]
    assert expected == [(rule.id, rule.severity) for rule in RULES]


def test_thresholds_in_force() -> None:
    """The numbers of rules version 2."""
    expected = {"JUMP": 1.30, "SPLIT_SUSPECT": 1.05, "UNIT_100X": 100, "STALE": 3, "ADJ": 1.0001, "EVENT": 0.25}
    assert expected == {rule.id: rule.threshold for rule in RULES if rule.id in expected}
