"""The data files of an export as Hive lays them out: a file per year, or one per ticker and year."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

import msgspec
import numpy as np

from cli.commands.prices.export.row import (
    ACTION_COLUMNS,
    PRICE_COLUMNS,
    ExportedFile,
    ExportedSeries,
    FileFormat,
    Layout,
)
from cli.commands.prices.export.write_behind import written_behind
from cli.render import csv_text, parquet
from ledger.errors import unwritable
from ledger.files.atomic_file import SHARED_MODE
from ledger.files.durable import give_to_owner, make_folder
from ledger.market.series import Series
from projections.api import series_rows
from projections.api.faces import to_columns
from projections.api.rows import CorporateAction, Instrument
from projections.models import prices as held_prices
from projections.models.bar_columns import EPOCH_ORDINAL, years
from projections.queries.adjusted import AdjustmentRule
from projections.relations.block import Block
from projections.relations.sessions import Sessions, sessions
from projections.store.store import View

PRICES, ACTIONS, INSTRUMENTS, MARKET = "prices", "actions", "instruments", "market"


class ExportedRows(Protocol):
    """Rows of one type by columns, as a `Block` of numpy or `Columns` of structs has them."""

    def __len__(self) -> int: ...

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        ...

    def to_arrow(self) -> Any:
        """Return them as a `pyarrow.Table`."""
        ...

    def plain(self) -> dict[str, list[Any]]:
        """Return their values in lists."""
        ...


def adjusted_since(rows: Block, spans: Sequence[tuple[int, int]]) -> list[date | None]:
    """Return of each span `[start, stop)`, sessions of one series by day, the first that has an adjusted price."""
    starts = np.array([start for start, _ in spans], np.int64)
    priced = np.flatnonzero(~np.asarray(rows.columns["factor"].missing))
    found = np.append(priced, len(rows))[np.searchsorted(priced, starts)]
    days = np.append(rows.columns["date"].values, 0)[found] + EPOCH_ORDINAL
    return [
        date.fromordinal(day) if first < stop else None
        for day, first, (_, stop) in zip(days.tolist(), found.tolist(), spans, strict=True)
    ]


class Sink:
    """One file while it is written: hashed on its way, and on disk once it is closed."""

    closed = False

    def __init__(self, path: Path) -> None:
        self._path, self._sha256, self.rows = path, sha256(), 0
        make_folder(path.parent)
        with self._writing():
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, SHARED_MODE)
            give_to_owner(self._fd, path.parent)

    def write(self, content: bytes) -> int:
        """Add `content`, all of it."""
        self._sha256.update(content)
        with self._writing():
            remaining = memoryview(content)
            while remaining:
                remaining = remaining[os.write(self._fd, remaining) :]
        return len(content)

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def close(self) -> None:
        """Make what was written durable, the first time."""
        if not self.closed:
            self.closed = True
            with self._writing():
                try:
                    os.fsync(self._fd)
                finally:
                    os.close(self._fd)

    def exported(self, folder: Path) -> ExportedFile:
        """Return what the manifest of the export in `folder` says of it."""
        return ExportedFile(path=str(self._path.relative_to(folder)), rows=self.rows, sha256=self._sha256.hexdigest())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unwritable(self._path, error) from error


class CsvWriter:
    """Rows as one CSV file; a number is the shortest text of its double, as in JSON."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def write(self, rows: ExportedRows) -> None:
        """Add rows, of the same columns as all before."""
        lines = zip(*rows.plain().values(), strict=True)
        content = csv_text.render(rows.names, (msgspec.to_builtins(line) for line in lines))
        self._sink.write(content.partition(b"\n")[2] if self._sink.rows else content)
        self._sink.rows += len(rows)

    def close(self) -> None:
        """Finish the file."""
        self._sink.close()


