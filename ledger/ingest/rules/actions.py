"""Corporate actions: read exactly, and held to rule EVENT. Pure."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import date

from ledger.events import AMOUNTS_PER_MICRO
from ledger.ingest.rules import catalogue
from ledger.ingest.rules.reading import Offer
from ledger.market.price import LIMIT_MICROS, amount_exact, amount_text, price_text
from ledger.values import Action, ActionKind, Bar, Basis, Finding, Window

CURRENCY = "BRL"
SIZED: frozenset[ActionKind] = frozenset({"split", "bonus", "grouping"})
WITHDRAWN = "withdrawn"  # the label of an action that says of its place that nothing is there, by a person's word
SAME_AMOUNT = 1_000_000  # amounts that differ by less than one part in so many are one amount


class UnheldActionError(ValueError):
    """An action cannot be held; the message says what was got and what is wanted."""


def canonical(offer: Offer) -> Action:
    """Return the action in exact terms, a ratio in the integers that were sent.

    Raises: UnheldActionError where its value is no amount or no ratio, or in another currency.
    """
    if offer.fault is not None or offer.date is None:
        raise UnheldActionError(f"{offer.fault or f'got {offer.kind} of no day'}, want one that can be held; left out")
    if offer.exact is not None:
        return offer.exact
    if offer.currency not in {None, CURRENCY}:
        text = f"got {offer.kind} {offer.amount} in {offer.currency}"
        raise UnheldActionError(f"{text}, want {CURRENCY}; not held")
    try:
        if offer.kind == "split":
            return Action(offer.date, offer.kind, None, *_ratio(offer.numerator, offer.denominator), CURRENCY)
        amount = math.nan if offer.amount is None else offer.amount
        return Action(offer.date, offer.kind, amount_exact(amount), None, None, CURRENCY)
    except (ValueError, OverflowError) as error:
        got = f"{offer.numerator}:{offer.denominator}" if offer.kind == "split" else offer.amount
        raise UnheldActionError(f"got {offer.kind} {got}, want one that can be held; left out") from error


def readable(offers: Iterable[Offer]) -> Iterator[Action]:
    """Yield the offers that can be held, in their order."""
    for offer in offers:
        with suppress(UnheldActionError):
            yield canonical(offer)


def within(offers: Iterable[Offer], window: Window, held: Sequence[Action] = ()) -> tuple[Action, ...]:
    """Return the readable actions dated inside `window`, oldest first, equal ones as often as they came.

    One that repeats a `held` one, but for the last digits of a float, is the held one.
    """
    left, found = list(held), []
    for offer in offers:
        try:
            action = canonical(offer)
        except UnheldActionError:
            continue
        if window.start <= action.ex_date <= window.end:
            # An exact one has no last digits to be forgiven: it is the held one, or a correction.
            repeated = next((one for one in left if offer.exact is None and _repeats(action, one)), None)
            if repeated is not None:
                left.remove(repeated)
            found.append(repeated or action)
    return tuple(sorted(found, key=_order))


def in_force(held: Iterable[Action], answered: Sequence[Action]) -> tuple[Action, ...]:
    """Return the actions that hold once `answered` are accepted, oldest first.

    The newest answer that names a kind of action on a day decides on it; what it does not name stays.
    """
    named = {_place(action) for action in answered}
    return tuple(sorted((*answered, *(one for one in held if _place(one) not in named)), key=_order))


def merged(answered: Sequence[Action], held: Sequence[Action]) -> tuple[Action, ...]:
    """Return the actions of both, each once, oldest first."""
    return tuple(sorted({*answered, *held}, key=_order))


def is_withdrawal(action: Action) -> bool:
    """Return whether the action says that nothing of its kind is on its day."""
    return action.label == WITHDRAWN and action.amount is None and action.numerator is None


def between(actions: Sequence[Action], *, after: date, until: date) -> tuple[Action, ...]:
    """Return the actions dated later than `after`, `until` at the latest: those that a step may be due to."""
    return tuple(action for action in actions if after < action.ex_date <= until)


def explained(close: int, known: Iterable[Action], basis: Basis) -> float:
    """Return what a `close` becomes on the next session by the `known` actions alone, each by its own size.

    Payments are per share as held before; a split-adjusted close has every split in it already. Payments that come to
    the whole close or more explain nothing.
    """
    known = tuple(known)
    paid = sum(max(action.amount or 0, 0) for action in known) / AMOUNTS_PER_MICRO
    expected = close - paid if paid < close else float(close)
    return expected / size(known) if basis == "as_traded" else expected


def size(known: Iterable[Action]) -> float:
    """Return how many shares one share becomes by the `known` actions: 2 for 2 to 1, 0.1 for a grouping of 10."""
    return math.prod(ratio[0] / ratio[1] for action in known if (ratio := _shares(action)))


def ratio_text(known: Iterable[Action]) -> str:
    """Return the ratios of the `known` actions that change the number of shares, old shares first."""
    return ", ".join(f"{ratio[1]} to {ratio[0]}" for action in known if (ratio := _shares(action)))


@catalogue.applies(catalogue.EVENT)
def findings(
    offers: Sequence[Offer], held: Sequence[Action], bars: Sequence[Bar], complete: Window | None = None
) -> Iterator[Finding]:
    """Yield what EVENT finds in each action that is not held already, and in each held one that the answer lacks.

    `bars` are the series as it will be, oldest first, to know the previous close. `complete` is the window for which
    the answer names every action; an action that is held and absent stays held. O(actions x sessions).
    """
    if not offers and not held:
        return
    known = merged(tuple(readable(offers)), held)
    for offer in offers:
        try:
            action = canonical(offer)
        except UnheldActionError as error:
            yield Finding(catalogue.EVENT.id, offer.date, str(error))
            continue
        if not any(_repeats(action, one) for one in held):
            for fault in _faults(action, known, bars):
                yield Finding(catalogue.EVENT.id, action.ex_date, fault)
    named = {(offer.date, offer.kind) for offer in offers}
    for one in held:
        inside = complete is not None and complete.start <= one.ex_date <= complete.end
        if inside and _place(one) not in named:
            yield Finding(catalogue.EVENT.id, one.ex_date, f"got no {_text(one)}, want what is held; kept")


def _faults(action: Action, known: Sequence[Action], bars: Sequence[Bar]) -> Iterator[str]:
    if action.amount is None:
        if action.kind in SIZED and action.numerator is not None and action.numerator == action.denominator:
            yield "got split ratio 1, want another"
        return
    text = f"got {_text(action)}"
    if action.amount < 0 or (action.amount == 0 and action.kind != "spin_off"):  # a person says it is worth nothing
        yield f"{text}, want above 0"
    if action.kind != "dividend":
        return
    previous = next((bar for bar in reversed(bars) if bar.date < action.ex_date), None)
    if previous is not None and action.amount > catalogue.DIVIDEND_FRACTION_MAX * previous.close * AMOUNTS_PER_MICRO:
        yield f"{text}, want at most {catalogue.DIVIDEND_FRACTION_MAX:.0%} of {price_text(previous.close)}"
    for other in known:
        alike = (other.kind, other.amount) == (action.kind, action.amount)
        if alike and 0 < (action.ex_date - other.ex_date).days <= catalogue.DIVIDEND_APART_DAYS:
            yield f"{text} as on {other.ex_date}, want {catalogue.DIVIDEND_APART_DAYS} days between"


def _repeats(action: Action, held: Action) -> bool:
    if _place(action) != _place(held) or action.currency != held.currency:
        return False
    if action.amount is None or held.amount is None:
        (new, old), (held_new, held_old) = ((one.numerator or 0, one.denominator or 0) for one in (action, held))
        return action.amount == held.amount and new * held_old == old * held_new
    apart = abs(action.amount - held.amount)
    # An amount of the version before was rounded to a millionth of a real.
    rounded = held.amount % AMOUNTS_PER_MICRO == 0 and apart * 2 <= AMOUNTS_PER_MICRO
    return rounded or apart * SAME_AMOUNT <= abs(held.amount)


def _place(action: Action) -> tuple[date, ActionKind]:
    return action.ex_date, action.kind


def _ratio(numerator: float | None, denominator: float | None) -> tuple[int, int]:
    """Return Yahoo's integers as they are, and decimals in lowest terms."""
    if numerator is None or denominator is None:
        raise ValueError("got half a ratio")
    new, old = numerator, denominator
    if new != int(new) or old != int(old):
        # Importing fractions costs more than everything else here together, and such splits are rare.
        from fractions import Fraction

        new, old = (Fraction(repr(new)) / Fraction(repr(old))).as_integer_ratio()
    if not (0 < new < LIMIT_MICROS and 0 < old < LIMIT_MICROS):
        raise ValueError("got a ratio out of range")
    return int(new), int(old)


def _shares(action: Action) -> tuple[int, int] | None:
    """Return new and old shares, None for an action that leaves their number alone."""
    if action.kind in SIZED and action.numerator and action.denominator:
        return action.numerator, action.denominator
    return None


def _text(action: Action) -> str:
    if action.amount is None:
        ratio = f"{action.denominator} to {action.numerator}" if action.numerator else action.label or "of no size"
        return f"{action.kind} {ratio}"
    return f"{action.kind} {amount_text(action.amount)}"


def _order(action: Action) -> tuple[date | str | int, ...]:
    # Every field that may differ: two that compare alike would come in the order of a set, which differs per run.
    size = action.amount or 0, action.numerator or 0, action.denominator or 0, action.strike or 0
    days = action.com_date or date.min, action.pay_date or date.min
    return action.ex_date, action.kind, *size, *days, action.isin or "", action.label or "", action.currency
