"""A CSV of bars that a person has: read whole, or refused with the line that does not hold."""

import math
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from cli.app.errors import BarsFileError
from cli.context import params
from ledger.files.regular import read_regular
from ledger.market.price import price_from_text, reais
from ledger.market.ticker import TickerError, normalize
from ledger.values import RawBar

FILE_MAX_BYTES = 16 * 1024 * 1024  # a hundred tickers side by side over five years
VOLUME_DIGITS_MAX = 18  # whatever is longer is judged as the double nearest to it
NAMES = ("date", "open", "high", "low", "close", "adj_close", "volume")
OPTIONAL = frozenset({"adj_close"})
ALIASES = {"adjclose": "adj_close", "datetime": "date"}
TICKER_COLUMNS = frozenset({"ticker", "symbol"})
TICKERS_SHOWN = 10
FIELD_ROW, TICKER_ROW, DATE_ROW = "price", "ticker", "date"  # how pandas names the rows of a header of several


class Line(msgspec.Struct, frozen=True):
    """One bar and its line in the file, counted from 1."""

    number: int
    bar: RawBar


class Understood(msgspec.Struct, frozen=True):
    """What a header was read as: the field of each column, None where it is left aside, and whose bars they are."""

    fields: tuple[str | None, ...]
    header: tuple[str, ...]
    ticker: str | None = None  # None where the header names none

    @property
    def plain(self) -> bool:
        """Whether the header says it as this program does."""
        return self.ticker is None and self.fields == self.header

    def text(self) -> str:
        """Return in words how the columns were taken."""
        pairs = zip(self.fields, self.header, strict=True)
        taken = ", ".join(f"{field} from {name!r}" for field, name in pairs if field is not None)
        aside = [repr(name) for field, name in zip(self.fields, self.header, strict=True) if field is None]
        whose = "" if self.ticker is None else f" of {self.ticker}"
        return f"understood{whose}: {taken}" + (f"; left aside: {', '.join(aside)}" if aside else "")


class Bars(msgspec.Struct, frozen=True):
    """The bars of a file in its order, and how its header was read."""

    lines: list[Line]
    understood: Understood


def read(path: Path, ticker: str | None = None) -> Bars:
    """Return the bars of the file, those of `ticker` where it holds several; an empty cell is a missing value.

    Columns come in any order and case, others beside them; a time behind the date is left aside.

    Raises: BarsFileError for a header that lacks a field, a cell that cannot be parsed, or no bar at all; OSError.
    """
    import csv
    from io import StringIO

    content = read_regular(path, limit_bytes=FILE_MAX_BYTES)
    try:
        reader = csv.reader(StringIO(content.decode("utf-8-sig"), newline=""))
        numbered = [(number, row) for number, row in enumerate(reader, 1) if row]
    except UnicodeDecodeError as error:
        raise BarsFileError(path, 1, found="bytes that are no UTF-8", wanted="a CSV of bars") from error
    except csv.Error as error:
        raise BarsFileError(path, 1, found=str(error), wanted="a CSV of bars") from error
    understood, count = _understood(path, numbered, ticker)
    for number, row in numbered[count:]:
        if len(row) != len(understood.fields):
            raise BarsFileError(path, number, found=f"{len(row)} cells", wanted=f"{len(understood.fields)}")
    understood, numbered = _of_one(path, understood, numbered[count:], ticker)
    lines = []
    for number, row in numbered:
        pairs = zip(understood.fields, row, strict=True)
        try:
            lines.append(Line(number, _bar({field: cell.strip() for field, cell in pairs if field is not None})))
        except ValueError as error:
            found, _, wanted = str(error).removeprefix("got ").partition(", want ")
            raise BarsFileError(path, number, found=found, wanted=wanted) from error
    if not lines:
        raise BarsFileError(path, count + 1, found="no bar", wanted="one bar a line")
    return Bars(lines, understood)


