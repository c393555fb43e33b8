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
from ledger.ingest.providers.cotahist.identity import CONTRACTS, TERM, UnnamedQuote, identity
from ledger.ingest.providers.cotahist.intake import TICKER_QUOTES_MAX, TICKERS_MAX, Intake, Selection
from ledger.ingest.providers.cotahist.layout import LayoutError
from ledger.ingest.providers.cotahist.line_runs import LineRuns

NOT_TAKEN = -1
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
        self.tickers: list[str] = []  # of what is wanted, by the number of its series
        self._by_ticker: dict[str, int] = {}
        # Every name that the file's fields have made, in the order of the file; what is by hash leads to its place.
        self._names = np.zeros((0, len(_MIX)), np.uint64)
        self._series: list[int | UnnamedQuote | None] = []  # None: not asked for
        self._numbers = np.zeros(0, np.int64)  # the same, NOT_TAKEN for both others
        self._records = np.zeros(0, np.int64)
        self._hashes = np.zeros(0, np.uint64)
        self._places = np.zeros(0, np.int64)

    def fill_runs(self, runs: LineRuns, blocks: Iterable[Bytes]) -> None:
        """Put every quote that is wanted into `runs`.

        Raises: UnusualFileError, after which `Intake` says what is wrong, if anything is; DiskFullError,
        UnwritableError of the runs.
        """
        for block in blocks:
            places = self._named(block)
            self._records += np.bincount(places, minlength=len(self._records))
            numbers = self._numbers[places]
            taken = numbers != NOT_TAKEN
            lines = block
            if not taken.all():
                lines, numbers = block[taken], numbers[taken]
            _check_quotes(lines)
            runs.put(numbers, lines, self.tickers)
        for series, records in zip(self._series, self._records.tolist(), strict=True):
            if series is None:
                self._outside += records
            elif isinstance(series, UnnamedQuote):
                self._refused[series] += records
            else:
                self._quotes[self.tickers[series]] += records
        if any(records > TICKER_QUOTES_MAX for records in self._quotes.values()):
            raise UnusualFileError

    def _named(self, lines: Bytes) -> Ints:
        """Return the place of each line's name."""
        names = _fields(lines)
        mixed = (names * _MIX).sum(axis=1, dtype=np.uint64)
        mixed ^= mixed >> _HALF
        places = self._known(mixed)
        unknown = places < 0
        if unknown.any():
            self._learn(lines[unknown], names[unknown], mixed[unknown])
            places = self._known(mixed)
        if not (self._names[places] == names).all():
            raise UnusualFileError  # two names with one hash
        return places

    def _known(self, mixed: Words) -> Ints:
        """Return the place of each hash, -1 where it is new."""
        if not len(self._hashes):
            return np.full(len(mixed), -1, np.int64)
        at = np.searchsorted(self._hashes, mixed)
        at[at == len(self._hashes)] = 0
        return np.where(self._hashes[at] == mixed, self._places[at], -1)

    def _learn(self, lines: Bytes, names: Words, mixed: Words) -> None:
        _, firsts = np.unique(mixed, return_index=True)
        firsts.sort()
        self._series += [self._series_of(lines[first].tobytes()) for first in firsts.tolist()]
        if len(self.tickers) > TICKERS_MAX:
            raise UnusualFileError
        self._names = np.concatenate([self._names, names[firsts]])
        self._numbers = np.array([one if isinstance(one, int) else NOT_TAKEN for one in self._series], np.int64)
        self._records = np.concatenate([self._records, np.zeros(len(firsts), np.int64)])
        hashes = np.concatenate([self._hashes, mixed[firsts]])
        places = np.concatenate([self._places, np.arange(len(self._places), len(self._series))])
        order = np.argsort(hashes)
        self._hashes, self._places = hashes[order], places[order]

    def _series_of(self, line: bytes) -> int | UnnamedQuote | None:
        ticker = identity(line)
        if isinstance(ticker, str):
            self.present.add(ticker)
        if (self._wanted.market == "spot" and layout.market(line) != layout.SPOT) or (
            self._wanted.tickers and ticker not in self._wanted.tickers
        ):
            return None
        if isinstance(ticker, UnnamedQuote):
            return ticker
        if ticker not in self._by_ticker:
            self._by_ticker[ticker] = len(self.tickers)
            self.tickers.append(ticker)
        return self._by_ticker[ticker]


def _fields(lines: Bytes) -> Words:
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
