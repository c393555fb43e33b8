"""Corporate actions as their witnesses tell of them: whose value counts, and what is in doubt. Pure and exact.

Witnesses are the providers that tell of actions, in an order of preference, the steps of the exchange's own count of
changes of rights, and what the price did. Actions are compared as they were traded, per share of the day before, day by
day and family by family: payments of one day are one payment, splits, bonuses and groupings of one day one ratio. Of a
family the first provider that names it on the day is believed whole; a person's word that nothing of a kind is there
takes it from all the others.

Source: docs/validation.md, "Witnesses of an action".
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import prod
from typing import Literal

import msgspec
from msgspec.structs import replace

from ledger.events import AMOUNTS_PER_MICRO
from ledger.ingest.rules.actions import is_withdrawal
from ledger.market.price import price_text
from ledger.values import Action, ActionKind
from projections.actions.tape import NO_TAPE, Tape

ActionFamily = Literal["cash", "shares", "subscription", "delivery", "unnamed"]
WitnessState = Literal["agreed", "single", "differs", "unsized"]
FAMILIES: dict[ActionKind, ActionFamily] = {
    "dividend": "cash",
    "interest_on_capital": "cash",
    "income": "cash",
    "amortization": "cash",
    "capital_gain": "cash",
    "split": "shares",
    "bonus": "shares",
    "grouping": "shares",
    "subscription": "subscription",
    "spin_off": "delivery",
    "redemption": "delivery",
}
WHOLE = Fraction(1)
SAME_SIZE = Fraction(1, 10_000)  # what sizes may be apart, of the larger one, and still be one size
SAME_AMOUNT = 1_000_000  # 10^-12: a millionth of a real, to which a provider may round
APART = timedelta(days=5)  # how far two days may be apart and still be one action's
ONE_MICRO = Fraction(1)
JUMP = Fraction(13, 10)  # a ratio from which on the price tells whether it happened

Size = tuple[Fraction, Fraction]  # an amount and a ratio, or a ratio and a strike


class ToldActions(msgspec.Struct, frozen=True, kw_only=True):
    """What one provider tells, as it was traded; `withdraws` is whether its word counts against the others'.

    `closes` are those that it gives for last days with a right, to be held against the exchange's own.
    Where `splits_alone` it has no word for paper that is delivered, and may call that a split.
    """

    provider: str
    actions: tuple[Action, ...]
    withdraws: bool = False
    splits_alone: bool = False
    closes: Mapping[date, frozenset[int]] = {}


class WitnessedAction(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of one family on one day: `actions` are those that count, `provider`'s; `told` all that was said.

    `reason` says what is in doubt; None where nothing is. It `is_settled` where a person's word counts, and all that is
    in doubt is that others have another.
    """

    ex_date: date
    family: ActionFamily
    state: WitnessState
    provider: str | None
    actions: tuple[Action, ...]
    told: dict[str, tuple[Action, ...]]
    reason: str | None = None
    is_settled: bool = False

    @property
    def is_open(self) -> bool:
        """Whether somebody has to look into it still."""
        return self.state in {"differs", "unsized"} and not self.is_settled

    @property
    def named(self) -> str:
        """What it is and of which day, as a line on it says: by the label that it came with, where it has one."""
        labels = (one.label for actions in self.told.values() for one in actions if one.label)
        family = "a change of rights that nobody names," if self.family == "unnamed" else self.family
        return f"{next(labels, family)} of {self.ex_date}"


class DisputeCount(msgspec.Struct, frozen=True):
    """How many actions somebody has to look into still: told in two ways, or of no known size."""

    differs: int = 0
    unsized: int = 0

    @property
    def reason(self) -> str | None:
        """What is in doubt, in words; None where nothing is."""
        if not self.differs + self.unsized:
            return None
        found = f"got {self.differs + self.unsized} corporate actions in doubt"
        return f"{found} ({self.differs} told in two ways, {self.unsized} of no known size), want none"

    def __add__(self, other: "DisputeCount") -> "DisputeCount":
        return DisputeCount(self.differs + other.differs, self.unsized + other.unsized)


