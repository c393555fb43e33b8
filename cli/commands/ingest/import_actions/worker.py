"""One file from disk to decisions: read whole, then ticker by ticker into the log, then the read models."""

import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cli.app import exits
from cli.app.settings import Settings
from cli.commands.ingest.file_import import FileRun
from cli.commands.ingest.import_actions import reading, row
from cli.commands.ingest.import_actions.reading import ActionsFile, Times
from cli.commands.ingest.import_actions.row import ActionsImportRow
from cli.context.first_ledger import CommandLedger
from ledger import ids
from ledger.errors import LedgerError, kept_out
from ledger.files.regular import read_regular
from ledger.foreseen import foreseen
from ledger.ingest.importing import BroughtOutcome, HandImporter
from ledger.ingest.plan import Observer
from ledger.ingest.providers import registry
from ledger.ingest.providers.evidence import UNPACKED_MAX_BYTES
from ledger.ingest.rules.held import Held, Reach
from ledger.market.series import Series
from ledger.market.sessions import trading_day
from ledger.store.ceiling import ClockAheadError
from projections.models import instruments
from projections.store.runner import catch_up, open_view


class ActionsImportOptions(msgspec.Struct, frozen=True):
    """What an import was asked for."""

    files: tuple[Path, ...]
    dry_run: bool = False
    must_exist: bool = False


class ActionsWorker:
    """Imports the files of one command, one after the other."""

    def __init__(
        self,
        ledger: CommandLedger,
        *,
        options: ActionsImportOptions,
        settings: Settings,
        observer: Observer,
    ) -> None:
        self._ledger = ledger
        self._options = options
        self._settings = settings
        self._observer = observer
        self.unable: set[str] = set()  # files whose import lacked something of this machine's, or may not use it

    def groups(self) -> list[tuple[Path, ...]]:
        """Return the files as they are imported together: one by one, pages of a history with the company before them.

        Raises: OSError for a file that cannot be read.
        """
        found: list[tuple[Path, ...]] = []
        for path in self._options.files:
            if found and reading.is_page(self._content(path)):
                found[-1] = (*found[-1], path)
            else:
                found.append((path,))
        return found

    def work(self, paths: Sequence[Path]) -> ActionsImportRow:
        """Import the files at `paths`, which go together, and return what is printed; their refusal is a row too.

        Raises: ClockAheadError.
        """
        named = ", ".join(path.name for path in paths)
        began, started_at = time.perf_counter(), self._ledger.now()
        job_id = ids.new_id(started_at)

        def measured() -> FileRun:
            return FileRun(
                job_id=job_id,
                elapsed_s=time.perf_counter() - began,
                head=self._ledger.log.head() if self._ledger.log else None,
                dry_run=self._options.dry_run,
                created=self._ledger.created,
                missing=self._ledger.is_lacking,
            )

        try:
            with foreseen("import"):
                found, outcomes = self._import(paths, job_id, started_at)
        except ClockAheadError:
            # No fault of the file: no other one could be imported, nor anything recorded.
            raise
        except LedgerError as error:
            if kept_out(error):
                self.unable.add(named)
            self._observer.warn(str(error), job_id=ids.text(job_id), file=named)
            hint = exits.describe(error, ("import-actions", *map(str, paths))).hint
            return row.failed(named, measured(), error, hint=hint)
        return row.row(found, outcomes, measured())

    def _content(self, path: Path) -> bytes:
        return read_regular(path, limit_bytes=min(self._settings.import_max_bytes, UNPACKED_MAX_BYTES))

    def _import(
        self, paths: Sequence[Path], job_id: bytes, started_at: int
    ) -> tuple[ActionsFile, list[BroughtOutcome]]:
        files = [(path.name, self._content(path)) for path in paths]
        times = Times(started_at, self._ledger.now())
        if reading.is_feed(files[0][1]):
            found = reading.of_feed(files, times, trading_day(started_at), self._listed)
        else:
            found = reading.of_sheet(*files[0], times)
        self._observer.info("read", job_id=ids.text(job_id), file=found.name, actions=found.actions)
        importer = HandImporter(
            self._ledger.needed() if found.brought else self._ledger.log,
            job_id=job_id,
            held=self._held,
            threshold_percent=self._settings.validation_invalid_percent_threshold,
            lock_timeout_s=self._settings.ingest_lock_timeout_seconds,
        )
        outcomes = [importer.take(one) for one in found.brought]
        for one in outcomes:
            for finding in one.decision.flagged if one.decision is not None else ():
                self._observer.warn(f"{finding.rule}: {finding.detail}", ticker=one.ticker, date=str(finding.date))
        if self._ledger.log is not None and not self._ledger.log.readonly:
            catch_up(self._ledger.log, self._ledger.log.folder)
        return found, outcomes

    def _listed(self, ticker: str) -> tuple[str, str] | None:
        """Return the ISIN that the exchange's prices give for the ticker, and whose they are; None without any."""
        log = self._ledger.log
        if log is None:
            return None
        with open_view(log, log.folder, storing=not log.readonly) as view:
            for name in registry.quoting():
                span = instruments.of(view.state[instruments.NAME], Series(ticker, name))
                if span is not None and span.listing.isin.strip():
                    return span.listing.isin.strip(), name
        return None

    def _held(self, series: Series, reach: Reach) -> Held:
        with self._ledger.view() as view:
            return Held({}) if view is None else view.held(series, reach)
