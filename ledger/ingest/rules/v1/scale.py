"""Whether rules version 1 finds an answer on another scale than what is held. Pure."""

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec

from ledger.events import FetchSucceeded
from ledger.ingest.rules.v1 import actions, catalogue
from ledger.ingest.rules.v1.actions import Action1
from ledger.values import Bar, Basis


class Held1(msgspec.Struct, frozen=True):
    """A ticker's sessions and corporate actions from one provider, as accepted before."""

    bars: dict[date, Bar]
    actions: tuple[Action1, ...]


def mixes_scales(evidence: FetchSucceeded, accepted: Sequence[Bar], held: Held1, basis: Basis) -> bool:
    """Return whether accepting the answer alone would mix two scales in one series."""
    window = evidence.request.window
    if basis == "as_traded" or not accepted or not held.bars:
        return False
    last = max(held.bars)
    if window.start <= min(held.bars) and last <= window.end:
        return False
    for action in actions.within(evidence.actions, window):
        split = action.kind == "split" and action.numerator != action.denominator
        if split and (action.date > last or action not in held.actions):
            return True
    if not any(bar.date in held.bars for bar in accepted):
        return True
    adjusted = ((bar.adj_close, held.bars[bar.date].adj_close) for bar in accepted if bar.date in held.bars)
    # Rows older than the overlap follow its oldest one: when it moved, they may have.
    return any(
        common_ratio(pairs) is not None or (bool(pairs) and _moved(*pairs[0]))
        for pairs in (_closes(accepted, held), [(new, old) for new, old in adjusted if new and old])
    )


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


def close_ratio(accepted: Iterable[Bar], held: Held1) -> float | None:
    """Return the common ratio, new/old, of the closes of all days both answered and held."""
    return common_ratio(_closes(accepted, held))


def _closes(accepted: Iterable[Bar], held: Held1) -> list[tuple[int, int]]:
    return [(bar.close, held.bars[bar.date].close) for bar in accepted if bar.date in held.bars]


def _moved(new: int, old: int) -> bool:
    return abs(new - old) > catalogue.SCALE_TOLERANCE * abs(old)
