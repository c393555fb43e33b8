"""Corporate actions: read exactly, and held to rule EVENT. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from ledger.events import AMOUNTS_PER_MICRO
from ledger.ingest.rules import catalogue
from ledger.market.price import amount_exact, amount_text, price_text, split_ratio
from ledger.values import Action, ActionKind, Bar, Finding, RawAction, Window

CURRENCY = "BRL"
SAME_AMOUNT = 1_000_000  # amounts that differ by less than one part in so many are one amount


def canonical(raw: RawAction) -> Action | None:
    """Return the action in exact terms, None where its value is no amount or no ratio."""
    try:
        if raw.kind == "split":
            return Action(raw.date, raw.kind, None, *split_ratio(raw.value), CURRENCY)
        return Action(raw.date, raw.kind, amount_exact(raw.value), None, None, CURRENCY)
    except ValueError:
        return None


def within(raws: Sequence[RawAction], window: Window, held: Sequence[Action] = ()) -> tuple[Action, ...]:
    """Return the readable actions dated inside `window`, oldest first, equal ones as often as they came.

    One that repeats a `held` one, but for the last digits of a float, is the held one.
    """
    left, found = list(held), []
    for raw in raws:
        action = canonical(raw)
        if action is not None and window.start <= raw.date <= window.end:
            repeated = next((one for one in left if _repeats(action, one)), None)
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


def between(actions: Sequence[Action], *, after: date, until: date) -> tuple[Action, ...]:
    """Return the actions dated later than `after`, `until` at the latest: those that a step may be due to."""
    return tuple(action for action in actions if after < action.ex_date <= until)


@catalogue.applies(catalogue.EVENT)
def findings(
    raws: Sequence[RawAction], held: Sequence[Action], bars: Sequence[Bar], complete: Window | None = None
) -> Iterator[Finding]:
    """Yield what EVENT finds in each action that is not held already, and in each held one that the answer lacks.

    `bars` are the series as it will be, oldest first, to know the previous close. `complete` is the window for which
    the answer names every action; an action that is held and absent stays held. O(actions x sessions).
    """
    known = merged([action for raw in raws if (action := canonical(raw))], held)
    for raw in raws:
        action = canonical(raw)
        if action is None:
            detail = f"got {raw.kind} {raw.value}, want one that can be held; left out"
            yield Finding(catalogue.EVENT.id, raw.date, detail)
        elif not any(_repeats(action, one) for one in held):
            for fault in _faults(action, known, bars):
                yield Finding(catalogue.EVENT.id, raw.date, fault)
    named = {(raw.date, raw.kind) for raw in raws}
    for one in held:
        inside = complete is not None and complete.start <= one.ex_date <= complete.end
        if inside and _place(one) not in named:
            yield Finding(catalogue.EVENT.id, one.ex_date, f"got no {_text(one)}, want what is held; kept")


def _faults(action: Action, known: Sequence[Action], bars: Sequence[Bar]) -> Iterator[str]:
    if action.amount is None:
        if action.numerator == action.denominator:
            yield "got split ratio 1, want another"
        return
    text = f"got {_text(action)}"
    if action.amount <= 0:
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
        return (action.amount, action.numerator, action.denominator) == (held.amount, held.numerator, held.denominator)
    apart = abs(action.amount - held.amount)
    # An amount of the version before was rounded to a millionth of a real.
    rounded = held.amount % AMOUNTS_PER_MICRO == 0 and apart * 2 <= AMOUNTS_PER_MICRO
    return rounded or apart * SAME_AMOUNT <= abs(held.amount)


def _place(action: Action) -> tuple[date, ActionKind]:
    return action.ex_date, action.kind


def _text(action: Action) -> str:
    if action.amount is None:
        return f"{action.kind} {action.denominator} to {action.numerator}"
    return f"{action.kind} {amount_text(action.amount)}"


def _order(action: Action) -> tuple[date, str, int, int, int]:
    # Every field that may differ: two that compare alike would come in the order of a set, which differs per run.
    return action.ex_date, action.kind, action.amount or 0, action.numerator or 0, action.denominator or 0
