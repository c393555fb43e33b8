"""Rows as a table with aligned columns, for a terminal; what is piped stays a line per row that says all. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from textwrap import wrap
from typing import Generic, TypeVar

import msgspec

from cli.render.text_width import cut, padded, text_width

T = TypeVar("T")

GAP = "  "
CUT = "..."
CUT_WIDTH = 36
NOTE_WIDTH = 60  # a terminal with less breaks what is said of it by itself


class TableColumn(msgspec.Struct, Generic[T], frozen=True):
    """A column: its title, the text of a row's cell, and whether that is a number, which stands to the right.

    A column of empty cells is left out. One that may be cut loses the ends of its texts where there is no room.
    """

    title: str
    cell: Callable[[T], object]
    is_number: bool = False
    is_cut: bool = False

    def need(self, texts: Sequence[str]) -> int:
        """Return the width without which the column is not shown."""
        widest = max(map(text_width, texts))
        return min(widest, CUT_WIDTH) if self.is_cut else widest


def lines(rows: Iterable[T], columns: Sequence[TableColumn[T]], *, width: int) -> Iterator[str]:
    """Yield the titles and a line per row, none wider than `width`, the first column aside.

    Columns that do not fit are left out from the last one on, and what ends the table names them, and what was cut.
    """
    found = list(rows)
    cells = [[column.title, *(str(column.cell(row)) for row in found)] for column in columns]
    shown = [(column, texts) for column, texts in zip(columns, cells, strict=True) if any(texts[1:])]
    left_out: list[str] = []
    while len(shown) > 1 and _needed(shown) > width:
        left_out.insert(0, shown.pop()[0].title.lower())
    to_spare = max(width - _needed(shown), 0)
    for place, (column, texts) in enumerate(shown):
        room = column.need(texts) + to_spare
        if column.is_cut and max(map(text_width, texts)) > room:
            shown[place] = column, [cut(one, room, CUT) for one in texts]
            left_out.append(f"the ends of {column.title.lower()}")
    aligned = [_aligned(column, texts) for column, texts in shown]
    for line in zip(*aligned, strict=True):
        yield GAP.join(line).rstrip()
    if left_out:
        words = f"not shown in {width} columns: {', '.join(left_out)}"
        yield from wrap(words, max(width, NOTE_WIDTH), break_long_words=False, break_on_hyphens=False)


def _aligned(column: TableColumn[T], texts: Sequence[str]) -> list[str]:
    width = max(map(text_width, texts))
    return [padded(text, width, is_right=column.is_number) for text in texts]


def _needed(shown: Sequence[tuple[TableColumn[T], Sequence[str]]]) -> int:
    return sum(column.need(texts) + len(GAP) for column, texts in shown) - len(GAP)
