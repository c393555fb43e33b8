"""Parameters parsed at the boundary: click types for tickers, days, times, positions and files of tickers."""

import math
import re
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from cli.render import times
from ledger.files.regular import read_regular
from ledger.ingest.providers import registry
from ledger.market import ticker
from ledger.market.ticker import TickerError
from projections.queries.position import UpTo, parse

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

PROVIDERS = registry.live_names("real")
DEFAULT_PROVIDER = PROVIDERS[0]

TICKERS_FILE_BYTES = 4 * 1024 * 1024

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

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - the same
        incomplete: str,
    ) -> "list[CompletionItem]":
        """Return the tickers held that begin with `incomplete`."""
        # Imported here: only a shell that completes a word reads a ledger for it.
        from cli.context import completing

        return completing.offered(completing.tickers, incomplete)


class DateType(click.ParamType[date]):
    """A day written as `YYYY-MM-DD`; no other spelling is accepted."""

    name = "date"

    def convert(self, value: str | date, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day, or refuse what is not one."""
        if isinstance(value, date):
            return value
        try:
            return day(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class PlaceUrlType(click.ParamType[str]):
    """The URL of a place in an object store; what is in it is the store's to refuse."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL, or refuse what has no `://`."""
        if "://" not in value:
            self.fail(f"got {value!r}, want a URL, such as s3://bucket/prices", param, ctx)
        return value


class FileType(click.Path):
    """The path of a file, never '' and no folder; `-` (stdout) only where `dash` allows it."""

    def __init__(self, *, dash: bool = False, exists: bool = False) -> None:
        super().__init__(path_type=Path, dir_okay=False, exists=exists, allow_dash=dash)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or refuse it."""
        if value == "":
            self.fail("got '', want a file", param, ctx)
        if value == "-" and not self.allow_dash:
            self.fail("got '-', want a file (one named so is ./-)", param, ctx)
        return super().convert(value, param, ctx)


class FolderType(click.Path):
    """The path of a folder, never ''."""

    def __init__(self) -> None:
        super().__init__(path_type=Path, file_okay=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or refuse it."""
        if value in ("", "-"):
            self.fail(f"got {value!r}, want a folder", param, ctx)
        return super().convert(value, param, ctx)


class OrUrl(click.ParamType[Any]):
    """What a path's type is, or an address such as `s3://bucket/prices`, which stays text."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the address or the path, or refuse it."""
        return value if isinstance(value, str) and "://" in value else super().convert(value, param, ctx)


class FileOrUrlType(OrUrl, FileType):
    """The path of a file, or the URL of a place as text."""


class FolderOrUrlType(OrUrl, FolderType):
    """The path of a folder, or the URL of a place as text."""


class PathOrUrlType(OrUrl, click.Path):
    """Any path, or the URL of a place as text."""


class TickersFileType(click.ParamType[tuple[str, ...]]):
    """A file of tickers, one per line; blank lines and comments after `#` are ignored."""

    name = "file"

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Return the tickers in the file, or refuse it, naming file and line."""
        if isinstance(value, tuple):
            return value
        try:
            text = read_regular(Path(value), limit_bytes=TICKERS_FILE_BYTES).decode("utf-8-sig")
            lines = text.splitlines()
            names = (line.partition("#")[0].strip() for line in lines)
            found = tuple(ticker.normalize(name) for name in names if name)
        except (TickerError, UnicodeDecodeError) as error:
            self.fail(f"{error} ({value})", param, ctx)
        except OSError as error:
            self.fail(f"got {error.strerror!r} on {value}, want a file of tickers", param, ctx)
        if not found:
            self.fail(f"got no ticker in {value}, want one a line", param, ctx)
        return found


class SecondsType(click.FloatRange):
    """A number of seconds above 0 that every timer takes."""

    def __init__(self) -> None:
        super().__init__(min=0, max=SECONDS_MAX, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the seconds, or refuse them; no comparison refuses a NaN."""
        parsed = super().convert(value, param, ctx)
        if math.isnan(parsed):
            self.fail(f"got {value!r}, want a number of seconds", param, ctx)
        return parsed


COUNT_MAX = 1_000_000_000
SEQ_MAX = 2**63 - 1
DAYS_MAX = 36_525  # a century
SECONDS_MAX = 31_536_000  # a year

COUNT = click.IntRange(1, COUNT_MAX)
COUNT_OR_NONE = click.IntRange(0, COUNT_MAX)
DAYS = click.IntRange(1, DAYS_MAX)
SECONDS = SecondsType()


FILE = FileType()
FILE_OR_URL = FileOrUrlType()
EXISTING_FILE = FileType(exists=True)
OUT_FILE = FileType(dash=True)
FOLDER = FolderType()
FOLDER_OR_URL = FolderOrUrlType()
PATH_OR_URL = PathOrUrlType(path_type=Path)
TICKER = TickerType()
DATE = DateType()
TICKERS_FILE = TickersFileType()
PROVIDER = click.Choice(PROVIDERS)


def day(written: str) -> date:
    """Return the day written `YYYY-MM-DD`.

    Raises: ValueError for a day that does not exist or another spelling.
    """
    try:
        if _DAY.fullmatch(written):
            return date.fromisoformat(written)
    except ValueError as error:
        message = f"got {written!r}, want a day that exists"
        raise ValueError(message) from error
    message = f"got {written!r}, want a day as YYYY-MM-DD"
    raise ValueError(message)


class Span(msgspec.Struct, frozen=True):
    """From `first_us` to `last_us`, microseconds UTC, both inclusive; a time is a span of one microsecond."""

    first_us: int
    last_us: int


class SpanType(click.ParamType[Span]):
    """A UTC day as YYYY-MM-DD, or a time with its offset."""

    name = "date|time"

    def convert(self, value: str | Span, param: click.Parameter | None, ctx: click.Context | None) -> Span:
        """Return the span of `value`, or refuse it."""
        if not isinstance(value, str):
            return value
        try:
            return span(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


SPAN = SpanType()


def span(written: str) -> Span:
    """Return the span of a day or a time.

    Raises: ValueError for any other text.
    """
    if "T" in written.upper():
        try:
            at_us = times.parse(written)
        except ValueError as error:
            message = f"got {written!r}, want a day as YYYY-MM-DD or a time such as 2026-02-15T12:34:56Z"
            raise ValueError(message) from error
        return Span(at_us, at_us)
    first_us = times.day_start(day(written))
    return Span(first_us, first_us + times.DAY_US - 1)


class UpToType(click.ParamType[UpTo]):
    """How far into the log: a seq, a UTC day or a time; see `projections.queries.position.parse`."""

    name = "seq|time"

    def convert(self, value: str | UpTo, param: click.Parameter | None, ctx: click.Context | None) -> UpTo:
        """Return how far `value` reaches, or refuse it."""
        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


UP_TO = UpToType()


class SinceType(click.ParamType["int | Span"]):
    """From where in the log on: a seq, a UTC day as YYYY-MM-DD, or a time with its offset."""

    name = "seq|time"

    def convert(
        self, value: "str | int | Span", param: click.Parameter | None, ctx: click.Context | None
    ) -> "int | Span":
        """Return the seq, or the span that begins there, or refuse it."""
        if not isinstance(value, str):
            return value
        if value.isascii() and value.isdigit():
            return int(value)
        try:
            return span(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


SINCE = SinceType()


def refuse_backwards(
    context: click.Context, start: date | None, end: date | None, *, names: tuple[str, str] = ("--start", "--end")
) -> None:
    """Refuse a first day after the last; `names` are their options."""
    if start and end and start > end:
        context.fail(f"got {names[0]} {start} after {names[1]} {end}, want it on or before")
