"""Rows of answers and the exact bars that they are, kept for who reads the same rows again: the days before, mostly.

What is kept of a row is a matter of the row alone: no bar comes of it that `exact_bar` did not make of an equal one.
"""

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec

from ledger.ingest.rules.row_rules import exact_bars
from ledger.market.price import prices_micros
from ledger.market.series import Series
from ledger.values import Bar, Finding, RawBar

ROWS_KEPT = 65_536  # of the series that were used last; a row that is forgotten is made exact once more


class KnownSeries(msgspec.Struct):
    """Rows of a series that are bars, one of a day, in order of days: the day, the row and the bar of each."""

    days: list[date]
    rows: list[RawBar]
    bars: list[Bar]

    def follow(self, row: RawBar, bar: Bar) -> None:
        """Keep a row behind all others, if it comes after them."""
        if not self.days or self.days[-1] < row.date:
            self.days.append(row.date)
            self.rows.append(row)
            self.bars.append(bar)


class KnownRows:
    """Of each series that was judged lately, the newest row of a day that is a bar."""

    def __init__(self) -> None:
        self._series: OrderedDict[Series, KnownSeries] = OrderedDict()
        self.rows = 0

    def exact(self, series: Series, rows: Sequence[RawBar]) -> list[Bar | Finding]:
        """Return what `exact_bar` makes of each of the rows, which are of `series`."""
        known = self._series.get(series)
        if known is None:
            known = self._series[series] = KnownSeries([], [], [])
        self._series.move_to_end(series)
        size = len(known.rows)
        outcomes = _outcomes(known, list(rows)) if rows else []
        self.rows += len(known.rows) - size
        while self.rows > ROWS_KEPT and len(self._series) > 1:
            _, forgotten = self._series.popitem(last=False)
            self.rows -= len(forgotten.rows)
        return outcomes


def _outcomes(known: KnownSeries, rows: list[RawBar]) -> list[Bar | Finding]:
    """Return what becomes of `rows`, of which there are some, and keep them; nearly always they are known, or go on."""
    start = bisect_left(known.days, rows[0].date)
    stop = min(start + len(rows), len(known.rows))
    if known.rows[start:stop] != rows[: stop - start]:
        return _one_by_one(known, rows)
    outcomes: list[Bar | Finding] = [*known.bars[start:stop]]
    if stop - start < len(rows):
        # What is known ends here.
        fresh = rows[stop - start :]
        made = exact_bars(fresh)
        outcomes += made
        for row, one in zip(fresh, made, strict=True):
            if isinstance(one, Bar):
                known.follow(row, one)
    return outcomes


_NOTHING: tuple[Any, Any] = (None, None)


def _one_by_one(known: KnownSeries, rows: list[RawBar]) -> list[Bar | Finding]:
    """Do as `_outcomes` does for rows of which some are others by now, or of other days: these take the place."""
    days = [row.date for row in rows]
    start, stop = bisect_left(known.days, min(days)), bisect_right(known.days, max(days))
    pairs = zip(known.rows[start:stop], known.bars[start:stop], strict=True)
    of_day = dict(zip(known.days[start:stop], pairs, strict=True))
    outcomes = _looked_up(of_day, rows)
    by_now = {row.date: (row, one) for row, one in zip(rows, outcomes, strict=True) if isinstance(one, Bar)}
    kept = sorted(by_now)
    known.days[start:stop] = kept
    known.rows[start:stop] = [by_now[day][0] for day in kept]
    known.bars[start:stop] = [by_now[day][1] for day in kept]
    return outcomes


def _looked_up(of_day: dict[date, tuple[RawBar, Bar]], rows: list[RawBar]) -> list[Any]:
    """Return what becomes of `rows`, of some of which `of_day` has the row that was known and its bar."""
    outcomes: list[Any] = [None] * len(rows)
    others: list[int] = []
    readjusted: list[int] = []
    for place, row in enumerate(rows):
        was, bar = of_day.get(row.date, _NOTHING)
        if was == row:
            outcomes[place] = bar
        else:
            (readjusted if was is not None and _is_readjusted(was, row) else others).append(place)
    try:
        adj_closes = prices_micros([rows[place].adj_close or 0.0 for place in readjusted])
    except ValueError:
        others += readjusted
    else:
        for place, micros in zip(readjusted, adj_closes, strict=True):
            known = of_day[rows[place].date][1]
            outcomes[place] = Bar(known.date, known.open, known.high, known.low, known.close, micros, known.volume)
    for place, one in zip(others, exact_bars([rows[place] for place in others]), strict=True):
        outcomes[place] = one
    return outcomes


def _is_readjusted(was: RawBar, row: RawBar) -> bool:
    """Return whether a row is another one in its adjusted close alone: so it is a bar again, since no rule looks there.

    It has one; whether that is a number is not looked at.
    """
    return (
        row.adj_close is not None
        and was.close == row.close
        and was.volume == row.volume
        and was.open == row.open
        and was.high == row.high
        and was.low == row.low
    )
