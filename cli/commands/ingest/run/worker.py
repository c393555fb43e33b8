"""One ticker from question to snapshot: its job, then the read models, then the CSV and its event."""

import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from msgspec.structs import replace

from cli.commands.ingest.run.row import RunRow, Snapshot, row
from cli.commands.ingest.run.setup import Setup
from ledger import ids
from ledger.chain import Head, Seq
from ledger.codec import Draft
from ledger.errors import LedgerError, LedgerReplacedError, kept_out
from ledger.events import SnapshotWritten
from ledger.foreseen import foreseen
from ledger.ingest.job import Job
from ledger.ingest.plan import Observer, Outcome, Plan, SeriesState
from ledger.ingest.providers.port import ProviderError
from ledger.ingest.rules.held import Held, Reach
from ledger.market.series import Series
from ledger.market.sessions import trading_day
from ledger.store.event_log import EventLog
from projections.models import ingest_logs, metrics, retirements, snapshots
from projections.models.retirements import Retirement
from projections.queries.publish import publish
from projections.queries.snapshot_csv import FORMAT_VERSION, render
from projections.store.folder import KeptOpen
from projections.store.runner import open_view, view_at
from projections.store.store import View

PUBLISHED = frozenset({"success", "warning"})


class NotHeldError(LedgerError):
    """A ticker was asked for that the ledger holds nothing of, and nobody may be asked."""

    def __init__(self, ticker: str) -> None:
        super().__init__(f"got no sessions of {ticker} in the ledger, want some to replay")
        self.ticker = ticker


