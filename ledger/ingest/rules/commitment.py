"""What a decision commits to: the state of the series that it finds, and the one that it leads to. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

import msgspec
from msgspec.structs import replace

from ledger.events import ValidationCompleted
from ledger.ingest.rules import actions
from ledger.ingest.rules.held import Held
from ledger.market.series import Series
from ledger.market.series_state import leaf, leaf_of, leaves_of, state
from ledger.values import ACCEPTED, Bar

_encode = msgspec.msgpack.Encoder().encode


def committed(decision: ValidationCompleted, held: Held, *, threshold_percent: float) -> ValidationCompleted:
    """Return the decision over what is `held`, with both states and the threshold that it was made under.

    Costs the years that the decision touches, and, where `held` has no leaves, the bars held once.
    """
    series = Series(decision.ticker, decision.provider)
    known = held.leaves
    leaves = leaves_of(held.bars[day] for day in sorted(held.bars)) if known is None else dict(known)
    before = after = held.state or state(series, held.basis or decision.basis, leaves, held.actions)
    if decision.verdict in ACCEPTED:
        leaves.update(_touched(decision.bars, held))
        after = state(series, decision.basis, leaves, actions.in_force(held.actions, decision.actions))
    # A whole number would be stored as an integer: the field is a float64.
    return replace(decision, before=before, after=after, threshold_percent=float(threshold_percent))


def _touched(bars: Iterable[Bar], held: Held) -> Iterator[tuple[int, bytes]]:
    """Yield each year of `bars` with its leaf once they are held too: of most decisions they are one session."""
    days = list(held.bars) if held.encoded else sorted(held.bars)
    touched: dict[int, list[Bar]] = {}
    for bar in bars:
        touched.setdefault(bar.date.year, []).append(bar)
    for year, of_year in touched.items():
        theirs = days[bisect_left(days, date(year, 1, 1)) : bisect_right(days, date(year, 12, 31))]
        if (encoded := held.encoded.get(year)) is not None:
            yield year, leaf(_put(of_year, theirs, encoded))
        else:
            both = {day: held.bars[day] for day in theirs} | {bar.date: bar for bar in of_year}
            yield year, leaf_of([both[day] for day in sorted(both)])


def _put(bars: Iterable[Bar], days: list[date], encoded: Sequence[bytes]) -> list[bytes]:
    """Return what is held of one year, `encoded` day by day, once `bars` are held in place of those of their days.

    Raises: ValueError where it is held of other days.
    """
    if len(days) != len(encoded):
        message = f"got {len(encoded)} encoded bars, want one for each of {len(days)} days"
        raise ValueError(message)
    items = list(encoded)
    for bar in bars:
        place = bisect_left(days, bar.date)
        if days[place : place + 1] == [bar.date]:
            items[place] = _encode(bar)
        else:
            days.insert(place, bar.date)
            items.insert(place, _encode(bar))
    return items
