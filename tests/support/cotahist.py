"""Synthetic COTAHIST files for tests, by the script that makes them."""

import runpy
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from tests.support.cli import REPOSITORY

SCRIPT = runpy.run_path(str(REPOSITORY / "scripts" / "make_cotahist.py"))
whole, header, trailer, quotes, write = (SCRIPT[name] for name in ("whole", "header", "trailer", "quotes", "write"))


def line(day: date, code: str = "PETR4", close: int = 3732, **fields: Any) -> bytes:
    """Return one quote that opened, stood and closed at `close` centavos, but for what `fields` say."""
    prices = {"open": close, "high": close, "low": close, "close": close}
    quote: bytes = SCRIPT["Line"](**{"day": day, "code": code, **prices, **fields}).text()
    return quote


def text(lines: Iterable[bytes], *, year: int = 2025) -> bytes:
    """Return the whole file of `lines`."""
    return b"".join(whole(lines, year=year))


def made(path: Path, lines: Iterable[bytes], *, year: int = 2025, made_on: date | None = None) -> Path:
    """Return `path`, with the whole file of `lines` in it, packed where its name says so.

    It was made on the last day of its year, unless it is said otherwise.
    """
    write(path, whole(lines, year=year, made_on=made_on), member="COTAHIST.TXT")
    return path
