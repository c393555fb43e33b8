"""Everything that a provider reported of one day, from its body and from its library together. Pure."""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from operator import lt
from typing import Self

import msgspec
from msgspec.structs import astuple, replace

from ledger.events import FetchSucceeded
from ledger.values import RawBar


class Row(msgspec.Struct, frozen=True, gc=False):
    """One day of an answer: prices as the library handed them over, volume as the body has it.

    `copies` is how often the day came; `alike` is false when the copies differ. `last` is whether the answer has no
    later day: a provider that is still at work on it sends it twice, and the last copy is the newer one.
    """

    bar: RawBar
    copies: int = 1
    alike: bool = True
    last: bool = False

    @classmethod
    def of(cls, bar: RawBar, copies: Sequence[RawBar], *, last: bool) -> Self:
        """Return the row of a day that came as `copies`, with the prices of `bar`, or of the last day's last copy."""
        # None for NaN, which equals nothing, itself included.
        different = {
            tuple(None if isinstance(field, float) and math.isnan(field) else field for field in astuple(copy))
            for copy in copies
        }
        alike = len(different) == 1
        chosen = copies[-1] if last and not alike else replace(bar, volume=copies[0].volume)
        return cls(chosen, len(copies), alike, last)


def priced(bar: RawBar) -> bool:
    """Return whether the row has any price: one that has none is no row, and its session is missing."""
    return not (math.isnan(bar.close) and all(map(math.isnan, (bar.open, bar.high, bar.low))))


def is_plain(evidence: FetchSucceeded, body_rows: Sequence[RawBar]) -> bool:
    """Return whether nothing is merged, doubled or left out: nearly every answer is like that, its rows are its bars.

    They are priced, and each is of a later day than the one before it.
    """
    bars = evidence.bars
    if not bars or (bars is not body_rows and bars != body_rows):
        return False
    days, closes = [bar.date for bar in bars], [bar.close for bar in bars]
    # A sum without a NaN has none in it.
    return all(map(lt, days, days[1:])) and not (math.isnan(sum(closes)) and any(map(math.isnan, closes)))


def rows(evidence: FetchSucceeded, body_rows: Sequence[RawBar], *, live: bool = True) -> tuple[Row, ...]:
    """Return a row for each day of the answer, oldest first.

    A day that only one of body and library has is taken from that one; of the body's alone,
    only days that were asked for. Without `body_rows` the library's bars are all there is.
    Rows without any price are left out. Only a `live` answer has a last day that its provider is still at work on.
    """
    bars = evidence.bars
    if is_plain(evidence, body_rows):
        return (*map(Row, bars[:-1]), Row(bars[-1], last=live))
    handed = {bar.date: bar for bar in bars if priced(bar)}
    sent = [row for row in body_rows if priced(row)]
    window, in_body = evidence.request.window, {row.date for row in sent}
    copies: dict[date, list[RawBar]] = defaultdict(list)
    for row in sent:
        if row.date in handed or window.start <= row.date <= window.end:
            copies[row.date].append(row)
    for bar in bars:
        if bar.date not in in_body and priced(bar):
            copies[bar.date].append(bar)
    newest = max(copies, default=None) if live else None
    return tuple(
        Row.of(handed.get(day, same_day[0]), same_day, last=day == newest) for day, same_day in sorted(copies.items())
    )
