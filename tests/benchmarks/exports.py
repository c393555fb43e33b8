"""An export beside pyarrow, and its layouts beside each other: `python -m tests.benchmarks.exports [--waited]`.

Prints one JSON object; its seconds are the processor's, or `--waited` ones, since an export reads and writes at once.
The peers write the rows that the export wrote, with its
settings: from lists of Python's values, which is where a program of one's own begins that has the rows, and from a
table that Arrow has in memory already, which is the end of all that an export does before it writes. An export reads
them from disk, and holds each series against the log. Both layouts hold the same ten years of 1,500 tickers, and
DuckDB is asked the same of both.
"""

import os
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import click
import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq

from cli.commands.prices.export.files import ExportFiles
from cli.commands.prices.export.row import Layout
from cli.render import parquet
from ledger.codec import Draft
from ledger.events import FetchSucceeded, ValidationCompleted
from ledger.ids import append_id
from ledger.market.series import Series
from ledger.market.series_state import leaves_of, state
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Answer, Bar, Identity, Request, Source, Window
from projections.api.rows import AdjustedPrice
from projections.queries.adjusted import AdjustmentRule
from projections.queries.choosing import SeriesWanted, chosen
from projections.relations.block import Block, Cells
from projections.relations.sessions import SeriesRows, Sessions
from projections.store.bulk import BATCH_SERIES
from projections.store.runner import catch_up, open_view
from tests.benchmarks.measure import Clock, in_turn, ratio
from tests.benchmarks.one_object import print_measured
from tests.support.drafts import JOB, StepClock, decision

SESSIONS_A_YEAR = 250
FIRST_YEAR, YEARS, TICKERS = 2015, 10, 1_500
PROVIDER, BASIS = "cotahist", "as_traded"
ANSWER_BYTES = 8_000  # what a year of the exchange's lines of one paper is, packed
EXPORT, FROM_ARROW, FROM_LISTS = "export", "pyarrow, from Arrow", "pyarrow, from lists"
QUERIES = {
    "one ticker": "select count(*), sum(close) from {} where ticker = 'T0750.SA'",
    "one session": "select count(*), sum(close) from {} where year = 2024 and date = date '2024-06-03'",
    "all of it": "select count(*), sum(close) from {}",
}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of each contestant, the processor's or `waited`, and the export's as a multiple of the peers'.

    Milliseconds of each query.
    """

    rows: int
    waited: bool
    seconds: dict[str, float]
    times_a_peer: dict[str, float]
    files: dict[str, int]
    bytes: dict[str, int]
    milliseconds: dict[str, dict[str, float]]


def ledger(folder: Path, rows: int) -> LedgerHome:
    """Return a ledger that holds a year of each of as many series as make `rows`, each by one decision."""
    home, clock = LedgerHome(folder), StepClock()
    create_ledger(home, kind="real", software="benchmark", now=clock, lock_timeout_s=5)
    days = [date.fromordinal(date(2025, 1, 2).toordinal() + number) for number in range(SESSIONS_A_YEAR)]
    generator = np.random.default_rng(1)
    with EventLog(home, now=clock) as log:
        for number in range(rows // SESSIONS_A_YEAR):
            ticker = f"T{number:04}.SA"
            closes = (20_000_000 + 10_000 * generator.integers(-40, 41, SESSIONS_A_YEAR).cumsum()).clip(10_000).tolist()
            shares = generator.integers(100, 10**7, SESSIONS_A_YEAR).tolist()
            bars = tuple(
                Bar(day, close, close + 30_000, max(close - 30_000, 10_000), close, None, volume)
                for day, close, volume in zip(days, closes, shares, strict=True)
            )
            evidence = _evidence(ticker, Window(days[0], days[-1]), generator.bytes(ANSWER_BYTES))
            events = (
                Draft(job_id=JOB, stream=ticker, event=evidence),
                Draft(job_id=JOB, stream=ticker, event=_decision(ticker, bars), cause=log.head().size),
            )
            log.append(events, append_id=append_id(ticker))
        catch_up(log, log.folder)
    return home


def _evidence(ticker: str, window: Window, body: bytes) -> FetchSucceeded:
    return FetchSucceeded(
        ticker=ticker,
        provider=PROVIDER,
        attempt=1,
        started_at=0,
        finished_at=0,
        request=Request(ticker=ticker, window=window),
        source=Source(library="benchmark", version="1"),
        answer=Answer(body=body, body_bytes=len(body), sha256=bytes(32)),
        identity=Identity(),
        bars=(),
        actions=(),
    )


def _decision(ticker: str, bars: tuple[Bar, ...]) -> ValidationCompleted:
    series = Series(ticker, PROVIDER)
    return decision(
        ticker,
        PROVIDER,
        Window(bars[0].date, bars[-1].date),
        bars,
        basis=BASIS,
        rules_version=2,
        before=state(series, BASIS, {}, ()),
        after=state(series, BASIS, leaves_of(bars), ()),
    )


def exported(home: LedgerHome, folder: Path) -> Path:
    """Export the ledger by year and return the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with EventLog(home, now=StepClock(), readonly=True) as log, open_view(log, log.folder) as view:
        files = ExportFiles(folder, "parquet", "year")
        wanted = chosen(view, view.head.size, SeriesWanted(order=(PROVIDER,)))
        list(files.fill(view, wanted, view.head.size, AdjustmentRule()))
        files.close()
    return folder


