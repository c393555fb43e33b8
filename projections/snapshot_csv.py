"""The snapshot: one ticker's prices as CSV, and the `.checksum` beside it. Pure.

The same bars give the same bytes on any machine, any day.
"""

import re
from collections.abc import Mapping
from datetime import date
from hashlib import sha256

import msgspec

from ledger.events import Bar
from ledger.ingest.canonical import price_text

FORMAT_VERSION = 1
HEADER = "date,open,high,low,close,volume"
SUFFIX = ".SA"
CHECKSUM_SUFFIX = ".checksum"

_CHECKSUM = re.compile(r"\\?([0-9a-fA-F]{64})(?:[ \t]+\*?[^\r\n]*)?\s*")


class Csv(msgspec.Struct, frozen=True):
    """A snapshot's file: its base name, its bytes, their SHA-256, and how many data rows they hold."""

    name: str
    content: bytes
    sha256: bytes
    rows: int

    @property
    def checksum(self) -> bytes:
        """What `sha256sum` prints of the file, run in its folder."""
        return f"{self.sha256.hex()}  {self.name}\n".encode()


def render(ticker: str, bars: Mapping[date, Bar]) -> Csv:
    """Return the snapshot of `bars`: sorted by date, LF, named after the ticker without `.SA` and the last day.

    Raises: ValueError when there are no bars.
    """
    if not bars:
        message = f"got no sessions of {ticker}, want at least one"
        raise ValueError(message)
    days = sorted(bars)
    lines = [HEADER, *(_line(bars[day]) for day in days)]
    content = "".join(f"{line}\n" for line in lines).encode()
    return Csv(snapshot_name(ticker, days[-1]), content, sha256(content).digest(), len(days))


def snapshot_name(ticker: str, last: date) -> str:
    """Return the base name of the ticker's snapshot whose last session is `last`."""
    return f"{ticker.removesuffix(SUFFIX)}-{last:%Y%m%d}.csv"


def parse_checksum(content: bytes) -> bytes:
    """Return the SHA-256 that a `.checksum` file holds: bare, or before a name with any path in front.

    Raises: ValueError when it holds anything else.
    """
    found = _CHECKSUM.fullmatch(content.decode("utf-8", "replace"))
    if found is None:
        message = f"got a checksum file that begins {content[:20]!r}, want 64 hex digits and a file name"
        raise ValueError(message)
    return bytes.fromhex(found[1])


def _line(bar: Bar) -> str:
    prices = ",".join(price_text(price) for price in (bar.open, bar.high, bar.low, bar.close))
    return f"{bar.date.isoformat()},{prices},{bar.volume}"
