"""Which lines of many tickers a rule may find anything in, by columns, and their bars ready to be recorded. Pure.

A ticker is sound where each line is accepted as a session of its own. Nothing here words a finding: of whatever a rule
may look at twice the rule is asked, and of a ticker that is not sound all of them.
"""

from typing import NamedTuple

import numpy as np

from ledger.ingest.providers.cotahist import layout, packed_bars
from ledger.ingest.providers.cotahist.columns import Bytes, Flags, micros_a_share, number, words
from ledger.ingest.providers.cotahist.line_runs import TickerLines
from ledger.ingest.providers.cotahist.packed_bars import PackedBars, SessionColumns
from ledger.ingest.rules import catalogue
from ledger.ingest.rules.row_rules import Today
from ledger.market import sessions
from ledger.market.ticker import is_contract

_OPEN, _HIGH, _LOW, _CLOSE = slice(56, 69), slice(69, 82), slice(82, 95), slice(108, 121)
_VOLUME, _FACTOR = slice(152, 170), slice(210, 217)
NEARLY = 1 - 1e-9  # what is as near as that to a threshold is left to the rule itself


class JudgedTickers(NamedTuple):
    """Which tickers of a batch are sound, and the bars of all lines as a file has them and as they are accepted.

    `looked_at` are the lines that a rule may name something in, sorted.
    """

    sound: list[bool]
    looked_at: list[int]
    answered: PackedBars
    accepted: PackedBars


def judged(batch: TickerLines, now: Today) -> JudgedTickers:
    """Return what `batch` comes to when it came on `now`, where nothing is held of its tickers."""
    found = _sessions(batch.lines)
    starts = np.array(batch.bounds[:-1], np.int64)
    is_first = np.zeros(len(batch.lines), np.bool_)
    is_first[starts] = True
    counts = np.array(batch.bounds[1:], np.int64) - starts
    is_share = np.repeat(np.array([not is_contract(ticker) for ticker in batch.tickers], np.bool_), counts)
    sound, is_covered = _days(found.written, is_first, now)
    sound &= _are_sound_prices(found)
    looked_at = (found.volume == 0) | ~is_covered | _are_stale(found, is_first) | (is_share & _move(found, is_first))
    return JudgedTickers(
        np.logical_and.reduceat(sound, starts).tolist(),
        np.flatnonzero(looked_at).tolist(),
        packed_bars.raw_bars(found),
        packed_bars.bars(found),
    )


def _sessions(lines: Bytes) -> SessionColumns:
    factor = number(lines[:, _FACTOR])
    opened, high, low, close = (
        micros_a_share(number(lines[:, price]), factor) for price in (_OPEN, _HIGH, _LOW, _CLOSE)
    )
    return SessionColumns(lines[:, layout.DAY], opened, high, low, close, number(lines[:, _VOLUME]))


def _days(written: Bytes, is_first: Flags, now: Today) -> tuple[Flags, Flags]:
    """Return which days are past sessions, later than the day of the line before, and which the calendar covers."""
    values, of = np.unique(words(written), return_inverse=True)
    days = [layout.day(value.tobytes()) for value in values]
    ordinals = np.array([day.toordinal() for day in days], np.int64)[of]
    later = is_first.copy()
    later[1:] |= ordinals[1:] > ordinals[:-1]
    past = np.array([day < now.day and sessions.is_session(day) for day in days], np.bool_)
    covered = np.array([sessions.covers(day) for day in days], np.bool_)
    return later & past[of], covered[of]


def _are_sound_prices(found: SessionColumns) -> Flags:
    """Return which sessions are in order as they are."""
    opened, high, low, close = found.open, found.high, found.low, found.close
    sound: Flags = (low > 0) & (low <= opened) & (opened <= high) & (low <= close) & (close <= high)
    return sound


def _are_stale(found: SessionColumns, is_first: Flags) -> Flags:
    """Return which sessions end a run of sessions alike that STALE may name."""
    alike = ~is_first
    for values in (found.open, found.high, found.low, found.close, found.volume):
        alike[1:] &= values[1:] == values[:-1]
    stale = alike.copy()
    for back in range(1, catalogue.STALE_SESSIONS - 1):
        stale[:back] = False
        stale[back:] &= alike[:-back]
    return stale


def _move(found: SessionColumns, is_first: Flags) -> Flags:
    """Return which sessions JUMP, SPLIT_SUSPECT, UNIT_100X or RANGE may name: all of them need one step as large."""
    limit = catalogue.JUMP_FACTOR * NEARLY
    close = found.close.astype(np.float64)
    wide = (found.high > limit * np.maximum(found.open, close)) | (np.minimum(found.open, close) > limit * found.low)
    step = np.maximum(close[1:], close[:-1]) > limit * np.minimum(close[1:], close[:-1])
    wide[1:] |= step & ~is_first[1:]
    moved: Flags = wide
    return moved
