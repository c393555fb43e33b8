"""Rows as CSV: comma, LF, quotes only where a cell needs them, and no formula for a spreadsheet to run."""

from collections.abc import Iterable, Sequence

from cli.render.escaping import escaped_cell


def render(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return the file; None is an empty cell."""
    # Imported here: only what is asked for as CSV pays for it.
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(map(escaped_cell, row) for row in rows)
    return out.getvalue().encode()