def contest(folder: Path, *, rows: int, rounds: int, clock: Clock) -> tuple[dict[str, float], dict[str, float]]:
    """Return the seconds of each, and the export's as a multiple of each peer's."""
    home = ledger(folder / "ledger", rows)
    path = next(exported(home, folder / "out").rglob("prices.parquet"))
    table = pq.read_table(path, partitioning=None)
    assert rows == len(table)
    lists = table.to_pydict()

    def write(made: Callable[[], pa.Table]) -> None:
        pq.write_table(
            made(),
            folder / "peer.parquet",
            compression=parquet.COMPRESSION,
            row_group_size=parquet.ROW_GROUP_ROWS,
            write_page_index=True,
        )

    timings = in_turn(
        {
            EXPORT: lambda: exported(home, folder / "out"),
            FROM_ARROW: lambda: write(lambda: table),
            FROM_LISTS: lambda: write(lambda: pa.table(lists, schema=table.schema)),
        },
        units=rows,
        unit="rows",
        rounds=rounds,
        clock=clock,
    )
    times = {peer: 1 / ratio(timings, EXPORT, peer, what="export").median for peer in (FROM_ARROW, FROM_LISTS)}
    return {name: timing.median_s for name, timing in timings.items()}, times


def market(tickers: int, years: int) -> Iterator[Sessions]:
    """Yield the sessions of an invented market, in blocks as a ledger gives them."""
    generator = np.random.default_rng(1)
    first = date(FIRST_YEAR, 1, 1).toordinal() - date(1970, 1, 1).toordinal()
    weekdays = [first + n for n in range(int(years * 365.25)) if date.fromordinal(first + n + 719_163).weekday() < 5]
    days = np.array(weekdays)
    for start in range(0, tickers, BATCH_SERIES):
        words = [f"T{number:04}.SA" for number in range(start, min(start + BATCH_SERIES, tickers))]
        size = len(words) * len(days)
        closes = np.round(20 + generator.standard_normal(size).cumsum() / 100, 2).clip(0.01)
        missing = np.ones(size, np.bool_)
        cells = {
            **{name: Cells(closes) for name in ("open", "high", "low", "close")},
            **{name: Cells(closes, missing) for name in ("factor", "adj_open", "adj_high", "adj_low", "adj_close")},
            "ticker": Cells(np.repeat(np.arange(len(words)), len(days)), words=words),
            "date": Cells(np.tile(days, len(words))),
            "volume": Cells(generator.integers(100, 10**7, size)),
            "provider_adj_close": Cells(closes, missing),
            "provider": Cells(np.zeros(size, np.int64), words=[PROVIDER]),
            "basis": Cells(np.zeros(size, np.int64), words=[BASIS]),
            "seq": Cells(np.repeat(np.arange(len(words)), len(days))),
            "learned_at": Cells(np.repeat(np.arange(len(words)), len(days))),
        }
        parts = [
            SeriesRows(Series(word, PROVIDER), [], n * len(days), (n + 1) * len(days)) for n, word in enumerate(words)
        ]
        yield Sessions(Block(AdjustedPrice, cells), parts)


def laid_out(folder: Path, layout: Layout, *, tickers: int, years: int) -> Path:
    """Return the folder of an export of that market in one layout; what is read soon need not outlive a power cut."""
    with mock.patch.object(os, "fsync"):
        files = ExportFiles(folder, "parquet", layout)
        for found in market(tickers, years):
            files.add_prices(found)
        files.close()
    return folder


def asked(folder: Path, rounds: int) -> dict[str, float]:
    """Return the milliseconds that DuckDB takes over each query, in the median round, and those of the processor."""
    found: dict[str, float] = {}
    files = f"read_parquet('{folder}/prices/**/*.parquet', hive_partitioning = true)"
    for name, query in QUERIES.items():
        taken = []
        for _ in range(rounds + 1):
            began = time.perf_counter(), time.process_time()
            duckdb.execute(query.format(files)).fetchall()
            taken.append((time.perf_counter() - began[0], time.process_time() - began[1]))
        for of, times in zip(("", ", processor"), zip(*taken[1:], strict=True), strict=True):
            found[f"{name}{of}"] = round(1000 * statistics.median(times), 1)
    return found


def measure(folder: Path, *, rows: int, tickers: int, rounds: int, waited: bool) -> Report:
    """Return the figures of `contest`, where it is of any rows, and of both layouts."""
    clock = time.perf_counter if waited else time.process_time
    seconds, times = contest(folder, rows=rows, rounds=rounds, clock=clock) if rows else ({}, {})
    folders: dict[str, Path] = {
        layout: laid_out(folder / layout, layout, tickers=tickers, years=YEARS) for layout in ("year", "ticker")
    }
    files = {name: list(path.rglob("*.parquet")) for name, path in folders.items()}
    answers: dict[str, Any] = {name: asked(path, rounds) for name, path in folders.items()}
    return Report(
        rows=rows,
        waited=waited,
        seconds={name: round(value, 3) for name, value in seconds.items()},
        times_a_peer={name: round(value, 2) for name, value in times.items()},
        files={name: len(found) for name, found in files.items()},
        bytes={name: sum(path.stat().st_size for path in found) for name, found in files.items()},
        milliseconds=answers,
    )


@click.command()
@click.option(
    "--rows", type=click.IntRange(min=0), default=500_000, show_default=True, help="Of the export; 0: layouts alone."
)
@click.option("--tickers", type=click.IntRange(min=751), default=TICKERS, show_default=True)
@click.option("--rounds", type=click.IntRange(min=1), default=5, show_default=True)
@click.option(
    "--waited", is_flag=True, help="Count what an export is waited for, on a machine with nothing else on it."
)
def main(rows: int, tickers: int, rounds: int, *, waited: bool) -> None:
    """Measure and print one JSON object."""
    print_measured(partial(measure, rows=rows, tickers=tickers, rounds=rounds, waited=waited))


if __name__ == "__main__":
    main()
