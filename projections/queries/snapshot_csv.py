"""The snapshot: one ticker's prices as CSV, and the `.checksum` beside it. Pure.

The same bars give the same bytes on any machine, any day.
"""

from collections.abc import Mapping
from datetime import date
from hashlib import sha256

import msgspec

from ledger.files.checksum import render_checksum
from ledger.market.price import price_text
from ledger.values import Bar

FORMAT_VERSION = 1
HEADER = "date,open,high,low,close,volume"
SUFFIX = ".SA"


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
    lines = [HEADER]
    for bar in (bars[day] for day in days):
        prices = ",".join(price_text(price) for price in (bar.open, bar.high, bar.low, bar.close))
        lines.append(f"{bar.date.isoformat()},{prices},{bar.volume}")
    content = "".join(f"{line}\n" for line in lines).encode()
    return Csv(snapshot_name(ticker, days[-1]), content, sha256(content).digest(), len(days))


def snapshot_name(ticker: str, last: date) -> str:
    """Return the base name of the ticker's snapshot whose last session is `last`."""
    return f"{ticker.removesuffix(SUFFIX)}-{last:%Y%m%d}.csv"
