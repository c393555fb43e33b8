"""The first pass by columns: what `Intake` finds in a file, found of many lines at once, for each series' name once."""

from collections.abc import Iterable

import numpy as np

from ledger.ingest.providers.cotahist import layout
from ledger.ingest.providers.cotahist.columns import (
    ZERO,
    Bytes,
    Flags,
    Ints,
    UnusualFileError,
    Words,
    are_digits,
    words,
)
from ledger.ingest.providers.cotahist.identity import CONTRACTS, TERM, identity
from ledger.ingest.providers.cotahist.intake import TICKER_QUOTES_MAX, TICKERS_MAX, Intake, Selection
from ledger.ingest.providers.cotahist.layout import LayoutError
from ledger.ingest.providers.cotahist.line_runs import LineRuns

OUTSIDE, REFUSED = -1, -2
_CODE, _REST = slice(12, 20), slice(20, 27)  # CODNEG to TPMERC
_MARKET = slice(24, 27)
_FACTOR = slice(210, 217)
_NUMBERS = (slice(56, 95), slice(108, 121), slice(152, 170), _FACTOR)
_LARGE = (slice(56, 58), slice(69, 71), slice(82, 84), slice(108, 110))  # the first two digits of each price
_MIX = np.array(
    [0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93, 0xA0761D6478BD642F], np.uint64
)
_HALF = np.uint64(32)


class ColumnIntake(Intake):
    """The first pass over a file in which every line is as the layout has it."""

    def __init__(self, wanted: Selection) -> None:
        super().__init__(wanted)
        self._numbers: dict[bytes, int] = {}  # of the series that the fields name, OUTSIDE or REFUSED
        self._by_ticker: dict[str, int] = {}
        self._counts = np.zeros(0, np.int64)
        self.tickers: list[str] = []  # by number

    def fill_runs(self, runs: LineRuns, blocks: Iterable[Bytes]) -> None:
        """Put every quote that is wanted into `runs`.

        Raises: UnusualFileError, after which `Intake` says what is wrong, if anything is; DiskFullError,
        UnwritableError of the runs.
        """
        for block in blocks:
            series = self._series(block)
            taken = series >= 0
            lines, numbers = (block, series) if taken.all() else (block[taken], series[taken])
            _check_quotes(lines)
            self._count(numbers)
            runs.put(numbers, lines, self.tickers)
        self._quotes.update(dict(zip(self.tickers, self._counts.tolist(), strict=True)))

    def _series(self, lines: Bytes) -> Ints:
        """Return the number of each line's series."""
        keys = _keys(lines)
        mixed = (keys * _MIX).sum(axis=1, dtype=np.uint64)
        mixed ^= mixed >> _HALF
        _, firsts, of = np.unique(mixed, return_index=True, return_inverse=True)
        if not (keys == keys[firsts][of]).all():
            raise UnusualFileError  # two names with one hash
        counts = np.bincount(of)
        numbers = np.empty(len(firsts), np.int64)
        # In the order of the file, in which what is refused is listed.
        for place in np.argsort(firsts).tolist():
            first = int(firsts[place])
            numbers[place] = self._number(keys[first].tobytes(), lines[first].tobytes(), int(counts[place]))
        return numbers[of]

    def _number(self, key: bytes, line: bytes, records: int) -> int:
        number = self._numbers.get(key)
        if number is not None and number >= 0:
            return number
        ticker = identity(line)
        if isinstance(ticker, str):
            self.present.add(ticker)
        if (self._wanted.market == "spot" and layout.market(line) != layout.SPOT) or (
            self._wanted.tickers and ticker not in self._wanted.tickers
        ):
            self._outside += records
            return OUTSIDE
        if not isinstance(ticker, str):
            self._refused[ticker] += records
            return REFUSED
        if ticker not in self._by_ticker:
            self._by_ticker[ticker] = len(self.tickers)
            self.tickers.append(ticker)
        self._numbers[key] = self._by_ticker[ticker]
        return self._numbers[key]

    def _count(self, series: Ints) -> None:
        counts = np.bincount(series, minlength=len(self.tickers))
        counts[: len(self._counts)] += self._counts
        self._counts = counts
        if len(counts) > TICKERS_MAX or (len(counts) and counts.max() > TICKER_QUOTES_MAX):
            raise UnusualFileError


def _keys(lines: Bytes) -> Words:
    """Return all that names a series of each line, in five words."""
    market = lines[:, _MARKET]
    money = words(lines[:, layout.CURRENCY])
    has_expiry = np.logical_or.reduce([_is(market, one) for one in sorted(CONTRACTS)])
    mark = np.where(has_expiry, words(lines[:, layout.EXPIRY]), 0)
    mark = np.where(_is(market, TERM), words(lines[:, layout.TERM]), mark)
    day = np.where(money == words(_text(layout.REAL))[0], 0, words(lines[:, layout.DAY]))
    return np.stack([words(lines[:, _CODE]), words(lines[:, _REST]), mark, money, day], axis=1)


def _is(columns: Bytes, text: bytes) -> Flags:
    same: Flags = np.logical_and.reduce([columns[:, place] == byte for place, byte in enumerate(text)])
    return same


def _text(text: bytes) -> Bytes:
    return np.frombuffer(text, np.uint8).reshape(1, -1)


def _check_quotes(lines: Bytes) -> None:
    """Refuse quotes that `layout.quote` refuses."""
    if not all(are_digits(lines[:, numbers]) for numbers in _NUMBERS):
        raise UnusualFileError
    if len(lines) and (lines[:, _FACTOR] == ZERO).all(axis=1).any():
        raise UnusualFileError
    large = np.logical_or.reduce([(lines[:, digits] != ZERO).any(axis=1) for digits in _LARGE])
    for line in lines[large]:
        try:
            layout.quote(line.tobytes())  # past 15 digits not every price can be held
        except LayoutError as error:
            raise UnusualFileError from error
