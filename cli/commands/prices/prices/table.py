"""Prices as a table, for a terminal that has no room for all that stands beside them. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter

from cli.commands.prices.prices import row
from cli.render import table
from cli.render.table import TableColumn
from projections.api.rows import Price

WORDS = frozenset({"date", "specification", "verdict"})


def lines(given: Iterable[Price], *, width: int) -> Iterator[str]:
    """Yield the titles and a line per session, none wider than `width`; see `cli.render.table.lines`."""
    rows = given if isinstance(given, Sequence) else list(given)
    texts = row.texts(rows)
    columns = [
        TableColumn(name.upper(), itemgetter(place), is_number=name not in WORDS) for place, name in enumerate(texts)
    ]
    cells = zip(*(map(str.strip, column) for column in texts.values()), strict=True)
    return table.lines(cells, columns, width=width)
