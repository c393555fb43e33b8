"""How rows of the whole market are laid out: text in columns under a heading, and a CSV of named fields."""

import sys
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from cli.app import output
from cli.app.output import Style
from cli.render.renderers import TEXT, Layout
from cli.render.table import TableColumn

RowT = TypeVar("RowT", bound=msgspec.Struct)


def layout(
    names: Sequence[str], text: Callable[[RowT], str], columns: Sequence[TableColumn[RowT]] = ()
) -> Layout[RowT]:
    """Return the layout of rows whose CSV has the fields `names`, on a terminal in `columns`, if there are any."""

    def cells(row: RowT) -> tuple[tuple[object, ...]]:
        return (tuple(getattr(row, name) for name in names),)

    return Layout(lines=output.lines(text, columns), csv_header=names, csv_lines=cells)


def show(rows: Sequence[RowT], style: Style, laid_out: Layout[RowT], heading: str) -> None:
    """Print the rows; above text, on stderr, the `heading` of its columns, if they have none of their own."""
    # Rendered before anything is printed: an error of rendering comes alone.
    content = list(output.rendered(rows, style, laid_out))
    if style.format == TEXT and rows and heading:
        output.say(heading, explains=False)
    output.give(content)


def columns_of(
    heading: Sequence[str], widths: Sequence[int], cells: Callable[[RowT], Sequence[object]]
) -> tuple[TableColumn[RowT], ...]:
    """Return the columns of a terminal's table, of the same cells as `line` has."""

    def column(place: int) -> TableColumn[RowT]:
        return TableColumn(heading[place].upper(), lambda row: cells(row)[place], is_number=widths[place] > 0)

    return tuple(map(column, range(len(heading))))


def heading_of(heading: Sequence[str], widths: Sequence[int]) -> str:
    """Return the names of the columns over lines; none on a terminal, where each table has its own."""
    return "" if sys.stdout.isatty() else line(heading, widths)


def price(value: Decimal | None) -> str:
    """Return a price as a person reads it, `-` for none."""
    return "-" if value is None else str(value)


def line(cells: Iterable[object], widths: Iterable[int]) -> str:
    """Return the cells side by side, each in its width: to the right of it, to its left where the width is below 0."""
    sized = zip(cells, widths, strict=True)
    texts = (f"{cell!s:<{-width}}" if width < 0 else f"{cell!s:>{width}}" for cell, width in sized)
    return "  ".join(texts).rstrip()
