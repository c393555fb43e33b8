"""Bars as columns, many series at once: a row at a time costs ten times what writing it does.

They come as they are stored, in msgpack, whose tags say how long each value is: as rows of the table `bars`,
`[bar or nil, recorded_at]`, or as decisions hold them, one bar behind the other.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from projections.fold.keys import DAY_BYTES, SEQ_BYTES

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

KEY_BYTES = DAY_BYTES + SEQ_BYTES  # of a key, its end: day and seq
PRICES = ("open", "high", "low", "close")
EPOCH_ORDINAL = 719_163  # 1970-01-01 as the proleptic ordinal of a day

_KEY = np.dtype([("day", ">u4"), ("seq", ">u8")])
_PAIR, _BAR, _DAY_TEXT, _NIL = 0x92, 0x97, 0xAA, 0xC0
_DAY_BEGINS, _DAY_CHARS = 2, 10  # of a bar: 2026-02-13
_DASH_BITS, _DASHES = (np.uint64(int.from_bytes(of, "big")) for of in (b"\0\0\0\0\xff\0\0\xff", b"\0\0\0\0-\0\0-"))
_ZERO = ord("0")
_TEN, _HUNDRED, _MONTHS, _EPOCH_YEAR = 10, 100, 12, 1970
# Eight characters as one number: what they are less their digits, what makes of all but digits and dashes a high bit.
_PLAIN, _NO_DIGIT, _HIGH_BITS = (
    np.uint64(int.from_bytes(of, "big")) for of in (b"0000-00-", b"vvvv\x7fvv\x7f", b"\x80" * 8)
)
_WORD_BYTES = 8
_SIZES = np.zeros(256, np.int64)  # how many bytes follow the tag of an integer
for _first in (0xCC, 0xD0):
    _SIZES[_first : _first + 4] = (1, 2, 4, 8)
_INTEGER = (_SIZES > 0) | (np.arange(256) < 0x80) | (np.arange(256) >= 0xE0)  # noqa: PLR2004 - integers that are tags
_UNSIGNED = 0xCF  # of eight bytes: the only ones that may not fit
_USUAL, _USUAL_BYTES = 0xCE, 4  # of four bytes without a sign: nearly every price and number of shares
_SHIFTS = np.minimum(64 - 8 * _SIZES, 63)
# How a bar begins: its day, and its prices as nearly all of them are. Read in one step, of many bars at once.
_BEGIN = np.dtype(
    [
        *(("tag", "u1"), ("day_tag", "u1"), ("month", ">u8"), ("tens", "u1"), ("ones", "u1")),
        *((part, kind) for name in PRICES for part, kind in ((f"{name}_tag", "u1"), (name, ">u4"))),
    ]
)


class BarColumns(NamedTuple):
    """Versions as columns, prices in millionths of a real, days since 1970-01-01.

    Where not `present` a version is a withdrawal, and its values mean nothing; where not `adjusted` its `adj_close`.
    The msgpack of bar `i` is `blob[starts[i]:stops[i]]`.
    """

    days: Ints
    seqs: Ints
    recorded: Ints
    present: Flags
    values: dict[str, Ints]
    adjusted: Flags
    blob: bytes
    starts: Ints
    stops: Ints


class DecidedBars(NamedTuple):
    """What the decision at `seq` made of the series `number`: its bars in msgpack, how many, and the days withdrawn."""

    number: int
    seq: int
    recorded_at: int
    size: int
    bars: bytes | memoryview
    withdrawn: Sequence[int] = ()


class _ReadBars(NamedTuple):
    days: Ints
    values: dict[str, Ints]
    adjusted: Flags
    stops: Ints


def columns(keys: bytes, rows: Sequence[bytes], *, trailing: int = 0) -> BarColumns:
    """Return the columns of `rows`, less the `trailing` bytes of each; `keys` are the ends of their keys, one by one.

    Raises: ValueError for a row that is none.
    """
    padded, view = _padded(rows)
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    ends = np.cumsum(lengths)
    starts = ends - lengths + 1
    ordinals, seqs = (np.frombuffer(keys, _KEY)[name].astype(np.int64) for name in ("day", "seq"))
    days, present = ordinals - EPOCH_ORDINAL, view[starts] == _BAR
    _want(view[starts - 1] == _PAIR, present | (view[starts] == _NIL))
    found = _bars(padded, starts[present])
    _want(found.days == days[present])
    at = _spread(found.stops, present, starts + 1)
    recorded, nil, stops = _integers(padded, at)
    _want(~nil, stops == ends - trailing)
    nothing = np.zeros(len(rows), np.int64)
    values = {name: _spread(of, present, nothing) for name, of in found.values.items()}
    adjusted = _spread(found.adjusted, present, present)
    return BarColumns(days, seqs, recorded, present, values, adjusted, padded, starts, at)


def of_decisions(made: Sequence[DecidedBars]) -> tuple[BarColumns, Ints]:
    """Return the columns of what decisions made, by series, day and seq, and which series each row is of.

    Raises: ValueError for bytes that are no bars, and where a decision has two rows of a day.
    """
    padded, view = _padded([one.bars for one in made])
    sizes = [len(one.bars) for one in made]
    starts = np.flatnonzero(view[: sum(sizes)] == _BAR)
    starts = starts[_begun(padded, starts)]
    counts = np.array([one.size for one in made], np.int64)
    found = _bars(padded, starts)
    # Each bar begins where the one before it ends, so that they are those of the bytes and no others.
    edges = np.append(starts, sum(sizes))
    _want(edges[:1] == 0, np.array([len(starts) == counts.sum()]), found.stops == edges[1:])
    _want(edges[np.cumsum(counts)] == np.cumsum(sizes))
    withdrawn = np.array([len(one.withdrawn) for one in made], np.int64)
    none = np.zeros(withdrawn.sum(), np.int64)
    said = (np.array([one[place] for one in made], np.int64) for place in range(3))
    numbers, seqs, recorded = (_followed(np.repeat(of, counts), np.repeat(of, withdrawn)) for of in said)
    days = _followed(found.days, np.array([day for one in made for day in one.withdrawn], np.int64))
    order = slice(None) if _ascending(numbers, days, seqs) else np.lexsort((seqs, days, numbers))
    whole = BarColumns(
        days[order],
        seqs[order],
        recorded[order],
        (np.arange(len(days)) < len(starts))[order],
        {name: _followed(values, none)[order] for name, values in found.values.items()},
        _followed(found.adjusted, none.astype(np.bool_))[order],
        padded,
        _followed(starts, none)[order],
        _followed(found.stops, none)[order],
    )
    numbers = numbers[order]
    _want(np.array([isinstance(order, slice) or _ascending(numbers, whole.days, whole.seqs)]))
    return whole, numbers


def _followed(first: NDArray[Any], then: NDArray[Any]) -> NDArray[Any]:
    """Return `first`, and `then` behind it; mostly there is nothing behind it, and nothing is copied."""
    return np.concatenate((first, then)) if len(then) else first


def _ascending(numbers: Ints, days: Ints, seqs: Ints) -> bool:
    """Return whether rows come by series, day and seq, no two alike."""
    later = seqs[1:] > seqs[:-1]
    for column in (days, numbers):
        later = (column[1:] > column[:-1]) | ((column[1:] == column[:-1]) & later)
    return bool(later.all())


def in_force(found: BarColumns, series: Ints, position: int | None = None) -> Ints:
    """Return which rows are in force once `position` events are read (None: all), by series and day.

    `series` numbers the series of each row. Rows come by series, day and seq.
    """
    seen = found.present if position is None else found.present & (found.seqs < position)
    rows = np.flatnonzero(seen)
    days, of = (one[taken(rows, len(series))] for one in (found.days, series))
    newest = np.ones(len(rows), np.bool_)
    newest[:-1] = (days[1:] != days[:-1]) | (of[1:] != of[:-1])
    return rows[newest]


def taken(rows: Ints, size: int) -> Ints | slice:
    """Return what takes these `rows`, ascending, of a column of `size`: where they are all, without a copy."""
    return slice(None) if len(rows) == size else rows


def years(days: Ints) -> Ints:
    """Return the calendar year of each day."""
    least = days.min() if len(days) else 0
    span = int(days.max() - least) + 1 if len(days) else 0
    # Of many series there are fewer days than rows, and looking one up costs a tenth.
    asked = np.arange(least, least + span) if span < len(days) else days
    found: Ints = asked.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + _EPOCH_YEAR
    return found if asked is days else found[days - least]


def _padded(parts: Sequence[bytes | memoryview]) -> tuple[bytes, NDArray[np.uint8]]:
    """Return the parts as one, with zeros behind, which a row that is cut short reads, and those as numbers."""
    padded = b"".join([*parts, bytes(_WORD_BYTES * 16)])
    return padded, np.frombuffer(padded, np.uint8)


def _begins(padded: bytes, starts: Ints) -> NDArray[Any]:
    """Return what `_BEGIN` names of the bars that begin at `starts`."""
    size = _BEGIN.itemsize
    # Taken as bytes without a meaning: numpy copies those of each bar at once, and fields one by one.
    whole = np.ndarray((len(padded) - size + 1,), f"V{size}", padded, strides=(1,))
    found: NDArray[Any] = whole[starts].view(_BEGIN)
    return found


def _begun(padded: bytes, starts: Ints) -> Flags:
    """Return at which of `starts`, where the byte of a bar is, one begins: else it lies within a number."""
    found = _begins(padded, starts)
    begun: Flags = (found["day_tag"] == _DAY_TEXT) & (found["month"].astype(np.uint64) & _DASH_BITS == _DASHES)
    return begun


def _bars(padded: bytes, starts: Ints) -> _ReadBars:
    """Return the bars that begin at `starts`.

    Raises: ValueError where there is none.
    """
    begins, at = _begins(padded, starts), starts + _BEGIN.itemsize
    _want(begins["day_tag"] == _DAY_TEXT)
    values = {name: begins[name].astype(np.int64) for name in PRICES}
    odd = np.flatnonzero(np.any([begins[f"{name}_tag"] != _USUAL for name in PRICES], axis=0))
    if len(odd):
        at_odd = starts[odd] + _DAY_BEGINS + _DAY_CHARS
        for name in PRICES:
            values[name][odd], nil, at_odd = _integers(padded, at_odd)
            _want(~nil)
        at[odd] = at_odd
    values["adj_close"], unadjusted, at = _integers(padded, at)
    values["volume"], nil, at = _integers(padded, at)
    _want(~nil)
    return _ReadBars(_days(begins), values, ~unadjusted, at)


def _spread(values: NDArray[Any], present: Flags, other: NDArray[Any]) -> NDArray[Any]:
    """Return the values in their order where `present`, and those of `other` elsewhere."""
    if len(values) == len(present):
        return values
    found = other.copy()
    found[present] = values
    return found


def _integers(padded: bytes, at: Ints) -> tuple[Ints, Flags, Ints]:
    """Return the integers of msgpack at `at`, which of them are nil, and where what follows begins.

    Raises: ValueError for anything else there, and for what no 64 bits with a sign hold.
    """
    tags = np.frombuffer(padded, np.uint8)[at]
    nil = tags == _NIL
    if nil.all():
        return np.zeros(len(at), np.int64), nil, at + 1
    found, after = _words(padded, ">u4")[at + 1].astype(np.int64), np.where(nil, at + 1, at + 1 + _USUAL_BYTES)
    odd = np.flatnonzero((tags != _USUAL) & ~nil)
    if len(odd):
        found[odd], after[odd] = _odd_integers(padded, at[odd], tags[odd])
    return found, nil, after


def _odd_integers(padded: bytes, at: Ints, tags: NDArray[np.uint8]) -> tuple[Ints, Ints]:
    sizes = _SIZES[tags]
    words = _words(padded, ">u8")[at + 1].astype(np.uint64)
    shifts = _SHIFTS[tags]
    found = np.where(tags < 0xD0, (words >> shifts.astype(np.uint64)).view(np.int64), words.view(np.int64) >> shifts)  # noqa: PLR2004 - tags from 0xD0 on have a sign
    found = np.where(sizes > 0, found, tags.view(np.int8))
    _want(_INTEGER[tags], (tags != _UNSIGNED) | (found >= 0))
    return found, at + 1 + sizes


def _days(begins: NDArray[Any]) -> Ints:
    """Return the days that bars begin with, as YYYY-MM-DD, since 1970-01-01.

    Raises: ValueError for anything else there.
    """
    text = begins["month"].astype(np.uint64) ^ _PLAIN
    tens, ones = (begins[name].astype(np.int64) - _ZERO for name in ("tens", "ones"))
    # Now each character is its digit, and a dash nothing; whatever else there was shows in a high bit.
    _want((text | (text + _NO_DIGIT)) & _HIGH_BITS == 0, *((digit >= 0) & (digit < _TEN) for digit in (tens, ones)))
    # Beside each digit the one before it, ten times: the number that both are.
    pairs = (text + _TEN * (text >> np.uint64(8))).view(np.int64)
    year = (pairs >> 48 & 0xFF) * _HUNDRED + (pairs >> 32 & 0xFF)
    month, day = pairs >> 8 & 0xFF, tens * _TEN + ones
    _want(year > 0, (month > 0) & (month <= _MONTHS))
    months = _MONTHS * (year - _EPOCH_YEAR) + month - 1
    least = months.min(initial=0)
    named = np.arange(least, months.max(initial=0) + 2).astype("datetime64[M]")
    firsts = named.astype("datetime64[D]").astype(np.int64)
    found: Ints = firsts[months - least] + day - 1
    _want(day > 0, found < firsts[months - least + 1])
    return found


def _words(padded: bytes, kind: str) -> NDArray[Any]:
    """Return the integer of `kind` that begins at each byte."""
    size = np.dtype(kind).itemsize
    return np.ndarray((len(padded) - size + 1,), kind, padded, strides=(1,))


def _want(*conditions: Flags) -> None:
    """Raise ValueError unless all of it holds."""
    if not all(one.all() for one in conditions):
        message = "got a version that is no [bar, recorded_at], want one"
        raise ValueError(message)
