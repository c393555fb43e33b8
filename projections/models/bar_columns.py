"""The rows of the table `bars` as columns, many series at once: a row at a time costs ten times what writing it does.

Rows come as they are stored: `[bar or nil, recorded_at]` in msgpack, whose tags say how long each value is.
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
_DAY_CHARS, _MONTH_CHARS = 10, 8  # 2026-02-13, 2026-02-
_DAYS_MAX = 3_652_059  # of the years 1 to 9999
_WORD_BYTES = 8
_SIZES = np.zeros(256, np.int64)  # how many bytes follow the tag of an integer
for _first in (0xCC, 0xD0):
    _SIZES[_first : _first + 4] = (1, 2, 4, 8)
_INTEGER = (_SIZES > 0) | (np.arange(256) < 0x80) | (np.arange(256) >= 0xE0)  # noqa: PLR2004 - integers that are tags
_UNSIGNED = 0xCF  # of eight bytes: the only ones that may not fit
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


def columns(keys: bytes, rows: Sequence[bytes], *, trailing: int = 0) -> BarColumns:
    """Return the columns of `rows`, less the `trailing` bytes of each; `keys` are the ends of their keys, one by one.

    Raises: ValueError for a row that is none.
    """
    blob = b"".join(rows)
    # A row that is cut short reads zeros behind the last one, and not past the end.
    padded = blob + bytes(_WORD_BYTES * 16)
    view = np.frombuffer(padded, np.uint8)
    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    ends = np.cumsum(lengths)
    starts = ends - lengths + 1
    ordinals, seqs = (np.frombuffer(keys, _KEY)[name].astype(np.int64) for name in ("day", "seq"))
    present = view[starts] == _BAR
    bars = starts[present]
    _want(view[starts - 1] == _PAIR, present | (view[starts] == _NIL), view[bars + 1] == _DAY_TEXT)
    _want(_days_are(padded, bars + 2, ordinals[present]))
    at = np.where(present, starts + 2 + _DAY_CHARS, starts + 1)
    values: dict[str, Ints] = {}
    adjusted = present
    for name in (*PRICES, "adj_close", "volume"):
        found, nil, after = _integers(padded, at)
        nil &= present
        if name == "adj_close":
            adjusted = present & ~nil
        else:
            _want(~nil)
        values[name] = found
        at = np.where(present, after, at)
    recorded, nil, stops = _integers(padded, at)
    _want(~nil, stops == ends - trailing)
    return BarColumns(ordinals - EPOCH_ORDINAL, seqs, recorded, present, values, adjusted, blob, starts, at)


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


def _integers(padded: bytes, at: Ints) -> tuple[Ints, Flags, Ints]:
    """Return the integers of msgpack at `at`, which of them are nil, and where what follows begins.

    Raises: ValueError for anything else there, and for what no 64 bits with a sign hold.
    """
    tags = np.frombuffer(padded, np.uint8)[at]
    nil, sizes = tags == _NIL, _SIZES[tags]
    words = _words(padded, ">u8")[at + 1].astype(np.uint64)
    shifts = _SHIFTS[tags]
    found = np.where(tags < 0xD0, (words >> shifts.astype(np.uint64)).view(np.int64), words.view(np.int64) >> shifts)  # noqa: PLR2004 - tags from 0xD0 on have a sign
    found = np.where(sizes > 0, found, tags.view(np.int8))
    _want(nil | _INTEGER[tags], (tags != _UNSIGNED) | (found >= 0))
    return found, nil, at + 1 + sizes


def _days_are(padded: bytes, at: Ints, ordinals: Ints) -> Flags:
    """Return where the text at `at` is the day `ordinals`, as YYYY-MM-DD."""
    days, places = np.unique(ordinals, return_inverse=True)
    _want((days > 0) & (days <= _DAYS_MAX))
    texts = np.datetime_as_string((days - EPOCH_ORDINAL).astype("datetime64[D]")).astype("S10").tobytes()
    wanted = places * _DAY_CHARS
    months, ends = (_words(texts + bytes(_WORD_BYTES), kind) for kind in (">u8", ">u2"))
    found, rests = _words(padded, ">u8")[at], _words(padded, ">u2")[at + _MONTH_CHARS]
    same: Flags = (found == months[wanted]) & (rests == ends[wanted + _MONTH_CHARS])
    return same


def _words(padded: bytes, kind: str) -> NDArray[Any]:
    """Return the integer of `kind` that begins at each byte."""
    size = np.dtype(kind).itemsize
    return np.ndarray((len(padded) - size + 1,), kind, padded, strides=(1,))


def _want(*conditions: Flags) -> None:
    """Raise ValueError unless all of it holds."""
    if not all(one.all() for one in conditions):
        message = "got a version that is no [bar, recorded_at], want one"
        raise ValueError(message)
