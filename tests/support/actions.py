"""Canonical corporate actions in few words, amounts in millionths of a real."""

from datetime import date

from ledger.events import AMOUNTS_PER_MICRO
from ledger.values import Action, ActionKind


def paid(day: date, micros: int, kind: ActionKind = "dividend") -> Action:
    """Return a payment of `micros` per share."""
    return Action(day, kind, micros * AMOUNTS_PER_MICRO, None, None, "BRL")


def parted(day: date, numerator: int, denominator: int) -> Action:
    """Return a split of `denominator` shares into `numerator`."""
    return Action(day, "split", None, numerator, denominator, "BRL")
