"""The snapshot: one ticker's prices as CSV, and the `.checksum` beside it. Pure.

The same bars give the same bytes on any machine, any day.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from hashlib import sha256

import msgspec

from ledger.files.checksum import render_checksum
from ledger.market.price import price_text
from ledger.values import Bar

FORMAT_VERSION = 1
HEADER = "date,open,high,low,close,volume"
SUFFIX = ".SA"

_price = lru_cache(maxsize=8_192)(price_text)  # prices repeat: in a session, and from one to the next


class Csv(msgspec.Struct, frozen=True):
    """A snapshot's file: its base name, its bytes, their SHA-256, and how many data rows they hold."""

    name: str
    content: bytes
    sha256: bytes
    rows: int

    @property
    def checksum(self) -> bytes:
        """What `sha256sum` prints for the file, run in its folder."""
        return render_checksum(self.sha256, self.name)


def render(ticker: str, bars: Mapping[date, Bar]) -> Csv:
    """Return the snapshot of `bars`: sorted by date, LF, named after the ticker without `.SA` and the last day.

    Raises: ValueError when there are no bars.
    """
    if not bars:
        message = f"got no sessions of {ticker}, want at least one"
        raise ValueError(message)
    days = sorted(bars)
    return assembled(ticker, days[-1], [line(bars[day]) for day in days])


def line(bar: Bar) -> str:
    """Return a session's row, without its end."""
    prices = f"{_price(bar.open)},{_price(bar.high)},{_price(bar.low)},{_price(bar.close)}"
    return f"{bar.date.isoformat()},{prices},{bar.volume}"


def assembled(ticker: str, last: date, lines: Sequence[str]) -> Csv:
    """Return the snapshot of which `lines` are the rows, in order of days up to `last`; for who keeps them."""
    content = "\n".join((HEADER, *lines, "")).encode()
    return Csv(snapshot_name(ticker, last), content, sha256(content).digest(), len(lines))


def snapshot_name(ticker: str, last: date) -> str:
    """Return the base name of the ticker's snapshot whose last session is `last`."""
    return f"{ticker.removesuffix(SUFFIX)}-{_compact(last)}.csv"


@lru_cache(maxsize=64)  # all that came in one evening ends on the same day
def _compact(day: date) -> str:
    return f"{day:%Y%m%d}"
