"""Every series as its decisions lead to it, in constant memory: by it, states are known without any read model."""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import date
from itertools import groupby
from operator import lt

import msgspec

from ledger.chain import hashing
from ledger.codec import UNDECODABLE, Envelope, decode_as
from ledger.errors import DamagedError
from ledger.events import ValidationCompleted
from ledger.files.scratch import ScratchMap
from ledger.ingest.rules.actions import in_force
from ledger.market.series import Series
from ledger.market.series_state import actions_array, array_of, state_words
from ledger.values import ACCEPTED, Action, Bar, Basis, Count, Finding, Hash, Rank, Verdict, Window

_encode = msgspec.msgpack.Encoder().encode
_decode_bars = msgspec.msgpack.Decoder(list[Bar]).decode
_decode_each = msgspec.msgpack.Decoder(list[msgspec.Raw]).decode

LIVE_ITEMS = 50_000  # series, years and actions in memory; the others wait in the scratch map
DAY = slice(2, 12)  # of an encoded bar, an array whose first item is the day in 10 letters


class SeriesDecision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a decision says of its series; `before` and `after` None where it commits to nothing."""

    ticker: str
    provider: str
    basis: Basis
    rules_version: Count
    verdict: Verdict
    window: Window
    received: Count
    bars: tuple[Bar, ...]
    actions: tuple[Action, ...]
    before: Hash | None = None
    after: Hash | None = None
    rank: Rank | None = None
    withdrawn: tuple[date, ...] = ()
    partial: tuple[date, ...] = ()
    rejected: tuple[Finding, ...] = ()


Decided = SeriesDecision | ValidationCompleted  # the whole event where somebody has it decoded
DECIDED = (SeriesDecision, ValidationCompleted)


class HeldYear(msgspec.Struct, array_like=True):
    """A calendar year of a series: its leaf, how many bars it has, and the last of their days."""

    leaf: bytes
    bars: int
    last: date


class HeldSeries(msgspec.Struct, array_like=True):
    """A series between two decisions, but for its bars; `seq` is the newest accepted decision's, -1 before any.

    `rules_version` is the newest decision's. `state` is None where nothing has asked for it since a change.
    """

    basis: Basis | None = None
    rules_version: int = 0
    seq: int = -1
    state: bytes | None = None
    actions: tuple[Action, ...] = ()
    years: dict[int, HeldYear] = {}


_decode_held = msgspec.msgpack.Decoder(HeldSeries).decode
_decode_decision = msgspec.msgpack.Decoder(SeriesDecision).decode


def series_decision(envelope: Envelope) -> SeriesDecision | None:
    """Return what the event in `envelope` decides on its series, of whichever version; None where it is no decision.

    Raises: DamagedError; UnknownEventError.
    """
    if envelope.type == ValidationCompleted.TAG:
        try:
            return _decode_decision(envelope.data)
        except UNDECODABLE as error:
            raise DamagedError(envelope.seq, "data", expected=envelope.type, found=str(error)) from error
    if not envelope.type.startswith(ValidationCompleted.TAG.partition("/")[0]):
        return None
    event = decode_as(envelope, ValidationCompleted)
    return SeriesDecision(**{name: getattr(event, name) for name in SeriesDecision.__struct_fields__})


def commits(envelope: Envelope) -> bool:
    """Return whether the event in `envelope` is of a version whose decisions name the states that they lead to."""
    return envelope.type == ValidationCompleted.TAG


class LiveSeries(msgspec.Struct):
    """A series that was used lately: `key` is its name in the scratch map.

    `actions_array` is the msgpack array of its actions, empty where they changed since it was made; `leaves` are those
    of its years, in order.
    """

    held: HeldSeries
    key: bytes
    leaves: list[tuple[int, bytes]]
    actions_array: bytes = b""

    @property
    def items(self) -> int:
        """How many things it keeps in memory, about as large as each other."""
        return 1 + len(self.held.years) + len(self.held.actions)

    def year_key(self, year: int) -> bytes:
        """Return the name of one year's bars in the scratch map."""
        return b"y" + self.key + year.to_bytes(2, "big")

    def state_words(self, series: Series, basis: Basis) -> bytes:
        """Return the bytes of which the state of the series as it is held is the hash."""
        if not self.actions_array:
            self.actions_array = actions_array(self.held.actions)
        return state_words(series, basis, self.leaves, self.actions_array)

    def put_year(self, year: int, known: HeldYear) -> None:
        """Hold what is `known` of a year by now."""
        newest = self.leaves[-1][0] if self.leaves else 0
        self.held.years[year] = known
        if year == newest:
            self.leaves[-1] = year, known.leaf
        elif year > newest:
            self.leaves.append((year, known.leaf))
        else:
            self.leaves = _leaves(self.held)


def _leaves(held: HeldSeries) -> list[tuple[int, bytes]]:
    return [(year, known.leaf) for year, known in sorted(held.years.items())]


