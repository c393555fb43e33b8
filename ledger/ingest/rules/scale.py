"""Whether an answer is on the scale of what is held: splits and dividends rescale a provider's history. Pure."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec.structs import replace

from ledger.ingest.rules import actions, catalogue
from ledger.ingest.rules.held import Held
from ledger.values import Action, Bar, Basis, Finding, Window


class WholeRangeNeeded(msgspec.Struct, frozen=True):
    """The answer cannot be decided on alone: accepting it would mix two scales in one series.

    `window` is what to ask for; `ratio` is new/old where rows held and answered showed one.
    """

    window: Window
    reason: str
    ratio: float | None


def wider(
    window: Window, accepted: Sequence[Bar], answered: Sequence[Action], held: Held, basis: Basis
) -> WholeRangeNeeded | None:
    """Return the window to ask for in place of the one that was asked for, None when that one will do.

    `accepted` and `answered` are the sessions and the corporate actions of the answer.

    An answer over everything that is held replaces the old scale whole, and needs nothing more.
    A series as traded keeps one scale: whatever differs in it is a correction.
    """
    if basis == "as_traded" or not accepted or not held.bars:
        return None
    first, last = min(held.bars), max(held.bars)
    if window.start <= first and last <= window.end:
        return None
    whole = Window(min(window.start, first), max(window.end, last))
    for action in answered:
        rescales = action.kind == "split" and action.numerator != action.denominator
        if rescales and (action.ex_date > last or action not in held.actions):
            text = f"{action.denominator} to {action.numerator} on {action.ex_date}"
            return WholeRangeNeeded(whole, f"got a split of {text}, want the sessions before it on its scale", None)
    both = _beside_held(accepted, held)
    if not both:
        return WholeRangeNeeded(whole, "got no day that is held, want some to compare the scale", None)
    if all(new == old for new, old in both):
        return None
    closes = [(new.close, old.close) for new, old in both]
    adj_closes = [(new.adj_close, old.adj_close) for new, old in both if new.adj_close and old.adj_close]
    for name, pairs in (("close", closes), ("adj_close", adj_closes)):
        ratio = common_ratio(pairs)
        if ratio is not None:
            return WholeRangeNeeded(whole, f"got {name} at {ratio:.6g} times what is held, want one scale", ratio)
        # Rows older than the overlap follow its oldest one: when it moved, they may have.
        if pairs and _moved(*pairs[0]):
            reason = f"got another {name} on the oldest day compared, want to know if older ones moved too"
            return WholeRangeNeeded(whole, reason, None)
    return None


def repeats(bar: Bar, held: Bar | None) -> bool:
    """Return whether `bar` is the `held` one, but for the last bits of an adjusted close."""
    if held is None or bar.close != held.close:
        return False
    if bar.adj_close is None or held.adj_close is None:
        return bar == held
    apart = abs(bar.adj_close - held.adj_close)
    if apart > catalogue.ADJ_SAME * abs(held.adj_close):
        return False
    return bar == held or replace(bar, adj_close=held.adj_close) == held


def common_ratio(pairs: Sequence[tuple[int, int]]) -> float | None:
    """Return new/old where rows moved together: the ratio of more than half of those that moved.

    `pairs` are (new, old) prices of the same days. One row of several that moved alone is a correction.
    """
    moved = [new / old for new, old in pairs if new != old and _moved(new, old)]
    if not moved or (len(moved) == 1 and len(pairs) > 1):
        return None
    ratio = sorted(moved)[len(moved) // 2]
    together = sum(abs(each / ratio - 1) <= catalogue.SCALE_TOLERANCE for each in moved)
    return ratio if together * 2 > len(moved) else None


def close_ratio(accepted: Iterable[Bar], held: Held) -> float | None:
    """Return the common ratio, new/old, of the closes of all days both answered and held."""
    return common_ratio([(bar.close, old.close) for bar, old in _beside_held(accepted, held)])


@catalogue.applies(catalogue.REWRITTEN)
def rewritten(accepted: Iterable[Bar], held: Held, known: Sequence[Action]) -> Iterator[Finding]:
    """Yield what REWRITTEN finds in an answer over sessions held, whose actions and those held are `known`."""
    both = _beside_held(accepted, held)
    moved = [bar.date for bar, old in both if bar.close != old.close and _moved(bar.close, old.close)]
    if len(both) < catalogue.REWRITTEN_SESSIONS_MIN or len(moved) <= catalogue.REWRITTEN_SHARE * len(both):
        return
    ratio = common_ratio([(bar.close, old.close) for bar, old in both])
    if ratio is not None:
        # One ratio is how providers adjust; a hundredfold is how they mistake the unit, unless a split is as large.
        off = max(ratio, 1 / ratio)
        sizes = (max(size, 1 / size) for size in map(actions.size, (known, *((one,) for one in known))))
        unit = max(off, catalogue.UNIT_FACTOR) / min(off, catalogue.UNIT_FACTOR) <= catalogue.UNIT_TOLERANCE
        if not unit or any(max(off, size) / min(off, size) <= catalogue.EXPLAINED_TOLERANCE for size in sizes):
            return
    by = "" if ratio is None else f", {ratio:.6g} times as high,"
    detail = f"got other closes{by} on {len(moved)} of {len(both)} sessions held, want what is held, or a split"
    yield Finding(catalogue.REWRITTEN.id, moved[-1], detail)


def _beside_held(accepted: Iterable[Bar], held: Held) -> list[tuple[Bar, Bar]]:
    known = held.bars.get
    return [(bar, old) for bar in accepted if (old := known(bar.date)) is not None]


def _moved(new: int, old: int) -> bool:
    return abs(new - old) > catalogue.SCALE_TOLERANCE * abs(old)
