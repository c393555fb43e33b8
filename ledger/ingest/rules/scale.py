"""Whether an answer is on the scale of what is held: splits and dividends rescale a provider's history. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from ledger.events import Action, Bar, Basis, FetchSucceeded, Window
from ledger.ingest.rules import actions, catalogue
from ledger.ingest.rules.held import Held


class WholeRangeNeeded(msgspec.Struct, frozen=True):
    """The answer cannot be decided on alone: accepting it would mix two scales in one series.

    `window` is what to ask for; `ratio` is new/old where rows held and answered showed one.
    """

    window: Window
    reason: str
    ratio: float | None


def wider(evidence: FetchSucceeded, accepted: Sequence[Bar], held: Held, basis: Basis) -> WholeRangeNeeded | None:
    """Return the window to ask for in place of the evidence's, None when that one will do.

    An answer over everything that is held replaces the old scale whole, and needs nothing more.
    A series as traded has one scale for ever: whatever differs in it is a correction.
    """
    if basis == "as_traded" or not accepted or not held.bars or _covers(evidence.request.window, held):
        return None
    for reason, ratio in _reasons(evidence, accepted, held):
        return WholeRangeNeeded(_whole_range(evidence.request.window, held), reason, ratio)
    return None


def common_ratio(pairs: Sequence[tuple[int, int]]) -> float | None:
    """Return new/old where rows moved together: the ratio of more than half of those that moved.

    `pairs` are (new, old) prices of the same days. One row of several that moved alone is a correction.
    """
    moved = [new / old for new, old in pairs if _moved(new, old)]
    if not moved or (len(moved) == 1 and len(pairs) > 1):
        return None
    ratio = sorted(moved)[len(moved) // 2]
    together = sum(abs(each / ratio - 1) <= catalogue.SCALE_TOLERANCE for each in moved)
    return ratio if together * 2 > len(moved) else None


def close_ratio(accepted: Iterable[Bar], held: Held) -> float | None:
    """Return the common ratio, new/old, of the closes of all days both answered and held."""
    return common_ratio(_closes(accepted, held))


def _reasons(evidence: FetchSucceeded, accepted: Sequence[Bar], held: Held) -> Iterable[tuple[str, float | None]]:
    yield from _split_reasons(evidence, held)
    if not any(bar.date in held.bars for bar in accepted):
        yield "got no day that is held, want some to compare the scale", None
    for name, pairs in (("close", _closes(accepted, held)), ("adj_close", _adj_closes(accepted, held))):
        ratio = common_ratio(pairs)
        if ratio is not None:
            yield f"got {name} at {ratio:.6g} times what is held, want one scale", ratio
        # Rows older than the overlap follow its oldest one: when it moved, they may have.
        elif pairs and _moved(*pairs[0]):
            yield f"got another {name} on the oldest day compared, want to know if older ones moved too", None


def _split_reasons(evidence: FetchSucceeded, held: Held) -> Iterable[tuple[str, None]]:
    last = max(held.bars)
    for action in actions.within(evidence.actions, evidence.request.window):
        if _rescales(action) and (action.date > last or action not in held.actions):
            text = f"{action.denominator} to {action.numerator} on {action.date}"
            yield f"got a split of {text}, want the sessions before it on its scale", None


def _rescales(action: Action) -> bool:
    return action.kind == "split" and action.numerator != action.denominator


def _covers(window: Window, held: Held) -> bool:
    return window.start <= min(held.bars) and max(held.bars) <= window.end


def _whole_range(window: Window, held: Held) -> Window:
    return Window(min(window.start, *held.bars), max(window.end, *held.bars))


def _closes(accepted: Iterable[Bar], held: Held) -> list[tuple[int, int]]:
    return [(bar.close, held.bars[bar.date].close) for bar in accepted if bar.date in held.bars]


def _adj_closes(accepted: Iterable[Bar], held: Held) -> list[tuple[int, int]]:
    both = ((bar.adj_close, held.bars[bar.date].adj_close) for bar in accepted if bar.date in held.bars)
    return [(new, old) for new, old in both if new and old]


def _moved(new: int, old: int) -> bool:
    return abs(new - old) > catalogue.SCALE_TOLERANCE * abs(old)
