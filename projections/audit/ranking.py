"""The ranks of held days, from the decisions of a log as they go by: to judge again is to know which file stands.

Decisions are kept by the calendar months that they are over, so that a month's file costs what came over its days.
"""

from collections.abc import Iterable, Iterator
from datetime import date

import msgspec

from ledger.audit.series_fold import Decided
from ledger.files.scratch import ScratchMap
from ledger.ingest.providers import registry
from ledger.ingest.rules import ranks
from ledger.ingest.rules.ranks import RankedAnswer
from ledger.market.series import Series
from ledger.values import Rank, Window

MONTHS = 12


class _KeptAnswer(msgspec.Struct, frozen=True, array_like=True):
    answer: RankedAnswer
    came: tuple[date, ...]  # the days that it gave a bar


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[_KeptAnswer]).decode


class Ranking:
    """The accepted decisions over every series that files are brought of; memory is that of its scratch map."""

    def __init__(self, scratch: ScratchMap) -> None:
        self._scratch = scratch

    def apply(self, seq: int, decision: Decided) -> None:
        """Go past the decision at `seq`, which accepted something."""
        if not registry.brought_by_hand(decision.provider):
            return
        series = Series(decision.ticker, decision.provider)
        rejected = (finding.date for finding in decision.rejected if finding.date is not None)
        absent = (*decision.withdrawn, *decision.partial, *rejected)
        answer = RankedAnswer(seq, decision.rank, decision.window, absent)
        made = _KeptAnswer(answer, tuple(bar.date for bar in decision.bars))
        first, last = _month(decision.window.start), _month(decision.window.end)
        # A window of months is kept once a year: its days are those of one file, which has one year.
        keys = [_key(series, first)] if first == last else _year_keys(series, decision.window)
        for key in keys:
            self._scratch.put(key, _encode([*self._kept(key), made]))

    def of_days(self, series: Series, days: Window) -> dict[date, Rank]:
        """Return the rank of each of `days` that is held of the series and has one."""
        if not registry.brought_by_hand(series.provider):
            return {}
        months = (_key(series, month) for month in range(_month(days.start), _month(days.end) + 1))
        found = {one.answer.seq: one for key in (*_year_keys(series, days), *months) for one in self._kept(key)}
        known = [found[seq] for seq in sorted(found)]
        first: dict[date, int] = {}
        for one in known:
            for day in one.came:
                if days.start <= day <= days.end:
                    first.setdefault(day, one.answer.seq)
        return ranks.of_days(first, (one.answer for one in known))

    def _kept(self, key: bytes) -> Iterable[_KeptAnswer]:
        stored = self._scratch.get(key)
        return () if stored is None else _decode(stored)


def _year_keys(series: Series, days: Window) -> Iterator[bytes]:
    for year in range(days.start.year, days.end.year + 1):
        yield _key(series, year * MONTHS, b"Y")


def _month(day: date) -> int:
    return day.year * MONTHS + day.month - 1


def _key(series: Series, month: int, mark: bytes = b"M") -> bytes:
    # Two strings in msgpack: no such pair begins another.
    return mark + _encode((series.provider, series.ticker)) + month.to_bytes(4, "big")
