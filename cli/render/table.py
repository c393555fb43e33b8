"""Rows as a table with aligned columns, for a terminal; what is piped stays a line per row that says all. Pure."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

GAP = "  "


class TableColumn(msgspec.Struct, Generic[T], frozen=True):
    """A column: its title, the text of a row's cell, and whether that is a number, which stands to the right.

    A column of empty cells is left out.
    """

    title: str
    cell: Callable[[T], object]
    is_number: bool = False


def lines(rows: Iterable[T], columns: Sequence[TableColumn[T]], *, width: int) -> Iterator[str]:
    """Yield the titles and a line per row, none wider than `width`, the first column aside.

    Columns that do not fit are left out from the last one on, and a line at the end names them.
    """
    found = list(rows)
    cells = [[column.title, *(str(column.cell(row)) for row in found)] for column in columns]
    shown = [(column, texts) for column, texts in zip(columns, cells, strict=True) if any(texts[1:])]
    left_out: list[str] = []
    while len(shown) > 1 and sum(max(map(len, texts)) + len(GAP) for _, texts in shown) - len(GAP) > width:
        left_out.insert(0, shown.pop()[0].title.lower())
    padded = [
        [f"{text:{'>' if column.is_number else '<'}{max(map(len, texts))}}" for text in texts]
        for column, texts in shown
    ]
    for line in zip(*padded, strict=True):
        yield GAP.join(line).rstrip()
    if left_out:
        yield f"not shown in {width} columns: {', '.join(left_out)}"
