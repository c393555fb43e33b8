"""One file from disk to decisions: read whole, then ticker by ticker into the log, then the read models."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import islice
from pathlib import Path

import msgspec

from cli.app import exits, output
from cli.app.settings import Settings
from cli.commands.ingest.import_cotahist import row
from cli.commands.ingest.import_cotahist.row import ImportRow, Refusal, Run
from cli.context.first_ledger import ImportLedger
from ledger import ids
from ledger.errors import LedgerError, kept_out
from ledger.foreseen import foreseen
from ledger.ingest.plan import Observer
from ledger.ingest.providers.cotahist import DESCRIPTION, file
from ledger.ingest.providers.cotahist.importing import LOCK_NAME, Contents, Importer, Intake, Selection
from ledger.ingest.providers.cotahist.spool import Spool
from ledger.ingest.rules.held import Held, Reach
from ledger.ingest.ticker_lock import ticker_lock
from ledger.market.series import Series
from ledger.store.ceiling import ClockAheadError
from ledger.store.event_log import EventLog
from projections.store.runner import catch_up, open_view, view_at


class ImportOptions(msgspec.Struct, frozen=True):
    """What an import was asked for."""

    files: tuple[Path, ...]
    selection: Selection
    dry_run: bool = False
    must_exist: bool = False
    all_refused: bool = False  # name every one of them


class FileWorker:
    """Imports the files of one command, one after the other."""

    def __init__(
        self,
        ledger: ImportLedger,
        *,
        options: ImportOptions,
        settings: Settings,
        observer: Observer,
    ) -> None:
        self._ledger = ledger
        self._options = options
        self._settings = settings
        self._observer = observer
        self._first_error: LedgerError | None = None  # of a ticker of the file at work
        self._refusals: list[Refusal] = []  # of the file at work, as many as are shown
        self.unable: set[str] = set()  # files whose import lacked something of this machine's, or may not use it

    def work(self, path: Path) -> ImportRow:
        """Import the file at `path` and return what is printed of it; its refusal is a row too.

        Raises: ClockAheadError.
        """
        began, started_at = time.perf_counter(), self._ledger.now()
        self._first_error, self._refusals = None, []
        job_id = ids.new_id(started_at)

        def measured() -> Run:
            return Run(
                job_id=job_id,
                provider=DESCRIPTION.name,
                elapsed_s=time.perf_counter() - began,
                head=self._ledger.log.head() if self._ledger.log else None,
                dry_run=self._options.dry_run,
                created=self._ledger.created,
                without_ledger=self._ledger.is_lacking,
            )

        try:
            with ExitStack() as held, foreseen("import"):
                if self._ledger.log is not None:
                    held.enter_context(self._only_import(self._ledger.log, job_id))
                contents, total, seq = self._import(path, job_id, started_at, held)
        except LedgerError as error:
            return self._refused(path, error, measured())
        printed = row.row(contents, total, measured(), seq=seq, refused=self._refusals)
        return printed if self._first_error is None else row.with_failure(printed, self._first_error)

    def _refused(self, path: Path, error: LedgerError, run: Run) -> ImportRow:
        """Return what is printed of a file that `error` kept from being imported.

        Raises: `error` itself where it is no fault of the file: no other one could be imported, nor anything recorded.
        """
        if isinstance(error, ClockAheadError):
            raise error
        if kept_out(error):
            self.unable.add(path.name)
        self._observer.warn(str(error), **_about(run.job_id), file=path.name)
        return row.failed(path.name, run, error, hint=exits.describe(error, ("import-cotahist", str(path))).hint)

    def _only_import(self, log: EventLog, job_id: bytes) -> AbstractContextManager[None]:
        """Be the only import at work, for the block; a dry run takes no lock.

        Raises: TickerLockError.
        """
        if log.readonly:
            return nullcontext()
        timeout_s = self._settings.ingest_lock_timeout_seconds
        return ticker_lock(log.home.locks, LOCK_NAME, job_id=job_id, now_us=self._ledger.now(), timeout_s=timeout_s)

    def _import(
        self, path: Path, job_id: bytes, started_at: int, held: ExitStack
    ) -> tuple[Contents, Counter[str], int | None]:
        with Spool() as spool:
            intake = Intake(self._options.selection)
            with file.opened(path, limit_bytes=self._settings.import_max_bytes) as text:
                label, expected = f"{path.name}: reading", text.batches_expected
                with output.progress(text.batches(), label=label, length=expected) as batches:
                    intake.fill(spool, text, batches)
                contents = intake.contents(text, started_at=started_at, finished_at=self._ledger.now())
            self._observer.info(
                "read", **_about(job_id), file=path.name, records=contents.records, tickers=contents.tickers
            )
            self._refuse(row.unnamed(contents))
            if contents.refused:
                records = sum(one.records for one in contents.refused)
                codes = ", ".join(dict.fromkeys(one.name for one in self._refusals))
                self._observer.warn("codes that are no tickers", **_about(job_id), records=records, codes=codes)
            if self._ledger.is_lacking and contents.tickers and (log := self._ledger.needed()):
                # Only now: a file that is refused, or holds nothing of what is wanted, is no reason for a ledger.
                held.enter_context(self._only_import(log, job_id))
            total, seq = self._append(contents, spool, job_id)
        if self._ledger.log is not None and not self._ledger.log.readonly:
            catch_up(self._ledger.log, self._ledger.log.folder)
        return contents, total, seq

    def _append(self, contents: Contents, spool: Spool, job_id: bytes) -> tuple[Counter[str], int | None]:
        total, seq = Counter[str](), None
        with self._held() as held:
            importer = Importer(
                contents,
                job_id=job_id,
                log=self._ledger.log,
                held=held,
                threshold_percent=self._settings.validation_invalid_percent_threshold,
                lock_timeout_s=self._settings.ingest_lock_timeout_seconds,
            )
            label = f"{contents.name}: tickers"
            with output.progress(importer.run(spool), label=label, length=contents.tickers) as tickers:
                for imported in tickers:
                    total.update(row.counts(imported))
                    self._refuse(row.refusals(imported))
                    if imported.decision is not None and imported.decision.verdict == "rejected":
                        (why,) = row.refusals(imported)
                        self._observer.warn(
                            f"rejected: {why.name}: {why.reason}", **_about(job_id), ticker=imported.ticker
                        )
                    if imported.error is not None:
                        self._first_error = self._first_error or imported.error
                        self._observer.warn(str(imported.error), **_about(job_id), ticker=imported.ticker)
                    seq = imported.seq if seq is None else max(seq, imported.seq or seq)
        return total, seq

    def _refuse(self, refusals: Iterator[Refusal]) -> None:
        room = None if self._options.all_refused else max(row.REFUSED_SHOWN_MAX - len(self._refusals), 0)
        self._refusals.extend(islice(refusals, room))

    @contextmanager
    def _held(self) -> Iterator[Callable[[str, Reach], Held]]:
        """Give what is held of each ticker as the file finds it: it names no ticker twice, so that stays true."""
        log = self._ledger.log
        if log is None:
            yield lambda *_: Held({})
        elif log.readonly:
            # A dry run writes nothing at all, not even read models.
            view = view_at(log, log.head().size)
            yield lambda ticker, reach: view.held(Series(ticker, DESCRIPTION.name), reach)
        else:
            with open_view(log, log.folder) as view:
                yield lambda ticker, reach: view.held(Series(ticker, DESCRIPTION.name), reach)


def _about(job_id: bytes) -> dict[str, object]:
    return {"job_id": ids.text(job_id), "provider": DESCRIPTION.name}
