"""Everything that a provider reported of one day, from its body and from its library together. Pure."""

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Self

import msgspec
from msgspec.structs import astuple, replace

from ledger.events import FetchSucceeded
from ledger.values import RawBar


class Row(msgspec.Struct, frozen=True):
    """One day of an answer: prices as the library handed them over, volume as the body has it.

    `copies` is how often the day came; `alike` is false when the copies differ.
    """

    bar: RawBar
    copies: int
    alike: bool

    @classmethod
    def of(cls, bar: RawBar, copies: Sequence[RawBar]) -> Self:
        """Return the row of a day that came as `copies`, with the prices of `bar`."""
        # None for NaN, which equals nothing, itself included.
        different = {
            tuple(None if isinstance(field, float) and math.isnan(field) else field for field in astuple(copy))
            for copy in copies
        }
        return cls(replace(bar, volume=copies[0].volume), len(copies), len(different) == 1)


def rows(evidence: FetchSucceeded, body_rows: Sequence[RawBar]) -> tuple[Row, ...]:
    """Return a row for each day of the answer, oldest first.

    A day that only one of body and library has is taken from that one; of the body's alone,
    only days that were asked for. Without `body_rows` the library's bars are all there is.
    """
    handed = {bar.date: bar for bar in evidence.bars}
    copies: dict[date, list[RawBar]] = defaultdict(list)
    for bar in _sent(evidence, handed, body_rows):
        copies[bar.date].append(bar)
    return tuple(Row.of(handed.get(day, same_day[0]), same_day) for day, same_day in sorted(copies.items()))


def _sent(evidence: FetchSucceeded, handed: dict[date, RawBar], body_rows: Sequence[RawBar]) -> Iterator[RawBar]:
    window, in_body = evidence.request.window, {row.date for row in body_rows}
    for row in body_rows:
        if row.date in handed or window.start <= row.date <= window.end:
            yield row
    for bar in evidence.bars:
        if bar.date not in in_body:
            yield bar
