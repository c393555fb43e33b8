"""The series that a quote belongs to, so that a code that comes back is another one. Pure.

The exchange gives the code of an option again every year, writes a contract at several terms under one code, and
records auctions and blocks under the code of the share: what beside the code names a series is decided by the market
(TPMERC). Prices in another currency than the real never stand in one series with those in reais.
"""

from functools import lru_cache

import msgspec

from ledger.ingest.providers.cotahist import layout
from ledger.market.ticker import SUFFIX, TickerError, normalize

CASH, FRACTIONAL, TERM = b"010", b"020", b"030"
CONTRACTS = frozenset({b"012", b"013", b"070", b"080"})  # exercises and options, calls and puts
FRACTIONAL_MARK = b"F"  # with which the code of a fractional lot ends; without it, it is the share's
CRUZADO_FROM, CRUZEIRO_REAL_FROM = b"19860228", b"19930801"
CURRENCIES = {"CZ$": "BRC", "NCZ$": "BRN", "URV": "URV", "US$": "USD"}
CRUZEIRO = "CR$"  # of three currencies, by the day


class UnnamedQuote(msgspec.Struct, frozen=True):
    """A quote that no series can be named for, and why."""

    code: str
    reason: str


def identity(line: bytes) -> str | UnnamedQuote:
    """Return the ticker of the series that the quote `line` belongs to, or why there is none.

    TPMERC 010 and 020 go by their code, contracts and their exercises by expiry (DATVEN), a forward by its term
    (PRAZOT), and every other market by its number. Source: docs/format.md, "Natural keys".
    """
    market, mark = layout.market(line), b""
    if market in CONTRACTS:
        mark = line[layout.EXPIRY]
    elif market == TERM:
        mark = line[layout.TERM]
    money = line[layout.CURRENCY]
    # Of the day only what tells currencies apart: the cache is of codes, not of sessions.
    day = b"" if money == layout.REAL else line[layout.DAY]
    return named(line[layout.CODE], market, mark, money, day)


@lru_cache(maxsize=65_536)  # a month of the whole market has 35,000 codes
def named(field: bytes, market: bytes, mark: bytes, money: bytes, day: bytes) -> str | UnnamedQuote:
    """Return the series by the fields that name it; `day` matters where the currency is another than the real."""
    code = field.decode("latin-1").rstrip()
    try:
        series = code + series_mark(code, market, mark) + currency_mark(money, day)
        # Only a code that is a ticker unchanged, and holds no mark itself: two spellings must never meet in one series.
        if code.isalnum() and normalize(series) == series + SUFFIX:
            return series + SUFFIX
    except TickerError:
        pass
    except ValueError as error:
        return UnnamedQuote(code, str(error))
    return UnnamedQuote(code, "a code that is no ticker")


def series_mark(code: str, market: bytes, mark: bytes) -> str:
    """Return what the ticker says beside the code.

    Raises: ValueError.
    """
    if not market.isdigit():
        raise ValueError(f"market {_text(market)!r}, which is no number")
    if market in CONTRACTS:
        try:
            day = layout.day(mark)
        except layout.LayoutError as error:
            raise ValueError(f"expiry {_text(mark)!r}, which is no day") from error
        return f"@{day.isoformat()}"
    if market == TERM:
        days = mark.strip()
        if not days.isdigit():
            raise ValueError(f"term {_text(mark)!r}, which is no number of days")
        return f"@T{int(days):03d}"
    own = market == CASH or (market == FRACTIONAL and code.endswith(FRACTIONAL_MARK.decode()))
    return "" if own else f"@M{market.decode()}"


def currency_mark(money: bytes, day: bytes) -> str:
    """Return what the ticker says of the currency, nothing of the real.

    Raises: ValueError.
    """
    if money == layout.REAL:
        return ""
    written = _text(money).strip().upper()
    if written == CRUZEIRO:
        return "~BRB" if day < CRUZADO_FROM else "~BRE" if day < CRUZEIRO_REAL_FROM else "~BRR"
    if written not in CURRENCIES:
        raise ValueError(f"currency {_text(money)!r}, which is not known")
    return f"~{CURRENCIES[written]}"


def _text(field: bytes) -> str:
    return field.decode("latin-1")
