"""Rows of answers and the exact bars that they are, kept for who reads the same rows again: a whole range, monthly."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from datetime import date

from ledger.ingest.rules.row_rules import exact_bar
from ledger.market.series import Series
from ledger.values import Bar, RawBar

ROWS_KEPT = 65_536  # of the series that were used last; a row that is forgotten is made exact once more


class KnownRows:
    """Of each series that was judged lately, the newest row of a day that gave it another bar."""

    def __init__(self) -> None:
        self._series: OrderedDict[Series, dict[date, tuple[RawBar, Bar]]] = OrderedDict()
        self._rows = 0

    def of(self, series: Series) -> Mapping[date, tuple[RawBar, Bar]]:
        """Return what is known of the series, by day."""
        if series in self._series:
            self._series.move_to_end(series)
        return self._series.get(series, {})

    def learn(self, series: Series, rows: Iterable[RawBar], bars: Iterable[Bar]) -> None:
        """Keep each of `rows` that is one of `bars`, which were accepted of their answer, as it stands."""
        accepted = {bar.date: bar for bar in bars}
        if not accepted:
            return
        known = self._series.setdefault(series, {})
        size = len(known)
        for row in rows:
            bar = accepted.get(row.date)
            # A bar may be of two rows together, or of a copy.
            if bar is not None and exact_bar(row) == bar:
                known[row.date] = row, bar
        self._rows += len(known) - size
        while self._rows > ROWS_KEPT and len(self._series) > 1:
            _, forgotten = self._series.popitem(last=False)
            self._rows -= len(forgotten)