class TickerWorker:
    """Works on the tickers of a run, several at once."""

    def __init__(self, setup: Setup, *, snapshot_dir: Path, observer: Observer) -> None:
        self._setup = setup
        self._snapshot_dir = snapshot_dir
        self._observer = observer
        self.unable: set[str] = set()  # tickers whose job lacked something of this machine's, or may not use it
        self._at_work: dict[str, Job] = {}
        self._ended: list[str] = []
        # Whether a ticker has found nobody at the other end, and whether one was ever answered.
        self._nobody = self._somebody = False
        # A run's first snapshot clears what a crash left: years of files lie there, and to list them takes long.
        self._swept = False
        # One environment a process: the threads take turns at the stored read models.
        self._reading = threading.Lock()
        self._store = KeptOpen()

    def work(self, ticker: str) -> RunRow:
        """Run the ticker's job, write its snapshot, and return what is printed of it.

        When a restore replaces the ledger meanwhile, the ticker is begun anew in the restored one.
        """
        began = time.perf_counter()
        setup = self._setup
        while True:
            job = Job(
                ticker,
                log=None if setup.plan.dry_run else setup.log,
                provider=setup.provider,
                plan=self._plan(),
                now=setup.now,
                state=self._state,
                observer=self._observer,
            )
            self._at_work[ticker] = job
            try:
                with foreseen("job"):
                    outcome, snapshot = self._published(job, self._noted(job.run()))
                    log = setup.ledger()
                    head = None if log is None else log.head()
                    return self._row(outcome, began, head=head, snapshot=snapshot)
            except LedgerReplacedError as error:
                self._observer.warn("begun anew after a restore", ticker=ticker, reason=str(error))
            except LedgerError as error:
                # Whatever goes wrong around a job too costs its ticker alone.
                self._observer.warn(str(error), ticker=ticker, job_id=ids.text(job.job_id))
                outcome = Outcome(
                    ticker=ticker, provider=setup.provider.name, job_id=job.job_id, status="error", error=error
                )
                return self._row(outcome, began)
            finally:
                self._at_work.pop(ticker, None)

    def retired(self, tickers: Collection[str]) -> list[Retirement]:
        """Return those of `tickers` whose series a person recorded as ended, in order."""
        log = self._setup.ledger()
        if log is None or not tickers:
            return []
        with self._view(log) as view:
            ended = retirements.in_force(view.state["metrics"])
        return [ended[ticker] for ticker in sorted(ended.keys() & set(tickers))]

    def close(self) -> None:
        """Let go of what is open for the run alone."""
        self._store.close()

    def at_work(self) -> list[str]:
        """Return the tickers whose jobs have begun and not ended."""
        return list(self._at_work)

    def ended(self) -> list[str]:
        """Return the tickers whose jobs have ended, well or not."""
        return list(self._ended)

    def _plan(self) -> Plan:
        """Return the plan of the next job: once the network is found to be down, nobody is asked twice."""
        plan = self._setup.plan
        if not self._nobody or self._somebody:
            return plan
        return replace(plan, patience=replace(plan.patience, retries=0))

    def _noted(self, outcome: Outcome) -> Outcome:
        error = outcome.error
        if error is None or (isinstance(error, ProviderError) and error.status_code is not None):
            self._somebody = True
        elif isinstance(error, ProviderError) and error.kind == "connection":
            self._nobody = True
        return outcome

    def interrupt(self) -> None:
        """Record of every job at work that a person ended it."""
        for job in list(self._at_work.values()):
            job.interrupt()

    def _row(
        self, outcome: Outcome, began: float, *, head: Head | None = None, snapshot: Snapshot | None = None
    ) -> RunRow:
        done = row(outcome, elapsed_s=time.perf_counter() - began, head=head, snapshot=snapshot)
        if outcome.error is not None and kept_out(outcome.error):
            self.unable.add(outcome.ticker)
        if self._setup.created is not None:
            done = replace(done, created=True, ledger=str(self._setup.created))
        if self._setup.ledger() is None and not self._setup.plan.dry_run:
            done = replace(done, created=False)
        self._ended.append(outcome.ticker)
        return done

    def _published(self, job: Job, outcome: Outcome) -> tuple[Outcome, Snapshot | None]:
        log = self._setup.ledger()
        if log is None or outcome.status not in PUBLISHED:
            return outcome, None
        try:
            with foreseen("snapshot"):
                snapshot, seq = self._publish(job, log, outcome)
        except NotHeldError as error:
            return replace(outcome, status="error", error=error), None
        except LedgerError as error:
            job.require_ledger()
            # What was accepted stays accepted: the next run writes the file.
            self._observer.warn(str(error), ticker=outcome.ticker, job_id=ids.text(outcome.job_id))
            seq = job.record_failure("snapshot", "internal", str(error))
            return replace(outcome, status="error", error=error, seq=seq), None
        return replace(outcome, seq=seq), snapshot

    def _publish(self, job: Job, log: EventLog, outcome: Outcome) -> tuple[Snapshot | None, Seq | None]:
        """Order on disk: CSV, `.checksum`, event. After a crash between them the next run records the file."""
        with self._view(log) as view:
            bars = view.held(Series(outcome.ticker, outcome.provider)).bars
            if not bars:
                if self._setup.plan.pending_only:
                    raise NotHeldError(outcome.ticker)
                return None, outcome.seq
            csv = render(outcome.ticker, bars)
            known = snapshots.newest(view.state["snapshots"], csv.name)
            position = view.head.size
        changed = publish(csv, self._snapshot_dir, sweeping=not self._swept)
        self._swept = True
        snapshot = Snapshot(str(self._snapshot_dir / csv.name), csv.rows, csv.sha256)
        if not changed and known is not None and known.sha256 == csv.sha256:
            return snapshot, outcome.seq
        event = SnapshotWritten(
            ticker=outcome.ticker,
            provider=outcome.provider,
            name=csv.name,
            format_version=FORMAT_VERSION,
            position=position,
            sha256=csv.sha256,
            rows=csv.rows,
        )
        draft = Draft(job_id=outcome.job_id, stream=outcome.ticker, event=event, cause=outcome.seq)
        key = f"snapshot/{outcome.job_id.hex()}/{csv.name}/{position}"
        identifier = ids.append_id(key, job_id=outcome.job_id)
        return snapshot, log.append([draft], append_id=identifier, expected_folder=job.ledger).first

    def _state(self, series: Series, reach: Reach) -> SeriesState:
        log = self._setup.ledger()
        if log is None:
            return SeriesState(Held({}))
        with self._view(log) as view:
            asked = metrics.asked(view.state["metrics"], series)
            retired = retirements.in_force(view.state["metrics"]).get(series.ticker)
            return SeriesState(
                view.held(series, reach),
                pending=ingest_logs.pending(view.state["ingest_logs"], series.ticker),
                missing=asked.missing,
                whole_on=None if asked.whole_at is None else trading_day(asked.whole_at),
                ended_on=date.max if retired is None else retired.on,
            )

    @contextmanager
    def _view(self, log: EventLog) -> Iterator[View]:
        if log.readonly:
            # A dry run writes nothing at all, not even read models.
            yield view_at(log, log.head().size)
            return
        with self._reading:
            self._store.keep(log.folder)
            with open_view(log, log.folder) as view:
                yield view
