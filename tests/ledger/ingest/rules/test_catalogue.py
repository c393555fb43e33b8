"""The registry of rules."""

from ledger.ingest.rules.catalogue import RULES


def test_every_rule_of_the_house_stands_once_for_each_severity() -> None:
    """The ids and severities that decisions may carry; a rule more or less is a new version."""
    expected = [
        ("FUTURE", "R"),
        ("NOT_SESSION", "R"),
        ("NOT_SESSION", "W"),
        ("PARTIAL", "R"),
        ("DUPLICATE", "R"),
        ("OHLC_NAN", "R"),
        ("NONPOS", "R"),
        ("OHLC_ORDER", "R"),
        ("VOLUME", "R"),
        ("VOLUME", "Q"),
        ("VOLUME", "W"),
        ("GAP", "W"),
        ("STALE", "W"),
        ("JUMP", "Q"),
        ("SPLIT_SUSPECT", "Q"),
        ("UNIT_100X", "Q"),
        ("ADJ", "Q"),
        ("EVENT", "Q"),
        ("IDENTITY", "B"),
        ("EMPTY", "B"),
        ("THRESHOLD", "B"),
    ]
    assert expected == [(rule.id, rule.severity) for rule in RULES]


def test_thresholds_in_force() -> None:
    """The numbers of rules version 1."""
    expected = {"JUMP": 1.30, "SPLIT_SUSPECT": 1.05, "UNIT_100X": 100, "STALE": 3, "ADJ": 1.0001, "EVENT": 0.25}
    assert expected == {rule.id: rule.threshold for rule in RULES if rule.id in expected}
