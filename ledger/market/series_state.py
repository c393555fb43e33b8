"""The state of a series: one hash over every bar and action held, so that a decision can name what it leads to. Pure.

Two levels keep a change cheap: a leaf covers the bars of one calendar year, and the state covers the leaves.
What one decision changes costs the years that it touches, at any length of the series.

Source: docs/format.md, "State of a series".
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import groupby

import msgspec
from blake3 import blake3

from ledger.market.series import Series
from ledger.values import Action, Bar

DOMAIN = b"b3-ledger series v1"
HASH_BYTES = 32

_FIXARRAY = 0x90  # a msgpack array of up to 15 items names their count in its first byte
_FIXARRAY_LIMIT = 16
_ARRAY16, _ARRAY32 = b"\xdc", b"\xdd"
_ARRAY16_LIMIT = 2**16

_encode = msgspec.msgpack.Encoder().encode


def array(bars: Iterable[bytes]) -> bytes:
    """Return the msgpack array of the bars of one calendar year, by date, each as a decision holds it."""
    items = list(bars)
    return array_of(len(items), b"".join(items))


def array_of(count: int, items: bytes) -> bytes:
    """Return the msgpack array of `count` items, which `items` are one after another."""
    if count < _FIXARRAY_LIMIT:
        return bytes([_FIXARRAY | count]) + items
    header = _ARRAY16 + count.to_bytes(2, "big") if count < _ARRAY16_LIMIT else _ARRAY32 + count.to_bytes(4, "big")
    return header + items


def leaf(bars: Iterable[bytes]) -> bytes:
    """Return the hash of one calendar year: BLAKE3 of the msgpack `array` of its bars."""
    return leaf_of_array(array(bars))


def leaf_of_array(bars: bytes) -> bytes:
    """Return the hash of one calendar year of which `bars` is the `array`."""
    return blake3(bars).digest()


def leaf_of(bars: list[Bar]) -> bytes:
    """Return the leaf of the bars of one calendar year, by date."""
    return blake3(_encode(bars)).digest()


def leaves_of(bars: Iterable[Bar]) -> dict[int, bytes]:
    """Return the leaf of each year of `bars`, which come by date."""
    by_year = groupby(bars, key=lambda bar: bar.date.year)
    return {year: leaf_of(list(of_year)) for year, of_year in by_year}


def state(series: Series, basis: str, leaves: Mapping[int, bytes], actions: Iterable[Action]) -> bytes:
    """Return the hash of a whole series.

    `leaves` are those of the years in which anything is held; `actions` are all that hold, equal ones as often as
    they do. A series without a decision has neither. O(years + actions).
    """
    return state_over(series, basis, sorted(leaves.items()), actions_array(actions))


def actions_array(actions: Iterable[Action]) -> bytes:
    """Return the msgpack array of the actions that hold, sorted by their own bytes."""
    encoded = sorted(map(_encode, actions))
    return array_of(len(encoded), b"".join(encoded))


def state_over(series: Series, basis: str, leaves: Sequence[tuple[int, bytes]], actions: bytes) -> bytes:
    """Return what `state` does, of the leaf of each year in order, and the `actions_array` of what holds."""
    return blake3(state_words(series, basis, leaves, actions)).digest()


def state_words(series: Series, basis: str, leaves: Sequence[tuple[int, bytes]], actions: bytes) -> bytes:
    """Return the bytes of which `state_over` is the hash."""
    return DOMAIN + _encode((series.provider, series.ticker, basis, leaves, msgspec.Raw(actions)))


class YearlyBars:
    """The bars of a series by calendar year, and the leaf of each year, hashed again only where a bar was put."""

    def __init__(self) -> None:
        """Begin with a series that holds nothing."""
        self._years: dict[int, dict[date, bytes]] = {}
        self._leaves: dict[int, bytes] = {}
        self._touched: set[int] = set()
        self._unsorted: set[int] = set()

    def put(self, day: date, bar: bytes) -> None:
        """Hold `bar`, in its msgpack bytes, for `day`, in place of the one held for it."""
        year = day.year
        bars = self._years.setdefault(year, {})
        if day not in bars and bars and next(reversed(bars)) > day:
            self._unsorted.add(year)
        bars[day] = bar
        self._touched.add(year)

    def leaves(self) -> dict[int, bytes]:
        """Return the leaf of every year that holds a bar; costs the years touched since the last call."""
        for year in self._unsorted:
            self._years[year] = dict(sorted(self._years[year].items()))
        for year in self._touched:
            self._leaves[year] = leaf(self._years[year].values())
        self._unsorted.clear()
        self._touched.clear()
        return dict(self._leaves)
