"""How rows of the whole market are laid out: text in columns under a heading, and a CSV of named fields."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeVar

import msgspec

from cli.app import output
from cli.app.output import Style
from cli.render.renderers import TEXT, Layout

RowT = TypeVar("RowT", bound=msgspec.Struct)


def layout(names: Sequence[str], text: Callable[[RowT], str]) -> Layout[RowT]:
    """Return the layout of rows whose CSV has the fields `names`."""

    def cells(row: RowT) -> tuple[tuple[object, ...]]:
        return (tuple(getattr(row, name) for name in names),)

    return Layout(lines=partial(map, text), csv_header=names, csv_lines=cells)


def show(rows: Sequence[RowT], style: Style, laid_out: Layout[RowT], heading: str) -> None:
    """Print the rows; above text, on stderr, the names of its columns."""
    # Rendered before anything is printed: an error of rendering comes alone.
    content = list(output.rendered(rows, style, laid_out))
    if style.format == TEXT and rows:
        output.say(heading, explains=False)
    output.give(content)


def price(value: Decimal | None) -> str:
    """Return a price as a person reads it, `-` for none."""
    return "-" if value is None else str(value)


def line(cells: Iterable[object], widths: Iterable[int]) -> str:
    """Return the cells side by side, each in its width: to the right of it, to its left where the width is below 0."""
    sized = zip(cells, widths, strict=True)
    texts = (f"{cell!s:<{-width}}" if width < 0 else f"{cell!s:>{width}}" for cell, width in sized)
    return "  ".join(texts).rstrip()
