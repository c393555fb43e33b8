"""A part of a stored series, held against the state that its newest decision in the log commits to.

The leaf of each calendar year is kept beside the rows, so that a job reads the years that it looks at and nothing of
the others. A kept leaf is believed as little as a row: the leaves of the years that are read are worked out anew, and
all of them, with the actions in force, have to lead to the state in the log.

What is kept stays true of the decision that it was kept at; the years that later ones may have touched are read.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import MAXYEAR, MINYEAR
from itertools import starmap

import msgspec

from ledger.codec import UNDECODABLE
from ledger.ingest.rules.held import Held, Reach, beside
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.market.series_state import array, leaf_of_array, leaves_of, state
from ledger.values import Action, Bar
from projections.fold.keys import text_key
from projections.fold.tables import State, Table, Tables, encode
from projections.models import corporate_actions, decisions, prices
from projections.store.logged_decisions import commitment
from projections.store.mending import UNSOUND, Mending

DECISIONS_MAX = 16  # read again and again past what is kept, before it is kept anew
KEPT_MAX = 10_000  # series whose leaves one view keeps


class KeptLeaves(msgspec.Struct, frozen=True, array_like=True):
    """What the decisions on a series led to, up to the one at `seq`: the leaf of each year and the actions in force."""

    seq: int
    leaves: dict[int, bytes]
    actions: tuple[Action, ...]


NOTHING_KEPT = KeptLeaves(-1, {}, ())

_decode_kept = msgspec.msgpack.Decoder(KeptLeaves).decode
_decode_bars = msgspec.msgpack.Decoder(list[Bar]).decode


class Windows:
    """Reads parts of series from one view of a store, and notes what leaves are worth keeping."""

    def __init__(self, log: LogSource, stored: State, kept: Table, mending: Mending) -> None:
        """Read rows as they are `stored`, and `kept` leaves; what does not hold is `mending`'s."""
        self._log = log
        self._stored = stored
        self._kept = kept
        self._mending = mending
        self._gaps: dict[str, tuple[bytes, bytes | None]] = {}  # by table: a key, and that of the first row from it on
        self.noted: dict[bytes, bytes] = {}  # rows for `Store.keep`

    def held(self, series: Series, reach: Reach | None) -> Held:
        """Return the series as it is held now, as far as `reach` looks; for None, or where only that holds, whole."""
        if self._mending.sound is None:
            try:
                part = self._part(series, reach) if self._has_rows(series) else Held({})
            except UNSOUND as error:
                self._mending.folded(str(error))
            else:
                if part is not None:
                    return part
        tables = self._mending.state[prices.NAME]
        whole = prices.held(tables, series)
        newest = decisions.newest(tables, series)
        if newest is not None and newest.after is not None:
            self._note(series, newest.seq, leaves_of(whole.bars.values()), whole.actions)
        return whole

    def _has_rows(self, series: Series) -> bool:
        """Return whether anything is stored of the series: a file has thousands of which nothing is."""
        bars, key = text_key(series.provider, series.ticker), _key(series)
        return any(starmap(self._has_row, (("newest", key), (prices.DECIDED, key), (prices.BARS, bars))))

    def _has_row(self, table: str, prefix: bytes) -> bool:
        first, found = self._gaps.get(table, (b"", b""))
        # What was not found from a key on is not there further on either: the view holds still.
        if not first <= prefix or (found is not None and found < prefix):
            # Nothing is decoded: a row that is none is a row.
            row = next(self._stored[prices.NAME][table].scan(start=prefix), None)
            found = None if row is None else row[0]
            self._gaps[table] = prefix, found
        return found is not None and found.startswith(prefix)

    def _part(self, series: Series, reach: Reach | None) -> Held | None:
        """Return what is wanted of the series, None where it does not lead to the state in the log, or to none.

        Raises: what reading a damaged row or a damaged log raises.
        """
        tables = self._stored[prices.NAME]
        try:
            newest, stored = decisions.newest(tables, series), self._kept.get(_key(series))
            kept = NOTHING_KEPT if stored is None else _decode_kept(stored)
            if newest is None or kept.seq > newest.seq or decisions.lost(tables, series, newest.seq):
                return None
            committed = commitment(self._log, newest.seq)
            since = tuple(decisions.decisions(tables, series, start=kept.seq + 1))
            if committed is None or Series(committed.ticker, committed.provider) != series:
                return None
            if committed.after is None or any(one.after is None for one in since):
                return None
            # Where bars may have changed: a row outside its window is rejected.
            spans = [
                range(one.window.start.year, one.window.end.year + 1) for one in since if one.accepted and one.rows
            ]
            years = _Years(tables, series, kept, changed=[] if reach is None else list(dict.fromkeys(spans)))
            bars = years.all_bars() if reach is None else years.bars(reach)
            actions = corporate_actions.known(since, kept.actions)
        except (*UNDECODABLE, ValueError):
            return None
        led_to = state(series, committed.basis, years.leaves, actions)
        if led_to != committed.after:
            return None
        if len(since) > DECISIONS_MAX or years.beyond_reach or not kept.leaves.keys() <= years.leaves.keys():
            self._note(series, newest.seq, years.leaves, actions)
        ranks = prices.held_ranks(tables, series, prices.EVER if reach is None else reach.days)
        own = {bar.date: bar for bar in bars}
        basis, leaves, encoded = committed.basis, years.leaves, years.encoded
        return Held(own, actions, basis, reach, leaves, ranks, encoded=encoded, state=led_to)

    def _note(self, series: Series, seq: int, leaves: dict[int, bytes], actions: tuple[Action, ...]) -> None:
        if len(self.noted) < KEPT_MAX:
            self.noted[_key(series)] = encode(KeptLeaves(seq, leaves, actions))


