"""Every series of a log as it is held, in constant memory: the years that were used last lie open, as sorted arrays.

A run of an evening looks at the last weeks of a series: nothing else of it is read, copied or hashed for it.
"""

import hashlib
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import date
from functools import partial
from itertools import chain, groupby
from typing import NamedTuple, Self

import msgspec

from ledger.audit.series_fold import Decided, HeldSeries, SeriesFold
from ledger.files.scratch import ScratchMap
from ledger.ingest.providers import registry
from ledger.ingest.rules.held import SESSIONS_BESIDE, Held, Reach, alike, beside
from ledger.market.series import Series
from ledger.values import ACCEPTED, Bar, Window
from projections.audit.known_rows import KnownRows
from projections.audit.ranking import Ranking
from projections.queries.snapshot_csv import HEADER, line, snapshot_name

BARS_KEPT = 150_000  # of the years that were used last; the others are read back when their turn comes
HASHES_KEPT = 8_192  # series of which what comes before their last year is hashed once
TEXT_BYTES_KEPT = 16 * 1024 * 1024  # rows of snapshots, of years that do not lie open


class SnapshotFacts(NamedTuple):
    """What is recorded of a snapshot."""

    name: str
    rows: int
    sha256: bytes


class OpenYear(msgspec.Struct):
    """A year of a series: its days in order, the bar of each, and its row in a snapshot, empty until it is asked for.

    The first `firm` rows are what they were when somebody last set that.
    """

    days: list[date]
    bars: list[Bar]
    lines: list[str]
    firm: int = 0

    @classmethod
    def of(cls, bars: list[Bar], text: bytes | None) -> Self:
        """Return the year of the `bars`; `text` are its rows together, where somebody kept them."""
        lines = text.decode().split("\n")[:-1] if text else [""] * len(bars)
        return cls([bar.date for bar in bars], bars, lines)

    def put(self, bar: Bar) -> bool:
        """Hold `bar`; return whether its row in a snapshot is another one for it."""
        day = bar.date
        if not self.days or self.days[-1] < day:
            self.days.append(day)
            self.bars.append(bar)
            self.lines.append("")
            return True
        place = bisect_left(self.days, day)
        if self.days[place] != day:
            self.days.insert(place, day)
            self.bars.insert(place, bar)
            self.lines.insert(place, "")
        else:
            before, self.bars[place] = self.bars[place], bar
            if alike(before, bar):
                return False
            self.lines[place] = ""
        self.firm = min(self.firm, place)
        return True

    def put_all(self, bars: list[Bar]) -> bool:
        """Do as `put` does with each of `bars`; return whether a row is another one for any."""
        start, stop = bisect_left(self.days, bars[0].date), len(bars)
        stop += start
        if len(bars) == 1 or self.days[start:stop] != [bar.date for bar in bars]:
            changed = [self.put(bar) for bar in bars]
            return any(changed)
        before = self.bars[start:stop]
        self.bars[start:stop] = bars
        others = [
            place for place, one, bar in zip(range(start, stop), before, bars, strict=True) if not alike(one, bar)
        ]
        for place in others:
            self.lines[place] = ""
        self.firm = min([self.firm, *others[:1]])
        return bool(others)

    def text(self, start: int = 0) -> bytes:
        """Return the rows of the year from the one at `start` on, each with its end."""
        lines, stop = self.lines, len(self.lines)
        if start + 1 == stop:
            text = lines[start] = lines[start] or line(self.bars[start])
            return f"{text}\n".encode()
        lines[start:] = [kept or line(bar) for kept, bar in zip(lines[start:], self.bars[start:], strict=True)]
        return "\n".join((*lines[start:], "")).encode()


class Hashed(msgspec.Struct):
    """What a snapshot of a series begins with, hashed: up to its last year, and up to the `rows` of that year too."""

    last: int
    before: "hashlib._Hash"
    digest: "hashlib._Hash"
    rows: int = 0