class ParquetWriter:
    """Rows as one Parquet file, in row groups of one size however they come."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._stream = parquet.Stream(sink)

    def write(self, rows: ExportedRows) -> None:
        """Add rows, of the same columns as all before."""
        self._sink.rows += len(rows)
        self._stream.write(rows.to_arrow())

    def close(self) -> None:
        """Finish the file."""
        self._stream.close()
        self._sink.close()


WRITERS: dict[str, type[CsvWriter] | type[ParquetWriter]] = {"csv": CsvWriter, "parquet": ParquetWriter}


class ExportBatch(NamedTuple):
    """Sessions of some tickers, and the corporate actions of each part of them."""

    found: Sessions
    actions: list[list[CorporateAction]]


def _batches(view: View, found: Iterable[Sessions], position: int) -> Iterator[ExportBatch]:
    tables = view.state[held_prices.NAME]
    for one in found:
        yield ExportBatch(
            one,
            [series_rows.counting_among(tables, of.series.ticker, of.witnesses, position) for of in one.parts],
        )


class ExportFiles:
    """The files under `folder`, each row in the one of its year, or of its ticker and year; rows come by ticker."""

    def __init__(self, folder: Path, file_format: FileFormat, layout: Layout) -> None:
        self._folder, self.format, self.layout = folder, file_format, layout
        self._open: dict[str, tuple[Sink, CsvWriter | ParquetWriter]] = {}
        self.written: list[ExportedFile] = []

    def add_prices(self, found: Sessions) -> None:
        """Write the sessions of some tickers."""
        self._add_sessions(PRICES, found, PRICE_COLUMNS)

    def add_market(self, found: Iterable[Sessions]) -> None:
        """Write every field of the sessions of some tickers, while more of them are read.

        Raises: as `fill` does.
        """
        for _ in written_behind(found, self._put_market, rows_of=lambda one: len(one.block)):
            pass

    def add_actions(self, ticker: str, actions: Sequence[CorporateAction]) -> None:
        """Write the corporate actions of a ticker, which come by day."""
        if self.layout == "year":
            if actions:
                names = ("ticker", *ACTION_COLUMNS)
                self._put(f"{ACTIONS}/{ACTIONS}.{self.format}", to_columns(CorporateAction, actions, names))
            return
        for year in dict.fromkeys(one.date.year for one in actions):
            rows = [one for one in actions if one.date.year == year]
            self._put(self._path(ACTIONS, ticker, year), to_columns(CorporateAction, rows, ACTION_COLUMNS))
        self._finish()

    def fill(
        self, view: View, wanted: Iterable[Series], position: int, rule: AdjustmentRule
    ) -> Iterator[ExportedSeries]:
        """Write the prices and actions of these series, and yield what is in the files of each.

        A series without a price by then is left out.

        Raises: MissingExtraError without pyarrow; DiskFullError; UnwritableError.
        """
        batches = _batches(view, sessions(view, wanted, position, adjusted=rule), position)
        for found, of_parts in written_behind(batches, self._put_batch, rows_of=lambda one: len(one.found.block)):
            spans = [(part.start, part.stop) for part in found.parts]
            days = (found.block.columns["date"].values + EPOCH_ORDINAL)[[(start, stop - 1) for start, stop in spans]]
            since = adjusted_since(found.block, spans)
            for part, actions, ends, first_adjusted in zip(found.parts, of_parts, days.tolist(), since, strict=True):
                first, last = map(date.fromordinal, ends)
                yield ExportedSeries(
                    ticker=part.series.ticker,
                    provider=part.series.provider,
                    basis=part.judged[-1].basis,
                    first=first,
                    last=last,
                    prices=part.stop - part.start,
                    actions=len(actions),
                    adjusted_since=first_adjusted,
                )

    def add_instruments(self, found: Sequence[Instrument]) -> None:
        """Write how the instruments were listed, by ticker; one file in either layout."""
        if found:
            self._put(f"{INSTRUMENTS}/{INSTRUMENTS}.{self.format}", to_columns(Instrument, found))

    def close(self) -> None:
        """Finish every file."""
        self._finish(last=True)
        self.written.sort(key=lambda file: file.path)

    def _put_batch(self, batch: ExportBatch) -> None:
        self.add_prices(batch.found)
        for part, actions in zip(batch.found.parts, batch.actions, strict=True):
            self.add_actions(part.series.ticker, actions)

    def _put_market(self, found: Sessions) -> None:
        self._add_sessions(MARKET, found, [name for name in found.block.names if name != "ticker"])

    def _add_sessions(self, name: str, found: Sessions, columns: Sequence[str]) -> None:
        by_ticker = self.layout == "ticker"
        names = columns if by_ticker else ("ticker", *columns)
        spans = [(one.series.ticker, one.start, one.stop) for one in found.parts]
        for ticker, start, stop in spans if by_ticker else [("", 0, len(found.block))]:
            of = years(found.block.columns["date"].values[start:stop])
            for year in np.unique(of).tolist():
                held = of == year
                # What is cut out whole is not copied.
                rows = found.block.taken(slice(start, stop) if held.all() else start + np.flatnonzero(held))
                self._put(self._path(name, ticker, year), rows.only(names))
            self._finish()

    def _path(self, name: str, ticker: str, year: int) -> str:
        # Readers of Hive's layout decode what is quoted: ^BVSP is a name that not every one of them takes bare.
        above = f"ticker={quote(ticker, safe='')}/" if self.layout == "ticker" else ""
        return f"{name}/{above}year={year}/{name}.{self.format}"

    def _put(self, path: str, rows: ExportedRows) -> None:
        if path not in self._open:
            sink = Sink(self._folder / path)
            self._open[path] = sink, WRITERS[self.format](sink)
        self._open[path][1].write(rows)

    def _finish(self, *, last: bool = False) -> None:
        """Close what gets no more rows: a ticker's files, once it is done."""
        if self.layout == "ticker" or last:
            for sink, writer in self._open.values():
                writer.close()
                self.written.append(sink.exported(self._folder))
            self._open.clear()
