"""`--download`: the exchange's files fetched first, each kept before it is imported."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cli.app import exits, output
from cli.app.settings import Settings
from cli.commands.ingest.file_import import FileRun
from cli.commands.ingest.import_cotahist import row
from cli.commands.ingest.import_cotahist.row import ImportRow
from cli.context import days
from ledger import ids
from ledger.errors import LedgerError
from ledger.ingest.plan import Observer
from ledger.ingest.providers.cotahist import DESCRIPTION
from ledger.ingest.providers.cotahist.download import BASE_URL, Download, KeptFile, Period
from ledger.ingest.providers.port import DownloadError
from ledger.market.sessions import trading_day

FOLDER = DESCRIPTION.name  # in DATA_DIR
TRIED_AGAIN = frozenset({"connection", "timeout"})
MEGABYTE = 1_000_000


class PeriodType(click.ParamType[Period]):
    """A year, a month or a day that the exchange has a file of."""

    name = "year|month|date"

    def convert(self, value: str | Period, param: click.Parameter | None, ctx: click.Context | None) -> Period:
        """Return the period, or refuse it."""
        if isinstance(value, Period):
            return value
        try:
            return Period.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def check(context: click.Context, periods: tuple[Period, ...], now_us: int) -> None:
    """Refuse a period that has no session yet, and a day on which B3 was closed."""
    today = trading_day(now_us)
    for period in periods:
        if period.first > today:
            context.fail(f"got --download {period.written}, want {today} or before")
        if period.is_day and days.closed(period.first):
            context.fail(f"got --download {period.written}, when B3 was closed, want a session")


class Downloads:
    """The files of one command's `--download`s."""

    def __init__(self, settings: Settings, observer: Observer, now: Callable[[], int], folder: Path) -> None:
        """Keep them in `folder`."""
        self._settings, self._observer, self._now, self._folder = settings, observer, now, folder

    def fetch(self, period: Period) -> Path | ImportRow:
        """Return the file as it is kept, or what is printed of one that did not come."""
        began, job_id = time.perf_counter(), ids.new_id(self._now())
        try:
            kept = self._fetch(period, job_id)
        except LedgerError as error:
            self._observer.warn(str(error), job_id=ids.text(job_id), provider=DESCRIPTION.name, file=period.name)
            run = FileRun(job_id=job_id, elapsed_s=time.perf_counter() - began, head=None)
            hint = exits.describe(error, ("import-cotahist", "--download", period.written)).hint
            return row.failed(period.name, run, error, hint=hint)
        words = {
            "fetched": f"{kept.file_bytes / MEGABYTE:.1f} MB, kept as {kept.path}",
            "unchanged": f"the bytes kept before as {kept.path}",
            "beside": f"other bytes than those kept before, which stay: kept as {kept.path}",
        }
        output.say(f"{period.name}: {words[kept.came]}", explains=False)
        return kept.path

    def _fetch(self, period: Period, job_id: bytes) -> KeptFile:
        """Fetch a file, again where the connection broke off: what came of it is not asked for twice.

        Raises: DownloadError; DiskFullError, UnwritableError.
        """
        settings = self._settings
        download = Download(
            period,
            self._folder,
            base_url=settings.cotahist_base_url or BASE_URL,
            limit_bytes=settings.import_max_bytes,
            idle_s=settings.adapter_timeout_seconds,
        )
        retries = 0
        while True:
            try:
                with bar(period.name) as progress:
                    return download.run(progress)
            except DownloadError as error:
                if error.kind not in TRIED_AGAIN or retries == settings.adapter_max_retries:
                    raise
                wait_s = settings.adapter_backoff_seconds * 2**retries
                retries += 1
                about = {"job_id": ids.text(job_id), "provider": DESCRIPTION.name, "attempt": retries}
                self._observer.warn(f"{error}; again in {wait_s:g} s", **about, file=period.name)
                time.sleep(wait_s)


@contextmanager
def bar(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Give what a download reports its progress to; once the length is known, a bar on a terminal."""
    with output.meter(f"{name}: fetching", MEGABYTE) as advance:
        shown = 0

        def progress(done_bytes: int, total_bytes: int | None) -> None:
            nonlocal shown
            if advance is not None and total_bytes:
                # The bar has a million steps, whatever the length turns out to be.
                at = done_bytes * MEGABYTE // total_bytes
                advance(at - shown)
                shown = at

        yield progress