class OpenYears:
    """All series, decision by decision from seq 0 on."""

    def __init__(self, scratch: ScratchMap, texts: ScratchMap) -> None:
        """Begin with nothing held; `texts` is for rows of snapshots, and nobody else's."""
        self._fold = SeriesFold(scratch)
        self._ranking = Ranking(scratch)
        self._texts = texts
        self.rows = KnownRows()
        self._open: OrderedDict[tuple[Series, int], OpenYear] = OrderedDict()
        self._bars_kept = 0
        self._hashed: OrderedDict[Series, Hashed] = OrderedDict()

    def held(self, series: Series) -> HeldSeries:
        """Return the series, but for its bars; not to be changed."""
        return self._fold.held(series)

    def apply(self, seq: int, decision: Decided, *, committing: bool) -> tuple[bytes | None, bytes | None]:
        """Hold what the decision at `seq` leads to, and return the states before and after where it is `committing`."""
        states = self._fold.apply(seq, decision, committing=committing)
        if decision.verdict not in ACCEPTED:
            return states
        self._ranking.apply(seq, decision)
        series = Series(decision.ticker, decision.provider)
        last = max(self._fold.held(series).years, default=0)
        for year, bars in groupby(decision.bars, key=lambda bar: bar.date.year):
            known = self._open.get((series, year))
            if known is None:
                self._texts.put(_name(series, year), b"")
                changed = True
            else:
                size = len(known.days)
                changed = known.put_all(list(bars))
                self._bars_kept += len(known.days) - size
            if changed and year != last:
                self._hashed.pop(series, None)
        return states

    def near(self, series: Series, reach: Reach) -> Held:
        """Return what is held of the series, as far as rules look that reach so far: sessions, and not whole years."""
        held = self._fold.held(series)
        years, first, last = sorted(held.years), reach.days.start, reach.days.end
        ends = [self._year(series, years[at]).bars[at] for at in (0, -1)] if reach.ends and years else []
        found: Iterable[Bar] | None = self._newest(series, years[-1], reach.days) if years else ()
        if found is None:
            before = beside(self._backwards(series, years, first), and_next=True)
            after = beside(self._onwards(series, years, last), and_next=True)
            inside = (self._between(series, year, first, last) for year in years if first.year <= year <= last.year)
            found = chain(reversed(before), chain.from_iterable(inside), after)
        bars = {bar.date: bar for bar in (*ends[:1], *found, *ends[1:])}
        if registry.brought_by_hand(series.provider):
            return Held(bars, held.actions, held.basis, reach, {}, self._ranking.of_days(series, reach.days))
        return Held(bars, held.actions, held.basis, reach, {}, exact=partial(self.rows.exact, series))

    def _newest(self, series: Series, year: int, days: Window) -> list[Bar] | None:
        """Return what `near` looks at where that is the end of the newest `year`; None where it may be more."""
        known = self._year(series, year)
        if known.days[-1] > days.end:
            return None
        first = bisect_left(known.days, days.start)
        place = first - SESSIONS_BESIDE - 1  # of the session behind those beside the first day
        while place >= 0 and alike(known.bars[place], known.bars[first - 1]):
            place -= 1
        return known.bars[place:] if place >= 0 else None

    def whole(self, series: Series) -> Held:
        """Return all that is held of the series."""
        held = self._fold.held(series)
        bars = chain.from_iterable(self._year(series, year).bars for year in sorted(held.years))
        return Held({bar.date: bar for bar in bars}, held.actions, held.basis)

    def snapshot(self, series: Series) -> SnapshotFacts | None:
        """Return what a snapshot of the series would be recorded as; None where nothing is held."""
        years = self._fold.held(series).years
        if not years:
            return None
        *earlier, last = sorted(years)
        found, year = self._hashed.get(series), self._year(series, last)
        if found is None or found.last != last:
            digest = hashlib.sha256(f"{HEADER}\n".encode())
            for each in earlier:
                digest.update(self._text(series, each))
            found = self._hashed[series] = Hashed(last, digest, digest.copy())
            if len(self._hashed) > HASHES_KEPT:
                self._hashed.popitem(last=False)
            year = self._year(series, last)
        if year.firm < found.rows:
            found.digest, found.rows = found.before.copy(), 0
        if found.rows < len(year.bars):
            found.digest.update(year.text(found.rows))
        year.firm = found.rows = len(year.bars)
        rows = sum(known.bars for known in years.values())
        return SnapshotFacts(snapshot_name(series.ticker, years[last].last), rows, found.digest.digest())

    # --- years -------------------------------------------------------------------------------

    def _year(self, series: Series, year: int) -> OpenYear:
        """Return a year that anything is held in; not to be changed."""
        name = series, year
        found = self._open.get(name)
        if found is not None:
            self._open.move_to_end(name)
            return found
        bars = self._fold.bars(series, year)
        found = self._open[name] = OpenYear.of(bars, self._texts.get(_name(series, year)))
        self._bars_kept += len(bars)
        while self._bars_kept > BARS_KEPT and len(self._open) > 1:
            other, closed = self._open.popitem(last=False)
            self._bars_kept -= len(closed.bars)
            self._texts.put(_name(*other), closed.text() if any(closed.lines) else b"")
        return found

    def _text(self, series: Series, year: int) -> bytes:
        if (series, year) not in self._open and (text := self._texts.get(_name(series, year))):
            return text
        return self._year(series, year).text()

    def _between(self, series: Series, year: int, first: date, last: date) -> list[Bar]:
        known = self._year(series, year)
        start = bisect_left(known.days, first) if year == first.year else 0
        stop = bisect_right(known.days, last) if year == last.year else len(known.days)
        return known.bars[start:stop]

    def _backwards(self, series: Series, years: list[int], first: date) -> Iterator[Bar]:
        """Yield the sessions before `first`, the newest first."""
        for year in reversed(years):
            if year <= first.year:
                known = self._year(series, year)
                stop = bisect_left(known.days, first) if year == first.year else len(known.days)
                yield from (known.bars[place] for place in range(stop - 1, -1, -1))

    def _onwards(self, series: Series, years: list[int], last: date) -> Iterator[Bar]:
        """Yield the sessions after `last`, the oldest first."""
        for year in years:
            if year >= last.year:
                known = self._year(series, year)
                start = bisect_right(known.days, last) if year == last.year else 0
                yield from (known.bars[place] for place in range(start, len(known.bars)))


def _name(series: Series, year: int) -> bytes:
    return f"{len(series.provider)} {series.provider}{series.ticker} {year}".encode("utf-8", "surrogatepass")
