"""COTAHIST, the exchange's own file of daily prices: its lines, field by field. Pure.

A line is 245 columns of latin-1; the layout counts columns from 1, slices here from 0.
Prices are as traded, never adjusted, with two implied decimals, for `FATCOT` shares.

Source: B3, layout of the historical quotations file (COTAHIST).
"""

from datetime import date
from functools import lru_cache

import msgspec

from ledger.ingest.providers.port import BodyError
from ledger.market.price import reais
from ledger.values import RawBar

LINE_BYTES = 245
HEADER, QUOTE, TRAILER = b"00", b"01", b"99"
SPOT = b"010"
REAL = b"R$  "
FILE_NAME = b"COTAHIST."
CENTAVO_MICROS = 10_000

DAY = slice(2, 10)
CODE = slice(12, 24)
TERM = slice(49, 52)
CURRENCY = slice(52, 56)
EXPIRY = slice(202, 210)

_TYPE = slice(0, 2)
_STAMP = slice(2, 31)  # header and trailer: file name, origin, the day it was made
_YEAR = slice(11, 15)
_MADE_ON = slice(23, 31)
_COUNT = slice(31, 42)
_DAY_YEAR = slice(2, 6)
_MARKET = slice(24, 27)
_OPEN_HIGH_LOW = slice(56, 95)
_OPEN = slice(56, 69)
_HIGH = slice(69, 82)
_LOW = slice(82, 95)
_CLOSE = slice(108, 121)
_VOLUME = slice(152, 170)
_FACTOR = slice(210, 217)

_NUMBERS = {
    "PREABE": _OPEN,
    "PREMAX": _HIGH,
    "PREMIN": _LOW,
    "PREULT": _CLOSE,
    "QUATOT": _VOLUME,
    "FATCOT": _FACTOR,
}
_SHOWN_BYTES = 20


class LayoutError(BodyError):
    """A line does not follow the layout: got `found`, want `wanted`."""

    def __init__(self, found: str, wanted: str) -> None:
        super().__init__(f"got {found}, want {wanted}")
        self.found, self.wanted = found, wanted


class Header(msgspec.Struct, frozen=True):
    """A file's own header; its trailer repeats `stamp`."""

    stamp: bytes
    year: bytes
    made_on: date


class QuoteLine(msgspec.Struct, frozen=True, gc=False):
    """One code's session: prices per share, volume in shares, and the currency as the file writes it."""

    bar: RawBar
    currency: bytes


def kind(line: bytes) -> bytes:
    """Return the line's type: `HEADER`, `QUOTE` or `TRAILER` on a sound line."""
    return line[_TYPE]


def header(line: bytes) -> Header:
    """Return the header that `line` is.

    Raises: LayoutError for any other line.
    """
    if (
        kind(line) != HEADER
        or not line[_STAMP].startswith(FILE_NAME)
        or not line[_YEAR].isdigit()
        or not int(line[_YEAR])
    ):
        raise LayoutError(_shown(line), "the header 00COTAHIST.AAAA")
    return Header(line[_STAMP], line[_YEAR], day(line[_MADE_ON]))


def counted(line: bytes, known: Header) -> int:
    """Return how many records the trailer `line` counts.

    Raises: LayoutError when it is not the trailer of the file that `known` heads.
    """
    if line[_STAMP] != known.stamp:
        raise LayoutError(f"the trailer of {_text(line[_STAMP])}", f"that of {_text(known.stamp)}")
    if not line[_COUNT].isdigit():
        raise LayoutError(f"count {_text(line[_COUNT])!r}", "11 digits")
    return int(line[_COUNT])


def session(line: bytes, known: Header) -> date:
    """Return the trading day of a quote.

    Raises: LayoutError for a day that does not exist, or not in the year of the file that `known` heads.
    """
    if line[_DAY_YEAR] != known.year:
        raise LayoutError(f"a record of {_text(line[DAY])}", f"one of {_text(known.year)}")
    return day(line[DAY])


def market(line: bytes) -> bytes:
    """Return the market of a quote (TPMERC): `SPOT`, or b"020" for fractional lots, b"070" for calls and so on."""
    return line[_MARKET]


def code(line: bytes) -> str:
    """Return the code of a quote as the file writes it."""
    return _text(line[CODE]).rstrip()


def quote(line: bytes) -> QuoteLine:
    """Return the session in a quote, each price exact to a millionth of a real.

    Raises: LayoutError for a number that is none, and a quotation factor of 0.
    """
    if len(line) < LINE_BYTES:
        raise LayoutError(f"{len(line)} columns", f"{LINE_BYTES}")
    numbers = line[_OPEN_HIGH_LOW] + line[_CLOSE] + line[_VOLUME] + line[_FACTOR]
    if not numbers.isdigit():
        name = next(name for name, field in _NUMBERS.items() if not line[field].isdigit())
        raise LayoutError(f"{name} {_text(line[_NUMBERS[name]])!r}", "digits")
    factor = int(line[_FACTOR])
    if not factor:
        raise LayoutError("FATCOT 0", "the number of shares that the prices are for")
    bar = RawBar(
        day(line[DAY]),
        _price(line[_OPEN], factor),
        _price(line[_HIGH], factor),
        _price(line[_LOW], factor),
        _price(line[_CLOSE], factor),
        None,
        int(line[_VOLUME]),
    )
    return QuoteLine(bar, line[CURRENCY])


def raw_bars(body: bytes) -> tuple[RawBar, ...]:
    """Return the sessions of a recorded answer: the quotes of one ticker as they stand in the file.

    Raises: LayoutError for any other body.
    """
    lines = body.splitlines()
    if other := next((line for line in lines if kind(line) != QUOTE), None):
        raise LayoutError(_shown(other), "the quote 01")
    return tuple(quote(line).bar for line in lines)


def lines_of(body: bytes, session_day: date) -> tuple[str, ...]:
    """Return the lines of a recorded answer that hold one trading day."""
    written = f"{session_day:%Y%m%d}".encode()
    return tuple(_text(line).rstrip() for line in body.splitlines() if line[DAY] == written)


def micros_a_share(centavos: int, factor: int) -> int:
    """Return the price of one share in millionths of a real, from that of `factor` shares in centavos.

    Exact where the factor divides it, else half-even.
    """
    micros, rest = divmod(centavos * CENTAVO_MICROS, factor)
    above = 2 * rest > factor or (2 * rest == factor and micros % 2 == 1)
    return micros + above


@lru_cache(maxsize=512)  # a file has one day many times
def day(digits: bytes) -> date:
    """Return the day written AAAAMMDD.

    Raises: LayoutError for what names none.
    """
    try:
        if digits.isdigit():
            return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError as error:
        raise LayoutError(f"the day {_text(digits)!r}", "one that exists") from error
    raise LayoutError(f"the day {_text(digits)!r}", "AAAAMMDD")


@lru_cache(maxsize=16_384)  # prices repeat: from one day to the next, and among open, high, low and close
def _price(digits: bytes, factor: int) -> float:
    try:
        return reais(micros_a_share(int(digits), factor))
    except ValueError as error:
        raise LayoutError(f"price {_text(digits)} for {factor} shares", "one that can be held") from error


def _shown(line: bytes) -> str:
    return repr(_text(line[:_SHOWN_BYTES]))


def _text(field: bytes) -> str:
    return field.decode("latin-1")
