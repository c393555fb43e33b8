"""One file from disk to decisions: read whole, then ticker by ticker into the log, then the read models."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from itertools import islice
from pathlib import Path

import msgspec

from cli.app import clock, exits, output
from cli.app.settings import Settings
from cli.commands.ingest.import_cotahist import row
from cli.commands.ingest.import_cotahist.row import ImportRow, Refusal, Run
from cli.context import first_ledger, guards
from ledger import ids
from ledger.errors import LedgerError, NoLedgerError, kept_out
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
from ledger.store.home import LedgerHome
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
        log: EventLog | None,
        *,
        first: Callable[[], tuple[EventLog, Path | None]] | None,
        options: ImportOptions,
        settings: Settings,
        now: Callable[[], int],
        observer: Observer,
    ) -> None:
        """`log` None: there is no ledger. `first` makes one, None in a dry run.

        It returns the ledger and its folder, None where another process was faster.
        """
        self._log = log
        self._first = first
        self._created: Path | None = None
        self._options = options
        self._settings = settings
        self._now = now
        self._observer = observer
        self._first_error: LedgerError | None = None  # of a ticker of the file at work
        self._refusals: list[Refusal] = []  # of the file at work, as many as are shown
        self.unable: set[str] = set()  # files whose import lacked something of this machine's, or may not use it

    def work(self, path: Path) -> ImportRow:
        """Import the file at `path` and return what is printed of it; its refusal is a row too.

        Raises: ClockAheadError.
        """
        began, started_at = time.perf_counter(), self._now()
        self._first_error, self._refusals = None, []
        job_id = ids.new_id(started_at)

        def measured() -> Run:
            return Run(
                job_id=job_id,
                provider=DESCRIPTION.name,
                elapsed_s=time.perf_counter() - began,
                head=self._log.head() if self._log else None,
                dry_run=self._options.dry_run,
                created=self._created,
                without_ledger=self._log is None and not self._options.dry_run,
            )

        try:
            with ExitStack() as held, foreseen("import"):
                if self._log is not None:
                    held.enter_context(self._only_import(self._log, job_id))
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
        return ticker_lock(log.home.locks, LOCK_NAME, job_id=job_id, now_us=self._now(), timeout_s=timeout_s)

    def _import(
        self, path: Path, job_id: bytes, started_at: int, held: ExitStack
    ) -> tuple[Contents, Counter[str], int | None]:
        with Spool() as spool:
            intake = Intake(self._options.selection)
            with file.opened(path, limit_bytes=self._settings.import_max_bytes) as text:
                label, expected = f"{path.name}: reading", text.batches_expected
                with output.progress(text.batches(), label=label, length=expected) as batches:
                    intake.fill(spool, text, batches)
                contents = intake.contents(text, started_at=started_at, finished_at=self._now())
            self._observer.info(
                "read", **_about(job_id), file=path.name, records=contents.records, tickers=contents.tickers
            )
            self._refuse(row.unnamed(contents))
            if contents.refused:
                records = sum(one.records for one in contents.refused)
                codes = ", ".join(dict.fromkeys(one.name for one in self._refusals))
                self._observer.warn("codes that are no tickers", **_about(job_id), records=records, codes=codes)
            if self._log is None and self._first is not None and contents.tickers:
                # Only now: a file that is refused, or holds nothing of what is wanted, is no reason for a ledger.
                self._log, self._created = self._first()
                held.enter_context(self._only_import(self._log, job_id))
            total, seq = self._append(contents, spool, job_id)
        if self._log is not None and not self._log.readonly:
            catch_up(self._log, self._log.folder)
        return contents, total, seq

    def _append(self, contents: Contents, spool: Spool, job_id: bytes) -> tuple[Counter[str], int | None]:
        total, seq = Counter[str](), None
        with self._held() as held:
            importer = Importer(
                contents,
                job_id=job_id,
                log=self._log,
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
        log = self._log
        if log is None:
            yield lambda *_: Held({})
        elif log.readonly:
            # A dry run writes nothing at all, not even read models.
            view = view_at(log, log.head().size)
            yield lambda ticker, reach: view.held(Series(ticker, DESCRIPTION.name), reach)
        else:
            with open_view(log, log.folder) as view:
                yield lambda ticker, reach: view.held(Series(ticker, DESCRIPTION.name), reach)


@contextmanager
def worker_for(settings: Settings, options: ImportOptions, observer: Observer) -> Iterator[FileWorker]:
    """Give the worker over the real ledger; where there is none, the first file that is fit for it makes one.

    Raises: NoLedgerError with `must_exist`; ClockRefusedError; what opening a ledger raises.
    """

    def now() -> int:
        return clock.now_us(settings)

    now()  # a clock that is refused is refused before anything is made
    home = LedgerHome(settings.data_dir)
    with ExitStack() as held:

        def opened() -> EventLog:
            timeout_s = settings.ingest_lock_timeout_seconds
            return held.enter_context(
                EventLog(home, now=now, readonly=options.dry_run, lock_timeout_s=timeout_s, guards=guards.of("real"))
            )

        def first() -> tuple[EventLog, Path | None]:
            created = first_ledger.create(home, "real", settings, now)
            return opened(), created

        log = None if home.current() is None else opened()
        if log is None and options.must_exist:
            raise NoLedgerError(home.root)
        makes = None if options.dry_run else first
        yield FileWorker(log, first=makes, options=options, settings=settings, now=now, observer=observer)


def _about(job_id: bytes) -> dict[str, object]:
    return {"job_id": ids.text(job_id), "provider": DESCRIPTION.name}
