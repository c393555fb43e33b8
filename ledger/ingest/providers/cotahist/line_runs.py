"""The quotes of one file, put down as they come and taken up again ticker by ticker, many at once.

A file runs by days, evidence by tickers, and nothing may be appended before the trailer is read. The quotes wait in
sorted runs in a private file without a name, and are merged when their turn comes: constant memory at any size.
"""

import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from ledger.errors import unwritable
from ledger.files.durable import pwrite_whole
from ledger.ingest.providers.cotahist.columns import Bytes, Ints

RUN_BYTES = 4 * 1024 * 1024
BATCH_LINES = 8_192


class LineRun(NamedTuple):
    """Some quotes, by ticker and place in the file: how many there are of each of `series`, and where they begin."""

    series: Ints  # their numbers, by ticker
    counts: Ints
    offset: int


class TickerLines(NamedTuple):
    """The quotes of some tickers, in order: those of `tickers[n]` are `lines[bounds[n]:bounds[n + 1]]`."""

    tickers: list[str]
    bounds: list[int]
    lines: Bytes


class LineRuns:
    """Quotes in wait."""

    def __init__(self) -> None:
        """Open an empty file among the temporary ones (`TMPDIR`).

        Raises: DiskFullError, UnwritableError.
        """
        with ExitStack() as opened:
            try:
                self._file = opened.enter_context(tempfile.TemporaryFile())
            except OSError as error:
                raise unwritable(Path(tempfile.gettempdir()), error) from error
            # Ended before the file that it writes to is closed.
            self._thread = opened.enter_context(ThreadPoolExecutor(1))
            self._opened = opened.pop_all()
        self._waiting: list[tuple[Ints, Bytes]] = []
        self._waiting_bytes = 0
        self._writing: Future[None] | None = None
        self._runs: list[LineRun] = []
        self._end = self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def put(self, series: Ints, lines: Bytes, tickers: Sequence[str]) -> None:
        """Put quotes down, each with the number of its series: its place in `tickers`.

        A thread sorts and writes a run while the quotes of the next one come.

        Raises: DiskFullError, UnwritableError, of the run before too.
        """
        if len(lines):
            self._waiting.append((series, lines))
            self._waiting_bytes += lines.nbytes
        if self._waiting_bytes >= RUN_BYTES:
            self._begin(tickers)

    def batches(self, tickers: Sequence[str]) -> Iterator[TickerLines]:
        """Yield the quotes of each ticker that has some, tickers in order, some 8,192 lines at a time.

        Raises: DiskFullError, UnwritableError.
        """
        if self._waiting:
            self._begin(tickers)
        self._finish()
        if not self._runs:
            return
        numbers = np.unique(np.concatenate([run.series for run in self._runs]))
        names = np.array(sorted(numbers.tolist(), key=tickers.__getitem__), np.int64)
        rank = np.zeros(len(tickers), np.int64)
        rank[names] = np.arange(len(names))
        ranks = [rank[run.series] for run in self._runs]
        starts = [np.concatenate([[0], np.cumsum(run.counts)]) for run in self._runs]
        counts = np.zeros(len(names), np.int64)
        for run, places in zip(self._runs, ranks, strict=True):
            counts[places] += run.counts
        ends = np.cumsum(counts)
        first = 0
        while first < len(names):
            before = int(ends[first - 1]) if first else 0
            stop = max(first + 1, int(np.searchsorted(ends, before + BATCH_LINES, side="right")))
            lines, of = self._gathered(ranks, starts, first, stop)
            order = np.argsort(of, kind="stable")
            bounds = [0, *(ends[first:stop] - before).tolist()]
            yield TickerLines([tickers[name] for name in names[first:stop].tolist()], bounds, lines[order])
            first = stop

    def _gathered(self, ranks: list[Ints], starts: list[Ints], first: int, stop: int) -> tuple[Bytes, Ints]:
        """Return the lines of all runs whose ticker's rank is in [first, stop), and those ranks."""
        lines, of = list[Bytes](), list[Ints]()
        for run, places, begins in zip(self._runs, ranks, starts, strict=True):
            low, high = np.searchsorted(places, [first, stop])
            begin, end = int(begins[low]) * self._width, int(begins[high]) * self._width
            read = os.pread(self._file.fileno(), end - begin, run.offset + begin) if end > begin else b""
            lines.append(np.frombuffer(read, np.uint8).reshape(-1, self._width))
            of.append(np.repeat(places[low:high], run.counts[low:high]))
        return np.concatenate(lines), np.concatenate(of)

    def _begin(self, tickers: Sequence[str]) -> None:
        self._finish()
        self._writing = self._thread.submit(self._write, self._waiting, tickers)
        self._waiting, self._waiting_bytes = [], 0

    def _finish(self) -> None:
        if self._writing is not None:
            self._writing.result()

    def _write(self, waiting: Sequence[tuple[Ints, Bytes]], tickers: Sequence[str]) -> None:
        series, lines = (np.concatenate(list(columns)) for columns in zip(*waiting, strict=True))
        self._width = lines.shape[1]
        numbers, of = np.unique(series, return_inverse=True)
        by_name = np.array(sorted(range(len(numbers)), key=lambda place: tickers[int(numbers[place])]), np.int64)
        rank = np.empty(len(numbers), np.int64)
        rank[by_name] = np.arange(len(numbers))
        order = np.argsort(rank[of], kind="stable")
        try:
            pwrite_whole(self._file.fileno(), lines.take(order, axis=0).data.cast("B"), self._end)
        except OSError as error:
            raise unwritable(Path(tempfile.gettempdir()), error) from error
        self._runs.append(LineRun(numbers[by_name], np.bincount(of)[by_name], self._end))
        self._end += lines.nbytes
