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
_BAR_OF_DAY = _BAR << 8 | _DAY_TEXT
_DAY_CHARS = 10  # 2026-02-13
_DASHES = (4, 7)
_ZERO, _DASH = b"0-"
_TEN, _MONTHS, _EPOCH_YEAR = 10, 12, 1970
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
    bars: bytes
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
    blob, padded, view = _padded(rows)
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
    return BarColumns(days, seqs, recorded, present, values, adjusted, blob, starts, at)


def of_decisions(made: Sequence[DecidedBars]) -> tuple[BarColumns, Ints]:
    """Return the columns of what decisions made, by series, day and seq, and which series each row is of.

    Raises: ValueError for bytes that are no bars, and where a decision has two rows of a day.
    """
    blob, padded, view = _padded([one.bars for one in made])
    starts = np.flatnonzero(_words(padded, ">u2")[: len(blob)] == _BAR_OF_DAY)
    dashed = [view[starts + 2 + place] == _DASH for place in _DASHES]
    starts = starts[np.logical_and(*dashed)]  # else the two bytes lie within a number
    counts = np.array([one.size for one in made], np.int64)
    found = _bars(padded, starts)
    # Each bar begins where the one before it ends, so that they are those of the bytes and no others.
    edges = np.append(starts, len(blob))
    _want(edges[:1] == 0, np.array([len(starts) == counts.sum()]), found.stops == edges[1:])
    _want(edges[np.cumsum(counts)] == np.cumsum([len(one.bars) for one in made]))
    withdrawn = np.array([len(one.withdrawn) for one in made], np.int64)
    of_bars, of_days = (np.repeat(np.arange(len(made)), times) for times in (counts, withdrawn))
    of, none = np.concatenate((of_bars, of_days)), np.zeros(len(of_days), np.int64)
    numbers, seqs, recorded = (np.array([one[place] for one in made], np.int64)[of] for place in range(3))
    days = np.concatenate((found.days, np.array([day for one in made for day in one.withdrawn], np.int64)))
    order = np.lexsort((seqs, days, numbers)) if len(of_days) or not _ascending(numbers, days, seqs) else slice(None)
    present = np.arange(len(of)) < len(starts)
    whole = BarColumns(
        days[order],
        seqs[order],
        recorded[order],
        present[order],
        {name: np.concatenate((values, none))[order] for name, values in found.values.items()},
        np.concatenate((found.adjusted, none.astype(np.bool_)))[order],
        blob,
        np.concatenate((starts, none))[order],
        np.concatenate((found.stops, none))[order],
    )
    _want(np.array([_ascending(numbers[order], whole.days, whole.seqs)]))
    return whole, numbers[order]


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
    days, of = found.days[rows], series[rows]
    newest = np.ones(len(rows), np.bool_)
    newest[:-1] = (days[1:] != days[:-1]) | (of[1:] != of[:-1])
    return rows[newest]


def years(days: Ints) -> Ints:
    """Return the calendar year of each day."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def _padded(parts: Sequence[bytes]) -> tuple[bytes, bytes, NDArray[np.uint8]]:
    """Return the parts as one, with zeros behind, which a row that is cut short reads, and those as numbers."""
    blob = b"".join(parts)
    padded = blob + bytes(_WORD_BYTES * 16)
    return blob, padded, np.frombuffer(padded, np.uint8)


def _bars(padded: bytes, starts: Ints) -> _ReadBars:
    """Return the bars that begin at `starts`.

    Raises: ValueError where there is none.
    """
    _want(np.frombuffer(padded, np.uint8)[starts + 1] == _DAY_TEXT)
    days, at = _days(padded, starts + 2), starts + 2 + _DAY_CHARS
    values: dict[str, Ints] = {}
    adjusted = np.ones(len(starts), np.bool_)
    for name in (*PRICES, "adj_close", "volume"):
        values[name], nil, at = _integers(padded, at)
        if name == "adj_close":
            adjusted = ~nil
        else:
            _want(~nil)
    return _ReadBars(days, values, adjusted, at)


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


def _days(padded: bytes, at: Ints) -> Ints:
    """Return the days that are written at `at` as YYYY-MM-DD, since 1970-01-01.

    Raises: ValueError for anything else there.
    """
    text = _words(padded, ">u8")[at].astype(np.uint64) ^ _PLAIN
    tens, ones = (np.frombuffer(padded, np.uint8)[at + place].astype(np.int64) - _ZERO for place in (8, 9))
    # Now each character is its digit, and a dash nothing; whatever else there was shows in a high bit.
    _want((text | (text + _NO_DIGIT)) & _HIGH_BITS == 0, *((digit >= 0) & (digit < _TEN) for digit in (tens, ones)))
    digits = [(text >> np.uint64(bits)).astype(np.int64) & 0xF for bits in (56, 48, 40, 32, 16, 8)]
    year = ((digits[0] * _TEN + digits[1]) * _TEN + digits[2]) * _TEN + digits[3]
    month, day = digits[4] * _TEN + digits[5], tens * _TEN + ones
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
