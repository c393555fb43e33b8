"""Prices by trading day and by when the ledger learned them: latest, as of any position, and every revision.

Tables:
- `bars`: (provider, ticker, date, seq) -> [bar or nil, recorded_at]. Changes only; a nil bar records that the
  provider withdrew the date, and the version before it stays in force.
- `decided`: (ticker, provider, seq) -> decision; see `projections.models.decisions`.
- `series`: (ticker, provider) -> empty. Which series there are.
- `newest`: (ticker, provider) -> seq; see `projections.models.decisions`.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import MAXYEAR, date
from typing import NamedTuple

import msgspec

from ledger.codec import Envelope
from ledger.events import ValidationCompleted
from ledger.ingest.providers import registry
from ledger.ingest.rules import ranks
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.ranks import RankedAnswer
from ledger.market.series import Series
from ledger.market.series_state import array_of
from ledger.values import Action, Bar, Rank, Window
from projections.fold.event_readers import Fact
from projections.fold.keys import DAY_BYTES, SEQ_BYTES, TEXT_END, day_key, last_seq, seq_key, text_key, two_texts
from projections.fold.tables import Row, Tables, encode
from projections.models import decisions

NAME = "prices"
VERSION = 4
SERIES_TEXTS = 2  # a key names a series by its ticker and its provider
OF_SERIES = BARS, DECIDED = ("bars", "decided")  # the tables whose rows are of one series each


class Version(msgspec.Struct, frozen=True, kw_only=True):
    """What one decision made of one trading day; `bar` None where it found the day withdrawn."""

    date: date
    seq: int
    recorded_at: int
    bar: Bar | None


class HeldBars(NamedTuple):
    """The bars in force, by day; of each the seq of the decision that made it, and when that was recorded."""

    bars: list[Bar]
    seqs: list[int]
    recorded: list[int]


class HeldYears(NamedTuple):
    """The bars in force by calendar year and day, in the msgpack of their decisions, and what is stored of each day.

    `places` are those of the bars in force among the rows, in order of days.
    """

    bars: dict[int, list[bytes]]
    keys: list[bytes]
    rows: "list[_EncodedBar]"
    places: list[int]

    def versions(self) -> Mapping[tuple[bytes, int], int]:
        """Return how many versions there are of each (seq as in a key, recorded_at)."""
        return Counter((key[-SEQ_BYTES:], row.recorded_at) for key, row in zip(self.keys, self.rows, strict=True))

    def until(self, position: int | None) -> "HeldYears":
        """Return this as it was once `position` events were read (None: all)."""
        past = None if position is None else seq_key(position)
        if past is None or all(key[-SEQ_BYTES:] < past for key in self.keys):
            return self
        known = [(key, row) for key, row in zip(self.keys, self.rows, strict=True) if key[-SEQ_BYTES:] < past]
        return _held([key for key, _ in known], [row for _, row in known])


class _StoredBar(msgspec.Struct, frozen=True, array_like=True, gc=False):
    bar: Bar | None
    recorded_at: int


class _EncodedBar(msgspec.Struct, frozen=True, array_like=True, gc=False):
    bar: msgspec.Raw
    recorded_at: int


NIL = b"\xc0"
ROW = b"\x92"  # what a `_StoredBar` begins with in msgpack: an array of two
EVER = Window(date.min, date.max)

_decode_row = msgspec.msgpack.Decoder(_StoredBar).decode
_decode_bars = msgspec.msgpack.Decoder(list[Bar]).decode
_decode_encoded_rows = msgspec.msgpack.Decoder(list[_EncodedBar]).decode


class Prices:
    """The fold of decisions into bars and actions."""

    name = NAME
    version = VERSION
    tables = ("bars", "decided", "series", "newest")
    rewritten = frozenset({"series", "newest"})
    reads = frozenset({ValidationCompleted.TAG})

    def apply(self, tables: Tables, envelope: Envelope, fact: Fact) -> None:
        """Add the decision, what it accepted and what it found withdrawn; costs its rows."""
        assert isinstance(fact, ValidationCompleted)  # noqa: S101 - the only tag in `reads`
        if fact.bars or fact.withdrawn:
            tables["series"].put(text_key(fact.ticker, fact.provider), b"")
        store = tables["bars"].store
        prefix, seq = text_key(fact.provider, fact.ticker), seq_key(envelope.seq)
        for day in fact.withdrawn:
            store(prefix + day_key(day) + seq, _StoredBar(None, envelope.recorded_at))
        # Bars come last: one that was accepted is never hidden by what else the decision says of its day.
        # A file brings hundreds of a series: what their rows have in common is encoded once.
        tail = encode(envelope.recorded_at)
        rows = [(prefix + day_key(bar.date) + seq, ROW + encode(bar) + tail) for bar in fact.bars]
        tables["bars"].put_all(rows)
        decisions.put(tables, envelope, fact)


def versions(tables: Tables, series: Series) -> Iterator[Version]:
    """Yield every version of the series, by day and then by seq; one prefix scan."""
    prefix = text_key(series.provider, series.ticker)
    tables["bars"].hold_past(prefix)
    return _versions(tables["bars"].scan(prefix))


def on_day(tables: Tables, series: Series, day: date, position: int | None = None) -> Version | None:
    """Return the bar in force on `day` once `position` events are read (None: all), None where none is; one scan."""
    prefix = text_key(series.provider, series.ticker)
    found = list(_versions(tables["bars"].scan(prefix + day_key(day))))
    if position is not None and any(one.seq >= position for one in found):
        tables["bars"].hold_past(prefix, position)
        found = [one for one in _versions(tables["bars"].scan(prefix + day_key(day))) if one.seq < position]
    return next((one for one in reversed(found) if one.bar is not None), None)


def _versions(rows: Iterable[Row]) -> Iterator[Version]:
    for key, value in rows:
        row = _decode_row(value)
        ordinal = int.from_bytes(key[-SEQ_BYTES - DAY_BYTES : -SEQ_BYTES], "big")
        yield Version(date=date.fromordinal(ordinal), seq=last_seq(key), recorded_at=row.recorded_at, bar=row.bar)


def bars(tables: Tables, series: Series, position: int | None = None) -> dict[date, Bar]:
    """Return the bar in force on each day, in order of days, once `position` events are read (None: all).

    One prefix scan over the series' versions.
    """
    return {bar.date: bar for bar in _decoded_bars(_then(tables, series, position))}


def in_force(tables: Tables, series: Series, position: int | None = None) -> HeldBars:
    """Return what `bars` does, each beside the decision that it holds since."""
    found = _then(tables, series, position)
    return HeldBars(
        _decoded_bars(found),
        [last_seq(found.keys[place]) for place in found.places],
        [found.rows[place].recorded_at for place in found.places],
    )


def held_years(tables: Tables, series: Series, first: int | None = None, last: int = MAXYEAR) -> HeldYears:
    """Return what is held of the series in the years `first` to `last`, nothing of it decoded; costs their rows.

    None: in all years.
    """
    if first is None:
        return _whole(tables, series)
    prefix = text_key(series.provider, series.ticker)
    start, stop = prefix + day_key(date(first, 1, 1)), prefix + _past_year(last)
    return _held_of(tables["bars"].between(prefix, start, stop))


def _then(tables: Tables, series: Series, position: int | None) -> HeldYears:
    found = _whole(tables, series)
    if found.until(position) is found:
        return found
    tables["bars"].hold_past(text_key(series.provider, series.ticker), position)
    return _whole(tables, series).until(position)


def _whole(tables: Tables, series: Series) -> HeldYears:
    return tables["bars"].whole(text_key(series.provider, series.ticker), _held_of)


def _held_of(stored: Sequence[Row]) -> HeldYears:
    # One call for them all: they are read whole by every run, and a call each costs as much as the rest.
    rows = _decode_encoded_rows(array_of(len(stored), b"".join([value for _, value in stored])))
    return _held([key for key, _ in stored], rows)


def _held(keys: list[bytes], rows: "list[_EncodedBar]") -> HeldYears:
    """Return the bars in force of versions by day and seq: of each day the last one that is no withdrawal."""
    encoded = [bytes(row.bar) for row in rows]
    days = [key[-SEQ_BYTES - DAY_BYTES : -SEQ_BYTES] for key in keys]
    # A day keeps the place at which it came first, so that these are in order of days.
    newest = {day: place for place, day in enumerate(days) if encoded[place] != NIL}
    held, places = list(newest), list(newest.values())
    bars: dict[int, list[bytes]] = {}
    start = 0
    while start < len(held):
        year = date.fromordinal(int.from_bytes(held[start], "big")).year
        stop = bisect_left(held, _past_year(year), start)
        bars[year] = [encoded[place] for place in places[start:stop]]
        start = stop
    return HeldYears(bars, keys, rows, places)


def _decoded_bars(held: HeldYears) -> list[Bar]:
    encoded = [bar for of_year in held.bars.values() for bar in of_year]
    return _decode_bars(array_of(len(encoded), b"".join(encoded)))


def _past_year(year: int) -> bytes:
    """Return the key of the day after the last one of `year`."""
    return (date(year, 12, 31).toordinal() + 1).to_bytes(DAY_BYTES, "big")


def is_held(tables: Tables, series: Series) -> bool:
    """Return whether any version of the series is stored."""
    return next(tables["bars"].scan(text_key(series.provider, series.ticker)), None) is not None


def holding(tables: Tables, series: Series, position: int | None = None) -> dict[date, Version]:
    """Return what `bars` does, each bar as the version that records since when it is in force."""
    return {
        bar.date: Version(date=bar.date, seq=seq, recorded_at=recorded_at, bar=bar)
        for bar, seq, recorded_at in zip(*in_force(tables, series, position), strict=True)
    }


def actions(tables: Tables, series: Series, position: int | None = None) -> tuple[Action, ...]:
    """Return the corporate actions known once `position` events are read (None: all), by day and kind."""
    # Imported here: a command that reports how ingest goes needs no dividends.
    from projections.models import corporate_actions

    return corporate_actions.known(decisions.decisions(tables, series, position))


def held(tables: Tables, series: Series) -> Held:
    """Return what new evidence is judged against: the series as it is held now."""
    newest = decisions.newest(tables, series)
    return Held(
        bars=bars(tables, series),
        actions=actions(tables, series),
        basis=None if newest is None else newest.basis,
        ranks=held_ranks(tables, series, EVER),
    )


def first_held(tables: Tables, series: Series, days: Window) -> dict[date, int]:
    """Return each of `days` that is held of the series, with the seq of the decision that first gave it a bar."""
    first: dict[date, int] = {}
    prefix, end = text_key(series.provider, series.ticker), day_key(days.end)
    for key, value in tables["bars"].scan(prefix, start=prefix + day_key(days.start)):
        if key[-SEQ_BYTES - DAY_BYTES : -SEQ_BYTES] > end:
            break
        bar = _decode_row(value).bar
        if bar is not None:
            first.setdefault(bar.date, last_seq(key))
    return first


def held_ranks(tables: Tables, series: Series, days: Window) -> dict[date, Rank]:
    """Return the rank of each of `days` that is held of a series that files are brought of.

    Costs the versions of these days, and, where there are any, the decisions since the first of them.
    """
    if not registry.brought_by_hand(series.provider):
        return {}
    first = first_held(tables, series, days)
    if not first:
        return {}
    since = decisions.decisions(tables, series, start=min(first.values()))
    return ranks.of_days(
        first,
        (
            RankedAnswer(one.seq, one.rank, one.window, (*one.withdrawn, *one.partial, *one.rejected))
            for one in since
            if one.accepted
        ),
    )


def series_of(table: str, key: bytes) -> Series | None:
    """Return the series whose bars or decisions lie at `key` of `table`, None where it names no one series."""
    if table not in OF_SERIES or key.count(TEXT_END) < SERIES_TEXTS:
        return None
    first, second = two_texts(key)
    return Series(second, first) if table == BARS else Series(first, second)


def all_series(tables: Tables, ticker: str | None = None) -> tuple[Series, ...]:
    """Return every series that has at least one version (of `ticker`, where given), by ticker and provider.

    One scan of both tables that name series, since a row of one may be lost; a look-up for those that are in one alone.
    """
    prefix = b"" if ticker is None else text_key(ticker)
    named = {key for key, _ in tables["series"].scan(prefix)}
    decided = {key for key, _ in tables["newest"].scan(prefix)}
    alone = {key: Series(*two_texts(key)) for key in decided - named}
    named |= {key for key, series in alone.items() if is_held(tables, series)}
    return tuple(Series(*two_texts(key)) for key in sorted(named))


def tickers(tables: Tables) -> tuple[str, ...]:
    """Return the tickers that have a series, in order."""
    return tuple(dict.fromkeys(one.ticker for one in all_series(tables)))