def put_among(count: int, held: bytes, fresh: Sequence[bytes]) -> tuple[bytes, int]:
    """Return the bars of one year, one after another, once `fresh` ones are put among them, and how many there are.

    `held` are the `count` that there were; both are in order of days. Looks at no bar before the first fresh one.
    """
    first, before_bytes = fresh[0][DAY], len(held)
    bars, by_day = _decode_each(array_of(count, held)), dict[bytes, bytes]()
    while bars and (bar := bytes(bars[-1]))[DAY] >= first:
        by_day[bar[DAY]] = bar
        before_bytes -= len(bar)
        bars.pop()
    by_day.update((bar[DAY], bar) for bar in fresh)
    after = [by_day[day] for day in sorted(by_day)]
    return b"".join((held[:before_bytes], *after)), len(bars) + len(after)


class SeriesFold:
    """All series of a log, decision by decision from seq 0 on."""

    def __init__(self, scratch: ScratchMap) -> None:
        self._scratch = scratch
        self._live: OrderedDict[Series, LiveSeries] = OrderedDict()
        self._last: tuple[Series, LiveSeries] | None = None  # of these the one that was used last
        self._items = 0
        self._hash = hashing()

    def held(self, series: Series) -> HeldSeries:
        """Return the series, but for its bars; not to be changed."""
        return self._used(series).held

    def bars(self, series: Series, year: int) -> list[Bar]:
        """Return the bars in force of one year, in order of days."""
        live = self._used(series)
        known = live.held.years.get(year)
        return [] if known is None else _decode_bars(array_of(known.bars, self._stored(live.year_key(year))))

    def apply(self, seq: int, decision: Decided, *, committing: bool) -> tuple[bytes | None, bytes | None]:
        """Hold what the decision at `seq` leads to; return the states before and after, where it is `committing`.

        Costs the years that it touches.
        """
        series = Series(decision.ticker, decision.provider)
        live = self._used(series)
        held = live.held
        before = held.state if committing else None
        if committing and before is None:
            before = self._hash(live.state_words(series, held.basis or decision.basis))
        if decision.verdict in ACCEPTED:
            changed = bool(decision.bars) or held.basis != decision.basis
            self._put_bars(live, decision.bars)
            # One that commits, and names no action, leaves all of them as they are.
            if (decision.actions or not committing) and self._put_actions(live, decision, committing=committing):
                changed = True
            held.seq = seq
            if committing:
                held.state = self._hash(live.state_words(series, decision.basis)) if changed else before
            else:
                held.state = None
        elif committing:
            held.state = before
        held.basis, held.rules_version = decision.basis, decision.rules_version
        return before, held.state

    def _put_actions(self, live: LiveSeries, decision: Decided, *, committing: bool) -> bool:
        """Hold the actions that are in force by then; return whether they are others."""
        held, kept = live.held.actions, live.held.actions
        if decision.received and not committing:
            # A decision of version 1 is complete for its window.
            start, end = decision.window.start, decision.window.end
            kept = tuple(action for action in held if not start <= action.ex_date <= end)
        if not decision.actions and kept == held:
            return False
        known = in_force(kept, decision.actions)
        if known == held:
            return False
        self._items += len(known) - len(held)
        live.held.actions, live.actions_array = known, b""
        return True

    def _used(self, series: Series) -> LiveSeries:
        last = self._last
        if last is not None and last[0] == series:
            return last[1]
        live = self._live.get(series)
        if live is None:
            live = self._opened(series)
        else:
            self._live.move_to_end(series)
        self._last = series, live
        return live

    def _opened(self, series: Series) -> LiveSeries:
        key = _encode((series.provider, series.ticker))  # two strings in msgpack: no such pair begins another
        stored = self._scratch.get(b"s" + key)
        held = HeldSeries() if stored is None else _decode_held(stored)
        live = self._live[series] = LiveSeries(held, key, _leaves(held))
        self._items += live.items
        while self._items > LIVE_ITEMS and len(self._live) > 1:
            _, other = self._live.popitem(last=False)
            self._items -= other.items
            self._scratch.put(b"s" + other.key, _encode(other.held))
        return live

    def _put_bars(self, live: LiveSeries, bars: Sequence[Bar]) -> None:
        if not bars:
            return
        first = newest = bars[0].date.year
        if len(bars) > 1:
            days = [bar.date for bar in bars]
            if not all(map(lt, days, days[1:])):
                bars = [bar for _, bar in sorted({bar.date: bar for bar in bars}.items())]
            first, newest = bars[0].date.year, bars[-1].date.year
        if first == newest:
            self._put_year(live, first, bars)
            return
        for year, of_year in groupby(bars, key=lambda bar: bar.date.year):
            self._put_year(live, year, list(of_year))

    def _put_year(self, live: LiveSeries, year: int, fresh: Sequence[Bar]) -> None:
        """Hold `fresh` bars of one year, in order of days."""
        known, key, count, last = live.held.years.get(year), live.year_key(year), len(fresh), fresh[-1].date
        added = _encode(fresh[0]) if count == 1 else b"".join(map(_encode, fresh))
        if known is None:
            joined = added
            self._items += 1
        elif known.last < fresh[0].date:
            joined, count = self._stored(key) + added, known.bars + count
        else:
            joined, count = put_among(known.bars, self._stored(key), list(map(_encode, fresh)))
            last = max(known.last, last)
        self._scratch.put(key, joined)
        live.put_year(year, HeldYear(self._hash(array_of(count, joined)), count, last))

    def _stored(self, key: bytes) -> bytes:
        stored = self._scratch.get(key)
        assert stored is not None  # noqa: S101 - put beside the year that names it
        return stored