class _Years:
    """The years of one series: the leaf of each, and the bars of those that are read, read when they are asked for."""

    def __init__(self, tables: Tables, series: Series, kept: KeptLeaves, *, changed: Sequence[range]) -> None:
        self._tables = tables
        self._series = series
        self._bars: dict[int, list[Bar]] = {}
        self._encoded: dict[int, list[bytes]] = {}
        self._read_years: set[int] = set()
        self.encoded: dict[int, list[bytes]] = {}  # of the years whose bars were handed out
        self.leaves = dict(kept.leaves)
        self.beyond_reach = False  # whether a year was read for want of its leaf alone
        for span in changed:
            self._read(span.start, span.stop - 1)

    def bars(self, reach: Reach) -> list[Bar]:
        """Return the bars of the years that `reach` needs, by date; their leaves are worked out by then."""
        changed = set(self._read_years)
        first, last = reach.days.start.year, reach.days.end.year
        self._read(first, last)
        looked_at = set(range(first, last + 1))
        if reach.ends:
            # Of a year that is kept and has no row the next one is the first: it is the bar that has to be there.
            ends = (next(self._away(MINYEAR, 1), None), next(self._away(MAXYEAR, -1), None))
            looked_at |= {bar.date.year for bar in ends if bar is not None}
        before = (bar for bar in self._away(first, -1) if bar.date < reach.days.start)
        after = (bar for bar in self._away(last, 1) if bar.date > reach.days.end)
        for away in (before, after):
            looked_at |= {bar.date.year for bar in beside(away, and_next=True)}
        self.beyond_reach = not changed & self.leaves.keys() <= looked_at
        found = [bar for year in sorted(looked_at & self.leaves.keys()) for bar in self._year(year)]
        self.encoded = {year: one for year, one in self._encoded.items() if year in looked_at}
        return found

    def all_bars(self) -> list[Bar]:
        """Return every bar, by date; no leaf that was kept is left."""
        self.encoded = prices.held_years(self._tables, self._series).bars
        whole = {year: array(encoded) for year, encoded in self.encoded.items()}
        self.leaves = {year: leaf_of_array(bars) for year, bars in whole.items()}
        self.beyond_reach = False
        return [bar for bars in whole.values() for bar in _decode_bars(bars)]

    def _away(self, year: int, step: int) -> Iterator[Bar]:
        """Yield the bars from `year` on, backwards for a step of -1, reading year after year."""
        known = sorted(self.leaves)
        away = known[bisect_left(known, year) :] if step > 0 else known[: bisect_right(known, year)]
        for each in away[::step]:
            yield from self._year(each)[::step]

    def _year(self, year: int) -> list[Bar]:
        self._read(year, year)
        return self._bars.get(year, [])

    def _read(self, first: int, last: int) -> None:
        unread = [year for year in range(first, last + 1) if year not in self._read_years]
        if not unread:
            return
        self._read_years.update(unread)
        found = prices.held_years(self._tables, self._series, unread[0], unread[-1]).bars
        for year in unread:
            if year not in found:
                self.leaves.pop(year, None)
        for year, encoded in found.items():
            bars = array(encoded)
            self.leaves[year] = leaf_of_array(bars)
            self._bars[year], self._encoded[year] = _decode_bars(bars), encoded


def _key(series: Series) -> bytes:
    return text_key(series.ticker, series.provider)
