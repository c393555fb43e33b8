"""What a ticker is: a B3 code with `.SA`, or an index such as `^BVSP`. Pure."""

import re

from ledger.errors import LedgerError

SUFFIX = ".SA"

_CODE = re.compile(r"(?=[A-Z]*[0-9])[A-Z0-9]{5,8}")
_INDEX = re.compile(r"\^[A-Z0-9]{2,10}")
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

    Raises: TickerError for anything else.
    """
    name = text.strip().upper()
    # str.upper maps some other letters (U+017F) into ASCII; a ticker is ASCII before that.
    if text.isascii():
        if _INDEX.fullmatch(name):
            return name
        if _CODE.fullmatch(code := name.removesuffix(SUFFIX)) or code in INDICES:
            return code + SUFFIX
    raise TickerError(text)


def is_index(ticker: str) -> bool:
    """Return whether the canonical `ticker` is an index, which nobody trades."""
    return ticker.startswith("^") or ticker.removesuffix(SUFFIX) in INDICES


def short(ticker: str) -> str:
    """Return the ticker as used in file names: `PETR4` for `PETR4.SA`."""
    return ticker.removesuffix(SUFFIX)
