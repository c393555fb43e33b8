"""Whether an answer is on the scale of what is held: splits and dividends rescale a provider's history. Pure."""

from collections.abc import Iterable, Sequence

import msgspec

from ledger.events import FetchSucceeded
from ledger.ingest.rules import actions, catalogue
from ledger.ingest.rules.held import Held
from ledger.values import Bar, Basis, Window


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
    A series as traded keeps one scale: whatever differs in it is a correction.
    """
    if basis == "as_traded" or not accepted or not held.bars:
        return None
    window, first, last = evidence.request.window, min(held.bars), max(held.bars)
    if window.start <= first and last <= window.end:
        return None
    whole = Window(min(window.start, first), max(window.end, last))
    return next((WholeRangeNeeded(whole, reason, ratio) for reason, ratio in _reasons(evidence, accepted, held)), None)


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
    return common_ratio([(bar.close, held.bars[bar.date].close) for bar in accepted if bar.date in held.bars])


def _reasons(evidence: FetchSucceeded, accepted: Sequence[Bar], held: Held) -> Iterable[tuple[str, float | None]]:
    """Yield why the answer may be on another scale, with the ratio where one shows."""
    last = max(held.bars)
    for action in actions.within(evidence.actions, evidence.request.window, held.actions):
        rescales = action.kind == "split" and action.numerator != action.denominator
        if rescales and (action.ex_date > last or action not in held.actions):
            text = f"{action.denominator} to {action.numerator} on {action.ex_date}"
            yield f"got a split of {text}, want the sessions before it on its scale", None
    both = [(bar, held.bars[bar.date]) for bar in accepted if bar.date in held.bars]
    if not both:
        yield "got no day that is held, want some to compare the scale", None
    closes = [(new.close, old.close) for new, old in both]
    adj_closes = [(new.adj_close, old.adj_close) for new, old in both if new.adj_close and old.adj_close]
    for name, pairs in (("close", closes), ("adj_close", adj_closes)):
        ratio = common_ratio(pairs)
        if ratio is not None:
            yield f"got {name} at {ratio:.6g} times what is held, want one scale", ratio
        # Rows older than the overlap follow its oldest one: when it moved, they may have.
        elif pairs and _moved(*pairs[0]):
            yield f"got another {name} on the oldest day compared, want to know if older ones moved too", None


def _moved(new: int, old: int) -> bool:
    return abs(new - old) > catalogue.SCALE_TOLERANCE * abs(old)
