"""What people type, parsed at the boundary: click types for tickers, days and files."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import click

from ledger.market import ticker
from ledger.market.ticker import TickerError

PROVIDERS = ("yfinance",)
DEFAULT_PROVIDER = PROVIDERS[0]

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class TickerType(click.ParamType[str]):
    """A ticker in its one spelling, `PETR4.SA`; see `ledger.market.ticker.normalize`."""

    name = "ticker"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return `value` normalized, or refuse it."""
        try:
            return ticker.normalize(value)
        except TickerError as error:
            self.fail(str(error), param, ctx)


class DateType(click.ParamType[date]):
    """A day written `YYYY-MM-DD`, and no other way."""

    name = "date"

    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day, or refuse what names none."""
        if isinstance(value, date):
            return value
        try:
            return day(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class TickersFileType(click.ParamType[tuple[str, ...]]):
    """A file of tickers, one a line; blank lines and what follows a `#` are left out."""

    name = "file"

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the tickers in the file, or refuse it, naming file and line."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(_tickers(value))
        except (TickerError, UnicodeDecodeError) as error:
            self.fail(f"{error} ({value})", param, ctx)
        except OSError as error:
            self.fail(f"got {error.strerror!r} on {value}, want a file of tickers", param, ctx)


TICKER = TickerType()
DATE = DateType()
TICKERS_FILE = TickersFileType()
PROVIDER = click.Choice(PROVIDERS)


def _tickers(path: str) -> Iterator[str]:
    for line in Path(path).read_text("utf-8").splitlines():
        if name := line.partition("#")[0].strip():
            yield ticker.normalize(name)


def day(written: str) -> date:
    """Return the day written `YYYY-MM-DD`.

    Raises: ValueError for what names no day, or names it another way.
    """
    try:
        if _DAY.fullmatch(written):
            return date.fromisoformat(written)
    except ValueError as error:
        message = f"got {written!r}, want a day that exists"
        raise ValueError(message) from error
    message = f"got {written!r}, want a day as YYYY-MM-DD"
    raise ValueError(message)
