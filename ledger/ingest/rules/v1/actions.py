"""Corporate actions as rules version 1 reads them, and what its rule EVENT finds in them. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Self

import msgspec

from ledger.events import AMOUNTS_PER_MICRO
from ledger.ingest.rules.v1 import catalogue
from ledger.market.price import price_micros, price_text, split_ratio
from ledger.values import Action, ActionKind, Bar, Finding, RawAction, Window


class Action1(msgspec.Struct, frozen=True):
    """An action in its terms: `amount` in millionths of a real (else 0), shares after and before (else 1 and 1)."""

    date: date
    kind: ActionKind
    amount: int
    numerator: int
    denominator: int

    @classmethod
    def of(cls, action: Action) -> Self:
        """Return the action that was lifted into the terms of the next version."""
        amount = (action.amount or 0) // AMOUNTS_PER_MICRO
        return cls(action.ex_date, action.kind, amount, action.numerator or 1, action.denominator or 1)

    def lifted(self) -> Action:
        """Return the action in the terms of the next version."""
        if self.kind == "split":
            return Action(self.date, self.kind, None, self.numerator, self.denominator, catalogue.CURRENCY)
        return Action(self.date, self.kind, self.amount * AMOUNTS_PER_MICRO, None, None, catalogue.CURRENCY)


def canonical(raw: RawAction) -> Action1 | None:
    """Return the action in exact terms, None where its value is no amount or no ratio."""
    try:
        if raw.kind == "split":
            return Action1(raw.date, raw.kind, 0, *split_ratio(raw.value))
        return Action1(raw.date, raw.kind, price_micros(raw.value), 1, 1)
    except ValueError:
        return None


def within(raws: Sequence[RawAction], window: Window) -> tuple[Action1, ...]:
    """Return the readable actions dated inside `window`, each once, oldest first."""
    inside = (canonical(raw) for raw in raws if window.start <= raw.date <= window.end)
    return tuple(sorted({action for action in inside if action is not None}, key=_order))


def merged(answered: Sequence[Action1], held: Sequence[Action1]) -> tuple[Action1, ...]:
    """Return the actions of both, each once, oldest first."""
    return tuple(sorted({*answered, *held}, key=_order))


def between(actions: Sequence[Action1], *, after: date, until: date) -> tuple[Action1, ...]:
    """Return the actions dated later than `after`, `until` at the latest: those that a step may be due to."""
    return tuple(action for action in actions if after < action.date <= until)


def findings(raws: Sequence[RawAction], held: Sequence[Action1], bars: Sequence[Bar]) -> Iterator[Finding]:
    """Yield what EVENT says of each action that is not held already.

    `bars` are the series as it will stand, oldest first, to know the previous close. O(actions x sessions).
    """
    known = merged([action for raw in raws if (action := canonical(raw))], held)
    for raw in raws:
        action = canonical(raw)
        if action is None:
            yield _finding(raw.date, f"got {raw.kind} {raw.value}, want one that can be held; left out")
        elif action in held:
            continue
        elif action.kind != "split":
            yield from _payment_findings(action, known, bars)
        elif action.numerator == action.denominator:
            yield _finding(action.date, "got split ratio 1, want another")


def _payment_findings(action: Action1, known: Sequence[Action1], bars: Sequence[Bar]) -> Iterator[Finding]:
    text = f"got {action.kind} {price_text(action.amount)}"
    if action.amount <= 0:
        yield _finding(action.date, f"{text}, want above 0")
    if action.kind != "dividend":
        return
    previous = next((bar for bar in reversed(bars) if bar.date < action.date), None)
    if previous is not None and action.amount > catalogue.DIVIDEND_FRACTION_MAX * previous.close:
        yield _finding(
            action.date, f"{text}, want at most {catalogue.DIVIDEND_FRACTION_MAX:.0%} of {price_text(previous.close)}"
        )
    for other in known:
        alike = other.kind == action.kind and other.amount == action.amount
        if alike and 0 < (action.date - other.date).days <= catalogue.DIVIDEND_APART_DAYS:
            yield _finding(action.date, f"{text} as on {other.date}, want {catalogue.DIVIDEND_APART_DAYS} days between")


def _finding(day: date, detail: str) -> Finding:
    return Finding(catalogue.EVENT, day, detail)


def _order(action: Action1) -> tuple[date, str, int]:
    return action.date, action.kind, action.amount
