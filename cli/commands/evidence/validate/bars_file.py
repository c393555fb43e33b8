"""A CSV of bars that a person has: read whole, or refused with the line that does not hold."""

import math
from collections.abc import Iterable
from pathlib import Path

import msgspec

from cli.app.errors import BarsFileError
from cli.context import params
from ledger.files.regular import open_regular
from ledger.market.price import price_from_text, reais
from ledger.values import RawBar

VOLUME_DIGITS_MAX = 18  # whatever is longer is judged as the double nearest to it
HEADER = ("date", "open", "high", "low", "close", "volume")
ADJUSTED_HEADER = ("date", "open", "high", "low", "close", "adj_close", "volume")


class Line(msgspec.Struct, frozen=True):
    """One bar and its line in the file, counted from 1."""

    number: int
    bar: RawBar


def read(path: Path) -> list[Line]:
    """Return the bars of the file, in its order; an empty cell is a missing value.

    Raises: BarsFileError for another header, a cell that cannot be parsed, or no bar at all; OSError.
    """
    import csv

    with open(open_regular(path), encoding="utf-8-sig", newline="") as file:
        try:
            return _lines(path, csv.reader(file))
        except UnicodeDecodeError as error:
            raise BarsFileError(path, 1, found="bytes that are no UTF-8", wanted="a CSV of bars") from error


def _lines(path: Path, rows: Iterable[list[str]]) -> list[Line]:
    numbered = ((number, row) for number, row in enumerate(rows, 1) if row)
    _, header = next(numbered, (1, []))
    names = tuple(name.strip().lower() for name in header)
    if names not in (HEADER, ADJUSTED_HEADER):
        wanted = f"{','.join(HEADER)}, with adj_close before volume or without"
        raise BarsFileError(path, 1, found=f"header {','.join(header)!r}", wanted=wanted)
    lines = []
    for number, row in numbered:
        if len(row) != len(names):
            raise BarsFileError(path, number, found=f"{len(row)} cells", wanted=f"{len(names)}")
        try:
            lines.append(Line(number, _bar(dict(zip(names, (cell.strip() for cell in row), strict=True)))))
        except ValueError as error:
            found, _, wanted = str(error).removeprefix("got ").partition(", want ")
            raise BarsFileError(path, number, found=found, wanted=wanted) from error
    if not lines:
        raise BarsFileError(path, 2, found="no bar", wanted="one bar a line")
    return lines


def _bar(cells: dict[str, str]) -> RawBar:
    opened, high, low, close = (_price(name, cells[name]) for name in ("open", "high", "low", "close"))
    adj_close = _price("adj_close", cells["adj_close"]) if cells.get("adj_close") else None
    volume: float | int | None = None
    if written := cells["volume"]:
        is_whole = written.isascii() and written.isdigit() and len(written) <= VOLUME_DIGITS_MAX
        volume = int(written) if is_whole else _number("volume", written)
    return RawBar(params.day(cells["date"]), opened, high, low, close, adj_close, volume)


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