def witnessed(told: Sequence[ToldActions], tape: Tape = NO_TAPE) -> list[WitnessedAction]:
    """Return every day and family that somebody names, by day; `told` are the witnesses, the best one first.

    O(n log n) in actions, and a search of the tape for each.
    """
    found = _named(told)
    _joined(found, [one.provider for one in told])
    rows = [_judged(key, by_provider, told, found, tape) for key, by_provider in sorted(found.items())]
    rows += _unnamed(sorted({row.ex_date for row in rows}), tape)
    return sorted(rows, key=lambda row: (row.ex_date, row.family))


def counted(rows: Sequence[WitnessedAction]) -> tuple[Action, ...]:
    """Return the actions that count, by day."""
    return tuple(action for row in rows for action in row.actions)


def ratio(actions: Sequence[Action]) -> Fraction:
    """Return how many shares one becomes by all of `actions` together."""
    sides = ((one.numerator, one.denominator) for one in actions if FAMILIES[one.kind] == "shares")
    return prod((Fraction(new, old) for new, old in sides if new and old), start=WHOLE)


def size(actions: Sequence[Action]) -> Size | None:
    """Return the size of one family's actions of one day, None where nobody says what it is."""
    family = FAMILIES[actions[0].kind]
    if family == "shares":
        known = all(one.numerator and one.denominator for one in actions)
        return (ratio(actions), WHOLE) if known else None
    if family == "subscription":
        if any(not one.numerator or not one.denominator or one.strike is None for one in actions):
            return None
        rights = [(Fraction(one.numerator or 0, one.denominator or 1), one.strike or 0) for one in actions]
        return sum((new for new, _ in rights), Fraction(0)), sum((new * strike for new, strike in rights), Fraction(0))
    if any(one.amount is None for one in actions):
        return None
    return Fraction(sum(one.amount or 0 for one in actions)), WHOLE


_Key = tuple[date, ActionFamily]


def _named(told: Sequence[ToldActions]) -> dict[_Key, dict[str, tuple[Action, ...]]]:
    """Return what each provider names, by day and family, less what a person says is not there."""
    gone = {
        (one.ex_date, one.kind)
        for witness in told
        if witness.withdraws
        for one in witness.actions
        if is_withdrawal(one)
    }
    found: dict[_Key, dict[str, tuple[Action, ...]]] = defaultdict(dict)
    for witness in told:
        for one in witness.actions:
            if is_withdrawal(one) or ((one.ex_date, one.kind) in gone and not witness.withdraws):
                continue
            by_provider = found[one.ex_date, FAMILIES[one.kind]]
            by_provider[witness.provider] = (*by_provider.get(witness.provider, ()), one)
    return found


def _joined(found: dict[_Key, dict[str, tuple[Action, ...]]], order: Sequence[str]) -> None:
    """Bring what one provider dates a few days off beside what a better one says, where it is the same size."""
    for key in sorted(found):
        day, family = key
        for provider in list(found[key]):
            own = size(found[key][provider])
            if own is None or any(order.index(other) < order.index(provider) for other in found[key]):
                continue
            near = (
                other
                for other in sorted(found, key=lambda one: abs(one[0] - day))
                if other[1] == family and 0 < abs((other[0] - day).days) <= APART.days and provider not in found[other]
            )
            for other in near:
                better = [name for name in found[other] if order.index(name) < order.index(provider)]
                if any((theirs := size(found[other][name])) and _same(own, theirs) for name in better):
                    found[other][provider] = found[key].pop(provider)
                    break
    for key in [key for key, by_provider in found.items() if not by_provider]:
        del found[key]


