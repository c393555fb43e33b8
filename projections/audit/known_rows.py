"""Rows of answers and the exact bars that they are, kept for who reads the same rows again: the days before, mostly.

What is kept of a row is a matter of the row alone: no bar comes of it that `exact_bar` did not make of an equal one.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import date
from typing import Any

from ledger.ingest.rules.row_rules import exact_bar
from ledger.market.series import Series
from ledger.values import Bar, Finding, RawBar

ROWS_KEPT = 65_536  # of the series that were used last; a row that is forgotten is made exact once more


class KnownRows:
    """Of each series that was judged lately, the newest row of a day that is a bar."""

    def __init__(self) -> None:
        self._series: OrderedDict[Series, dict[date, tuple[RawBar, Bar]]] = OrderedDict()
        self.rows = 0

    def exact(self, series: Series, rows: Sequence[RawBar]) -> list[Bar | Finding]:
        """Return what `exact_bar` makes of each of the rows, which are of `series`."""
        known = self._series.setdefault(series, {})
        self._series.move_to_end(series)
        size, of_day = len(known), known.get
        outcomes: list[Any] = [
            pair[1] if (pair := of_day(row.date)) is not None and pair[0] == row else None for row in rows
        ]
        if None not in outcomes:
            return outcomes
        for place, row in enumerate(rows):
            if outcomes[place] is None:
                made = outcomes[place] = exact_bar(row)
                if isinstance(made, Bar):
                    known[row.date] = row, made
        self.rows += len(known) - size
        while self.rows > ROWS_KEPT and len(self._series) > 1:
            _, forgotten = self._series.popitem(last=False)
            self.rows -= len(forgotten)
        return outcomes
