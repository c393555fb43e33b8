"""One table of renderers, keyed by format: rows of one type as text, JSON, CSV, Parquet, or what Prometheus scrapes."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, Generic, Literal, TypeVar

import msgspec

from cli.render.escaping import escaped_json, escaped_lines, escaped_row

T = TypeVar("T")

Format = Literal["text", "json", "prometheus", "csv", "parquet"]
TEXT: Final = "text"
JSON: Final = "json"
PROMETHEUS: Final = "prometheus"
CSV: Final = "csv"
PARQUET: Final = "parquet"


class Layout(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """What the renderers need to know about one type of row that its annotations lack.

    `lines` are the rows for people. The others are for formats that the command offers: the header of the CSV and the
    lines of one row, the struct whose fields are the columns of the Parquet file, and what is scraped of all rows.
    Where it is `whole`, `lines` takes all rows at once, by their columns, and escapes their texts; `csv_cells` does so.
    """

    lines: Callable[[Iterable[T]], Iterable[str]]
    csv_header: Sequence[str] = ()
    csv_lines: Callable[[T], Iterable[Sequence[object]]] | None = None
    columns: type[msgspec.Struct] | None = None
    exposition: Callable[[Iterable[T]], bytes] | None = None
    whole: bool = False
    csv_cells: Callable[[Iterable[T]], Iterable[Sequence[object]]] | None = None


def rendered(rows: Iterable[T], layout: Layout[T], wanted: Format, *, array: bool = False) -> Iterable[bytes]:
    """Return the bytes of `rows` in the format `wanted`, piece by piece; text and JSON take one row at a time.

    With `array`, the lines of JSON are the elements of one array.

    Raises: MissingExtraError for Parquet without pyarrow.
    """
    return json_array(rows, layout) if array else RENDERERS[wanted](rows, layout)


def text_lines(rows: Iterable[T], layout: Layout[T]) -> Iterator[bytes]:
    """Yield the rows for people; what is harmful in a row's texts is escaped, so that none forges a line."""
    if layout.whole:
        found = list(layout.lines(rows))
        whole = "".join(found)  # nearly always of figures alone: one look at all of it costs less than one at each line
        shown = found if whole.isascii() and whole.isprintable() else list(map(escaped_lines, found))
        yield "\n".join([*shown, ""]).encode()
        return
    for line in layout.lines(map(escaped_row, rows)):
        yield f"{escaped_lines(line)}\n".encode()


def json_lines(rows: Iterable[T], _layout: Layout[T]) -> Iterator[bytes]:
    """Yield one object per line."""
    for line in _encoded(rows):
        yield line + b"\n"


def json_array(rows: Iterable[T], _layout: Layout[T]) -> Iterator[bytes]:
    """Yield one array whose elements are the lines."""
    before = b"["
    for line in _encoded(rows):
        yield before + line
        before = b",\n"
    yield b"[]\n" if before == b"[" else b"]\n"


def _encoded(rows: Iterable[T]) -> Iterator[bytes]:
    # Imported here: text, which is what most runs print, does without.
    from projections.api.faces import each_to_json

    encode = msgspec.json.Encoder().encode
    for built in each_to_json(rows):
        try:
            line = encode(built)
        except UnicodeEncodeError:
            # A name on disk that is no UTF-8: JSON has no way to write its bytes.
            line = encode(escaped_row(built))
        # The same value, and nothing in it that a terminal obeys.
        yield line if line.isascii() else escaped_json(line.decode()).encode()


def csv_file(rows: Iterable[T], layout: Layout[T]) -> Iterator[bytes]:
    """Yield one CSV file."""
    from cli.render import csv_text

    if layout.csv_cells is not None:
        yield csv_text.render(layout.csv_header, layout.csv_cells(rows))
        return
    assert layout.csv_lines is not None  # noqa: S101 - the command offers CSV
    yield csv_text.render(layout.csv_header, (line for row in rows for line in layout.csv_lines(row)))


def parquet_file(rows: Iterable[T], layout: Layout[T]) -> Iterator[bytes]:
    """Yield one Parquet file: a column per field of the row's JSON."""
    from cli.render import parquet
    from projections.api.faces import each_to_json, json_type, to_columns

    assert layout.columns is not None  # noqa: S101 - the command offers Parquet
    yield parquet.render(to_columns(json_type(layout.columns), each_to_json(rows)))


def prometheus_page(rows: Iterable[T], layout: Layout[T]) -> Iterator[bytes]:
    """Yield the page that Prometheus scrapes."""
    assert layout.exposition is not None  # noqa: S101 - the command offers it
    yield layout.exposition(rows)


RENDERERS: dict[Format, Callable[[Iterable[Any], Layout[Any]], Iterable[bytes]]] = {
    TEXT: text_lines,
    JSON: json_lines,
    CSV: csv_file,
    PARQUET: parquet_file,
    PROMETHEUS: prometheus_page,
}