def _judged(
    key: _Key,
    by_provider: dict[str, tuple[Action, ...]],
    told: Sequence[ToldActions],
    found: Mapping[_Key, Mapping[str, tuple[Action, ...]]],
    tape: Tape,
) -> WitnessedAction:
    day, family = key
    delivered = found.get((day, "delivery"), {}).keys() if family == "shares" else ()
    mistaken = {one.provider for one in told if one.splits_alone and delivered and one.provider not in delivered}
    named = [one.provider for one in told if one.provider in by_provider]
    provider = next((name for name in named if name not in mistaken), named[0])
    actions = by_provider[provider]
    row = WitnessedAction(
        ex_date=day, family=family, state="single", provider=provider, actions=actions, told=dict(by_provider)
    )
    if provider in mistaken:
        # Paper was delivered, and somebody who has no word for it calls it a split.
        reason = f"{provider} calls what was delivered a split"
        return replace(row, state="differs", provider=None, actions=(), reason=reason)
    own = size(actions)
    if own is None:
        return replace(row, state="unsized", reason=f"{provider} names it and no size of it")
    by_others, by_tape = list(_by_others(row, own)), list(_by_tape(row, own, tape, told))
    if family == "cash" and not any((day, other) in found for other in ("shares", "subscription", "delivery")):
        by_tape += _more_than_paid(day, own[0], tape)
    doubts = [*by_others, *by_tape]
    others = [theirs for one in by_provider.values() if (theirs := size(one)) is not None]
    state: WitnessState = "differs" if doubts else "agreed" if len(others) > 1 else "single"
    decided = any(one.withdraws and one.provider == provider for one in told)
    return replace(row, state=state, reason="; ".join(doubts) or None, is_settled=bool(decided and not by_tape))


def _by_others(row: WitnessedAction, own: Size) -> Iterator[str]:
    for name, actions in row.told.items():
        theirs = size(actions)
        if theirs is not None and not _same(own, theirs):
            yield f"{name} has another size"
        if actions[0].ex_date != row.ex_date:
            yield f"{name} has it on {actions[0].ex_date}"


def _by_tape(row: WitnessedAction, own: Size, tape: Tape, told: Sequence[ToldActions]) -> Iterator[str]:
    for one in told:
        for com_date in sorted({action.com_date for action in row.told.get(one.provider, ()) if action.com_date}):
            bar, closes = tape.bars.get(com_date), one.closes.get(com_date, ())
            if bar is not None and (other := [close for close in closes if abs(close - bar.close) > 1]):
                listed, traded = price_text(other[0]), price_text(bar.close)
                yield f"{one.provider} has a close of {listed} on {com_date}, the exchange's prices {traded}"
    if tape.denies(row.ex_date):
        yield "no right changed on that day, by the exchange's count"
    days, at = tape.days, bisect_left(tape.days, row.ex_date)
    if row.family == "shares" and max(own[0], 1 / own[0]) >= JUMP and 0 < at < len(days):
        before, after = tape.bars[days[at - 1]].close, tape.bars[days[at]].close
        parted, whole = after * own[0] / before, Fraction(after, before)
        if max(parted, 1 / parted) > max(whole, 1 / whole):
            yield "the price did not move by it"


def _more_than_paid(day: date, paid: Fraction, tape: Tape) -> Iterator[str]:
    """Yield a doubt where the price moved as no payment moves it: a split of the same day may be missing."""
    at = bisect_left(tape.days, day)
    if 0 < at < len(tape.days):
        before, after = (tape.bars[tape.days[number]].close for number in (at - 1, at))
        apart = after / max(before - paid / AMOUNTS_PER_MICRO, ONE_MICRO)
        if max(apart, 1 / apart) >= JUMP:
            yield "the price moved by far more than what was paid"


def _unnamed(named: Sequence[date], tape: Tape) -> Iterator[WitnessedAction]:
    """Yield an action of no size for each change of rights that no day `named` explains; they come in order."""
    for step in tape.steps():
        explained = bisect_right(named, step.day) - bisect_right(named, step.before)
        if explained < step.days_apart():
            times = "a right changed" if step.changes == 1 else f"rights changed {step.changes} times"
            when = "on that day" if step.is_dated else f"after {step.before}"
            named_by = "nobody names it" if not explained else f"{explained} of them named"
            yield WitnessedAction(
                ex_date=step.day,
                family="unnamed",
                state="unsized",
                provider=None,
                actions=(),
                told={},
                reason=f"{times} {when}, by the exchange's count, and {named_by}",
            )


def _same(one: Size, other: Size) -> bool:
    # Amounts are counted in 10^-12, and no ratio is a million.
    if min(one[0], other[0]) > SAME_AMOUNT and abs(one[0] - other[0]) <= SAME_AMOUNT:
        return one[1] == other[1]
    return all(abs(a - b) <= SAME_SIZE * max(abs(a), abs(b)) for a, b in zip(one, other, strict=True))