def _understood(path: Path, rows: Sequence[tuple[int, list[str]]], ticker: str | None) -> tuple[Understood, int]:
    """Return what the header says, and how many rows it takes: several where pandas wrote tickers over columns."""
    head = [[cell.strip() for cell in row] for _, row in rows[:3]] or [[]]
    by_name = {row[0].lower(): row for row in head if row}
    if not {FIELD_ROW, TICKER_ROW} <= by_name.keys():
        return Understood(_fields(path, head[0]), tuple(head[0])), 1
    names, tickers = by_name[FIELD_ROW], by_name[TICKER_ROW]
    held = tuple(dict.fromkeys(tickers[1:]))
    if ticker is None and len(held) == 1:
        ticker = held[0]
    if ticker not in held:
        found = f"columns of {', '.join(held)}" if ticker is None else f"no column of {ticker}"
        raise BarsFileError(path, 1, found=found, wanted=f"--ticker with one of {', '.join(held)}")
    chosen = ["date", *(name if of == ticker else "" for name, of in zip(names[1:], tickers[1:], strict=False))]
    shown = ("date", *(f"{name} {of}" for name, of in zip(names[1:], tickers[1:], strict=False)))
    return Understood(_fields(path, chosen), shown, ticker), 3 if DATE_ROW in by_name else 2


def _of_one(
    path: Path, understood: Understood, rows: list[tuple[int, list[str]]], ticker: str | None
) -> tuple[Understood, list[tuple[int, list[str]]]]:
    """Return the rows of one ticker, of a file that has a column for it; else all of them."""
    column = next((at for at, name in enumerate(understood.header) if name.lower() in TICKER_COLUMNS), None)
    if column is None or understood.ticker is not None:
        return understood, rows
    named = [_ticker(row[column]) for _, row in rows]
    held = tuple(dict.fromkeys(one for one in named if one))
    chosen = held[0] if ticker is None and len(held) == 1 else ticker
    if held and chosen not in held:
        found = f"rows of {len(held)} tickers" if ticker is None else f"no row of {ticker}"
        wanted = f"--ticker with one of {', '.join(held[:TICKERS_SHOWN])}" + (" …" if held[TICKERS_SHOWN:] else "")
        raise BarsFileError(path, 1, found=found, wanted=wanted)
    ours = [row for row, of in zip(rows, named, strict=True) if of in {"", chosen}]
    return Understood(understood.fields, understood.header, chosen), ours


def _ticker(cell: str) -> str:
    with suppress(TickerError):
        return normalize(cell.strip())
    return cell.strip()


def _fields(path: Path, header: Sequence[str]) -> tuple[str | None, ...]:
    written = (name.lower().replace(" ", "_") for name in header)
    fields = tuple(field if field in NAMES else None for field in (ALIASES.get(name, name) for name in written))
    named = [field for field in fields if field is not None]
    lacking = [name for name in NAMES if name not in named and name not in OPTIONAL]
    if lacking or len(set(named)) < len(named):
        wanted = f"{','.join(name for name in NAMES if name not in OPTIONAL)}, each once, with adj_close or without"
        raise BarsFileError(path, 1, found=f"header {','.join(header)!r}", wanted=wanted)
    return fields


def _bar(cells: dict[str, str]) -> RawBar:
    opened, high, low, close = (_price(name, cells[name]) for name in ("open", "high", "low", "close"))
    adj_close = _price("adj_close", cells["adj_close"]) if cells.get("adj_close") else None
    day, _, _ = cells["date"].replace("T", " ").partition(" ")
    volume: float | int | None = None
    if written := cells["volume"]:
        is_whole = written.isascii() and written.isdigit() and len(written) <= VOLUME_DIGITS_MAX
        volume = int(written) if is_whole else _number("volume", written)
    return RawBar(params.day(day), opened, high, low, close, adj_close, volume)


def _price(name: str, written: str) -> float:
    if not written:
        return math.nan
    try:
        return reais(price_from_text(written))
    except ValueError:
        # More digits than a price has, as adjusted closes often come: the nearest double will do.
        return _number(name, written)


def _number(name: str, written: str) -> float:
    try:
        if "_" not in written:
            return float(written)
    except ValueError:
        pass
    raise ValueError(f"got {name} {written!r}, want a number such as 37.32")
