"""What a ticker is: a B3 code with `.SA`, a series that shares one with others, or an index such as `^BVSP`. Pure.

`CODE[@YYYY-MM-DD|@T030|@M017][~BRR].SA` names a series: by expiry, by term in days, by the market whose records share a
cash code, and by the currency that its prices are in where that is not the real.
"""

import re
from datetime import date

from ledger.errors import LedgerError

SUFFIX = ".SA"
REAL = "BRL"
# Of ISO 4217, but for the unit of account of 1994, which it never had; BRB to BRR are no longer in use.
CURRENCIES = frozenset({"BRB", "BRC", "BRN", "BRE", "BRR", "URV", "USD"})

_CODE = re.compile(r"(?=[A-Z]*[0-9])[A-Z0-9]{5,8}")
_SERIES = re.compile(
    r"[A-Z0-9]{4,12}"
    r"(?:@(?:(?P<expiry>[0-9]{4}-[0-9]{2}-[0-9]{2})|T[0-9]{3}|M(?P<market>[0-9]{3})))?"
    r"(?:~(?P<currency>[A-Z]{3}))?"
)
_INDEX = re.compile(r"\^[A-Z0-9]{2,10}")
_NAMED_OTHERWISE = frozenset({"010", "012", "013", "030", "070", "080"})  # markets that have another mark, or none
INDICES = frozenset(
    {"IBOV", "IBXX", "IBXL", "IFIX", "SMLL", "IDIV", "MLCX", "IVBX", "IFNC", "IMOB", "UTIL", "ICON", "IEEX"}
)
_SHOWN_CHARS = 40


class TickerError(LedgerError, ValueError):
    """A text that is not a ticker; it is never used in a path."""

    def __init__(self, text: str) -> None:
        shown = text[:_SHOWN_CHARS]
        super().__init__(f"got ticker {shown!r}, want a B3 code such as PETR4.SA or an index such as ^BVSP")
        self.text = text


def normalize(text: str) -> str:
    """Return the canonical spelling of a ticker: upper case, `.SA` added to a B3 code that lacks it.

    A code is five to eight letters and digits, at least one of them a digit, or the name of an index of B3's.
    That of a series with an expiry, a term, a market or a currency is four to twelve letters and digits.

    Raises: TickerError for anything else.
    """
    name = text.strip().upper()
    # str.upper maps some other letters (U+017F) into ASCII; a ticker is ASCII before that.
    if text.isascii():
        if _INDEX.fullmatch(name):
            return name
        code = name.removesuffix(SUFFIX)
        if _CODE.fullmatch(code) or code in INDICES or names_series(code):
            return code + SUFFIX
    raise TickerError(text)


def names_series(code: str) -> bool:
    """Return whether `code` says by which mark or currency it is a series of its own, in its only spelling."""
    found = _SERIES.fullmatch(code)
    if found is None or ("@" not in code and "~" not in code):
        return False
    if (currency := found["currency"]) and currency not in CURRENCIES:
        return False
    try:
        date.fromisoformat(found["expiry"] or "2000-01-01")
    except ValueError:
        return False
    return found["market"] not in _NAMED_OTHERWISE


def is_index(ticker: str) -> bool:
    """Return whether the canonical `ticker` is an index, which nobody trades."""
    return ticker.startswith("^") or ticker.removesuffix(SUFFIX) in INDICES


def short(ticker: str) -> str:
    """Return the ticker as used in file names: `PETR4` for `PETR4.SA`."""
    return ticker.removesuffix(SUFFIX)


def currency(ticker: str) -> str:
    """Return what the prices of the canonical `ticker` are in: `BRR` for `PETR4~BRR.SA`, else the real."""
    return short(ticker).partition("~")[2] or REAL


def expiry(ticker: str) -> date | None:
    """Return the day on which the contract that the canonical `ticker` names ends, None where it names none."""
    mark = short(ticker).partition("~")[0].partition("@")[2]
    return date.fromisoformat(mark) if mark[:1].isdigit() else None


def is_contract(ticker: str) -> bool:
    """Return whether the canonical `ticker` is an option, its exercise or a forward, which ends on a day agreed on."""
    mark = short(ticker).partition("@")[2]
    return mark[:1].isdigit() or mark.startswith("T")


def code(ticker: str) -> str:
    """Return the code of the canonical `ticker` as the exchange writes it: `BBASA45` for `BBASA45@2024-11-14.SA`."""
    return short(ticker).partition("~")[0].partition("@")[0]
