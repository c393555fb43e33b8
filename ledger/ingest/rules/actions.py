"""Corporate actions: read exactly, and held to rule EVENT. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date

from ledger.events import Action, Bar, Finding, RawAction, Window
from ledger.ingest.rules import catalogue
from ledger.market.price import price_micros, price_text, split_ratio


def canonical(raw: RawAction) -> Action | None:
    """Return the action in exact terms, None where its value is no amount or no ratio."""
    try:
        if raw.kind == "split":
            return Action(raw.date, raw.kind, 0, *split_ratio(raw.value))
        return Action(raw.date, raw.kind, price_micros(raw.value), 1, 1)
    except ValueError:
        return None


def within(raws: Sequence[RawAction], window: Window) -> tuple[Action, ...]:
    """Return the readable actions dated inside `window`, each once, oldest first."""
    inside = (canonical(raw) for raw in raws if window.start <= raw.date <= window.end)
    return tuple(sorted({action for action in inside if action is not None}, key=_order))


def merged(answered: Sequence[Action], held: Sequence[Action]) -> tuple[Action, ...]:
    """Return the actions of both, each once, oldest first."""
    return tuple(sorted({*answered, *held}, key=_order))


def between(actions: Sequence[Action], *, after: date, until: date) -> tuple[Action, ...]:
    """Return the actions dated later than `after`, `until` at the latest: those that a step may be due to."""
    return tuple(action for action in actions if after < action.date <= until)


@catalogue.applies(catalogue.EVENT)
def findings(raws: Sequence[RawAction], held: Sequence[Action], bars: Sequence[Bar]) -> Iterator[Finding]:
    """Yield what EVENT finds in each action that is not held already.

    `bars` are the series as it will be, oldest first, to know the previous close. O(actions x sessions).
    """
    known = merged([action for raw in raws if (action := canonical(raw))], held)
    for raw in raws:
        action = canonical(raw)
        if action is None:
            detail = f"got {raw.kind} {raw.value}, want one that can be held; left out"
            yield Finding(catalogue.EVENT.id, raw.date, detail)
        elif action not in held:
            for fault in _faults(action, known, bars):
                yield Finding(catalogue.EVENT.id, raw.date, fault)


def _faults(action: Action, known: Sequence[Action], bars: Sequence[Bar]) -> Iterator[str]:
    if action.kind == "split":
        if action.numerator == action.denominator:
            yield "got split ratio 1, want another"
        return
    text = f"got {action.kind} {price_text(action.amount)}"
    if action.amount <= 0:
        yield f"{text}, want above 0"
    if action.kind != "dividend":
        return
    previous = next((bar for bar in reversed(bars) if bar.date < action.date), None)
    if previous is not None and action.amount > catalogue.DIVIDEND_FRACTION_MAX * previous.close:
        yield f"{text}, want at most {catalogue.DIVIDEND_FRACTION_MAX:.0%} of {price_text(previous.close)}"
    for other in known:
        alike = (other.kind, other.amount) == (action.kind, action.amount)
        if alike and 0 < (action.date - other.date).days <= catalogue.DIVIDEND_APART_DAYS:
            yield f"{text} as on {other.date}, want {catalogue.DIVIDEND_APART_DAYS} days between"


def _order(action: Action) -> tuple[date, str, int, int, int]:
    # Every field: two that compare alike would come in the order of a set, which differs from run to run.
    return action.date, action.kind, action.amount, action.numerator, action.denominator
