"""The page that Prometheus scrapes, written even where the ledger cannot be read: then it says that.

A file that is left as it was when things break looks like a ledger that is well.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import msgspec

from cli.app import clock, output, settings
from cli.app.output import Style
from cli.app.settings import Settings
from cli.commands.status.health import free_space
from cli.commands.status.metrics import row
from cli.context import ledgers
from cli.render.renderers import Layout
from ledger.errors import LedgerError
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.log_source import LogSource
from ledger.store.mark import read_mark
from projections.queries.metrics_report import TickerReport
from projections.store.store import View

Reports = Callable[[LogSource, View, str | None, Settings], list[TickerReport]]


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What is known without reading the log: None where there is no folder, or it cannot be looked at."""

    made_us: int | None = None  # when
    free_bytes: int | None = None
    marked: bool | None = None  # whether the mark of a bad verification stands


class Scraped(msgspec.Struct, frozen=True):
    """The page, and the reports that are on it."""

    page: bytes
    reports: list[TickerReport]


def give(reports: Reports, ticker: str | None, style: Style, out: Path | None) -> list[TickerReport]:
    """Print the page or make `out` hold it, and return the reports of `reports` that are on it.

    Raises: as settings, `ledgers.viewing` and `output.give` do; for what keeps the ledger from being read the page
    was written all the same, with `b3ledger_up 0`.
    """
    around = Surroundings()
    try:
        given = settings.load()
        around = _surroundings(given)
        # In a child process: a damaged database can kill whoever maps it, and the page would stay as it was.
        found = IsolatedProcess(partial(_scraped, given, reports, ticker, around), Scraped).result()
    except (LedgerError, OSError) as error:
        from cli.commands.status.metrics.prometheus import exposition

        _print(exposition(None, (), around), (), style, out)
        if isinstance(error, IsolatedProcessError):
            with ledgers.viewing(given):  # raises what is wrong as the error that it is, with its own exit code
                raise
        raise
    _print(found.page, found.reports, style, out)
    return found.reports


def _print(page: bytes, reports: Sequence[TickerReport], style: Style, out: Path | None) -> None:
    layout: Layout[TickerReport] = Layout(lines=partial(map, row.text), exposition=lambda _: page)
    with output.unprinted():
        output.give(output.rendered(reports, style, layout), out)


def _surroundings(given: Settings) -> Surroundings:
    made_us = clock.now_us(given, reading=True)
    if ledgers.archive_given() is None:
        with suppress(LedgerError, OSError):
            folder = ledgers.active(given).folder
            return Surroundings(
                made_us=made_us, free_bytes=free_space.free_bytes(folder), marked=read_mark(folder) is not None
            )
    return Surroundings(made_us=made_us)


def _scraped(given: Settings, reports: Reports, ticker: str | None, around: Surroundings) -> Scraped:
    # Imported here: it costs as much as everything else that a reading command needs.
    from cli.commands.status.metrics.prometheus import exposition

    with ledgers.reading(given) as log, ledgers.view_of(log) as view:
        found = reports(log, view, ticker, given)
        return Scraped(exposition(view, found, around), found)
