"""What rules version 1 takes for the row of a day, from the body and from the library together. Pure."""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import date

import msgspec

from ledger.events import FetchSucceeded
from ledger.values import RawBar


class Row1(msgspec.Struct, frozen=True):
    """One day of an answer: prices as the library handed them over, volume as the body has it.

    `copies` is how often the day came; `alike` is false when the copies differ.
    """

    bar: RawBar
    copies: int
    alike: bool


def rows(evidence: FetchSucceeded, body_rows: Sequence[RawBar]) -> tuple[Row1, ...]:
    """Return a row for each day of the answer, oldest first.

    A day that only one of body and library has is taken from that one; of the body's alone,
    only days that were asked for. Without `body_rows` the library's bars are all there is.
    """
    handed = {bar.date: bar for bar in evidence.bars}
    copies: dict[date, list[RawBar]] = defaultdict(list)
    window, in_body = evidence.request.window, {row.date for row in body_rows}
    for row in body_rows:
        if row.date in handed or window.start <= row.date <= window.end:
            copies[row.date].append(row)
    for bar in evidence.bars:
        if bar.date not in in_body:
            copies[bar.date].append(bar)
    return tuple(
        Row1(
            bar=msgspec.structs.replace(handed.get(day, same_day[0]), volume=same_day[0].volume),
            copies=len(same_day),
            alike=len({_values(copy) for copy in same_day}) == 1,
        )
        for day, same_day in sorted(copies.items())
    )


def _values(bar: RawBar) -> tuple[object, ...]:
    """Return the bar's fields with None for NaN, which equals nothing, itself included."""
    fields = msgspec.structs.astuple(bar)
    return tuple(None if isinstance(field, float) and math.isnan(field) else field for field in fields)
