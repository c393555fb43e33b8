"""One file from disk to decisions: read whole, then ticker by ticker into the log, then the read models."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec

from cli.app import exits, output
from cli.app.settings import Settings
from cli.commands.ingest.file_import import FileRun
from cli.commands.ingest.import_cotahist import row
from cli.commands.ingest.import_cotahist.row import ImportedFile, ImportRow, Refusal
from cli.context.first_ledger import CommandLedger
from ledger import ids
from ledger.codec import Draft, decode_as, decode_envelope
from ledger.errors import LedgerError, kept_out
from ledger.events import FetchSucceeded
from ledger.foreseen import foreseen
from ledger.ingest.plan import Observer
from ledger.ingest.providers.cotahist import DESCRIPTION, blended, file, reading
from ledger.ingest.providers.cotahist.importing import LOCK_NAME, Imported, Importer
from ledger.ingest.providers.cotahist.intake import Contents, Selection
from ledger.ingest.providers.port import NotFinalError
from ledger.ingest.rules.held import Held, Reach
from ledger.ingest.rules.ranks import rank_of
from ledger.ingest.ticker_lock import ticker_lock
from ledger.market.series import Series
from ledger.store.ceiling import ClockAheadError
from ledger.store.event_log import EventLog
from ledger.values import Window
from projections.models import decisions, metrics, prices, retirements
from projections.queries import reissued
from projections.store.following import Follower
from projections.store.runner import catch_up, open_view
from projections.store.store import View

TOLD_EVENTS = 100  # appended, at least, between two words to who folds them


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
        ledger: CommandLedger,
        *,
        options: ImportOptions,
        settings: Settings,
        observer: Observer,
        follower: Follower | None = None,
    ) -> None:
        """`follower` brings the read models up meanwhile."""
        self._ledger = ledger
        self._options = options
        self._settings = settings
        self._observer = observer
        self._follower = follower
        self._job_id = b""  # of the file at work, as are:
        self._first_error: LedgerError | None = None  # of its tickers
        self._refusals: list[Refusal] = []  # as many as are shown
        self.unable: set[str] = set()  # files whose import lacked something of this machine's, or may not use it

    def work(self, path: Path) -> ImportRow:
        """Import the file at `path` and return what is printed of it; its refusal is a row too.

        Raises: ClockAheadError.
        """
        began, started_at = time.perf_counter(), self._ledger.now()
        self._first_error, self._refusals, self._job_id = None, [], ids.new_id(started_at)

        def measured() -> FileRun:
            return FileRun(
                job_id=self._job_id,
                elapsed_s=time.perf_counter() - began,
                head=self._ledger.log.head() if self._ledger.log else None,
                dry_run=self._options.dry_run,
                created=self._ledger.created,
                missing=self._ledger.log is None,
            )

        try:
            with foreseen("import"):
                found = self._import(path, started_at)
        except LedgerError as error:
            return self._refused(path, error, measured())
        printed = row.row(found, measured(), refused=self._refusals)
        return printed if self._first_error is None else row.with_failure(printed, self._first_error)

    def _refused(self, path: Path, error: LedgerError, run: FileRun) -> ImportRow:
        """Return what is printed of a file that `error` kept from being imported.

        Raises: `error` itself where it is no fault of the file: no other one could be imported, nor anything recorded.
        """
        if isinstance(error, ClockAheadError):
            raise error
        if kept_out(error) or isinstance(error, NotFinalError):
            self.unable.add(path.name)
        self._observer.warn(str(error), **self._about(), file=path.name)
        return row.failed(path.name, run, error, hint=exits.describe(error, ("import-cotahist", str(path))).hint)

    def _import(self, path: Path, started_at: int) -> ImportedFile:
        with ExitStack() as stack:
            self._lock(stack, started_at)
            with file.opened(path, limit_bytes=self._settings.import_max_bytes) as text:
                shown = partial(output.progress, label=f"{path.name}: reading")
                quotes = reading.quickest(
                    text, self._options.selection, stack, lambda some, length: shown(some, length=length)
                )
                contents = quotes.intake.contents(quotes.text, started_at=started_at, finished_at=self._ledger.now())
            self._observer.info(
                "read", **self._about(), file=path.name, records=contents.records, tickers=contents.tickers
            )
            self._refuse(row.unnamed(contents))
            if contents.refused:
                records = sum(one.records for one in contents.refused)
                codes = ", ".join(dict.fromkeys(one.name for one in self._refusals))
                self._observer.warn("codes that are no tickers", **self._about(), records=records, codes=codes)
            if self._ledger.log is None and contents.tickers:
                # Only now is there anything to begin a ledger with; nobody else imports into one that is not there.
                self._ledger.needed()
                self._lock(stack, started_at)
            total, seq = self._append(contents, quotes.run)
            return self._afterwards(contents, quotes.intake.present, total, seq)

    def _lock(self, stack: ExitStack, now_us: int) -> None:
        """Hold the import's lock for as long as `stack` does, where there is a ledger to write to.

        Raises: TickerLockError.
        """
        log, timeout_s = self._ledger.log, self._settings.ingest_lock_timeout_seconds
        if log is not None and not log.readonly:
            lock = ticker_lock(log.home.locks, LOCK_NAME, job_id=self._job_id, now_us=now_us, timeout_s=timeout_s)
            stack.enter_context(lock)

    def _append(
        self, contents: Contents, run: Callable[[Importer], Iterator[Imported]]
    ) -> tuple[Counter[str], int | None]:
        total, seq, told = Counter[str](), None, 0
        with self._ledger.view() as view:

            def held(ticker: str, reach: Reach) -> Held:
                # The file names no ticker twice, so what was held when it began stays true.
                return Held({}) if view is None else view.held(Series(ticker, DESCRIPTION.name), reach)

            importer = Importer(
                contents,
                job_id=self._job_id,
                log=self._ledger.log,
                held=held,
                threshold_percent=self._settings.validation_invalid_percent_threshold,
                lock_timeout_s=self._settings.ingest_lock_timeout_seconds,
            )
            label = f"{contents.name}: tickers"
            with output.progress(run(importer), label=label, length=contents.tickers) as tickers:
                for imported in tickers:
                    total.update(row.counts(imported))
                    self._refuse(row.refusals(imported))
                    self._warn(imported)
                    if self._follower is not None and imported.seq is not None and imported.seq >= told + TOLD_EVENTS:
                        told = imported.seq
                        self._follower.tell()
                    seq = imported.seq if seq is None else max(seq, imported.seq or seq)
        return total, seq

    def _warn(self, imported: Imported) -> None:
        """Log what is wrong with a ticker, if anything is."""
        if imported.decision is not None and imported.decision.verdict == "rejected":
            (why,) = row.refusals(imported)
            self._observer.warn(f"rejected: {why.name}: {why.reason}", **self._about(), ticker=imported.ticker)
        if imported.error is not None:
            self._first_error = self._first_error or imported.error
            self._observer.warn(str(imported.error), **self._about(), ticker=imported.ticker)

    def _afterwards(self, contents: Contents, present: set[str], total: Counter[str], seq: int | None) -> ImportedFile:
        """Retire what the file has apart, bring the read models up to date, and return what came of the file."""
        log, retired, lacking = self._ledger.log, 0, tuple[str, ...]()
        if log is not None and not log.readonly:
            if self._follower is not None:
                self._follower.wait()
            catch_up(log, log.folder)
            for ticker, held in self._blended(log, present):
                draft = Draft(job_id=self._job_id, stream=ticker, event=blended.retirement(ticker, held))
                seq = log.append([draft], append_id=ids.append_id(blended.retirement_key(ticker))).first
                retired += 1
            catch_up(log, log.folder)
        if contents.records:
            with self._ledger.view() as view:
                days, rank = contents.window, rank_of(contents.made_on, contents.window)
                if view is not None:
                    lacking = tuple(
                        reissued.lacking(view.state, DESCRIPTION.name, days=days, rank=rank, present=present)
                    )
        return ImportedFile(contents, total, seq, lacking, retired)

    def _blended(self, log: EventLog, present: set[str]) -> list[tuple[str, Window]]:
        """Return the old series under codes that the file has apart, each with its days; none that a record is of."""
        codes = blended.by_code(present)
        with open_view(log, log.folder) as view:
            return [
                (ticker, held)
                for ticker, held in metrics.spans(view.state[metrics.NAME], DESCRIPTION.name, codes.__contains__)
                if not log.append_run(ids.append_id(blended.retirement_key(ticker)))
                and not retirements.is_recorded(view.state[metrics.NAME], ticker)
                and blended.is_blended(ticker, self._decided(log, view, ticker))
            ]

    def _decided(self, log: EventLog, view: View, ticker: str) -> Iterator[FetchSucceeded]:
        for decision in decisions.decisions(view.state[prices.NAME], Series(ticker, DESCRIPTION.name)):
            cause = decision.seq if decision.cause is None else decision.cause
            for record in log.read(cause, cause + 1):
                yield decode_as(decode_envelope(record.seq, record.body), FetchSucceeded)

    def _refuse(self, refusals: Iterator[Refusal]) -> None:
        room = None if self._options.all_refused else max(row.REFUSED_SHOWN_MAX - len(self._refusals), 0)
        self._refusals.extend(islice(refusals, room))

    def _about(self) -> dict[str, object]:
        return {"job_id": ids.text(self._job_id), "provider": DESCRIPTION.name}
