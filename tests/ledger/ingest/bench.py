"""A ledger on which jobs run one after the other, and what they left there."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.chain import Seq
from ledger.codec import Draft, Envelope, decode_envelope, decode_event
from ledger.events import Event
from ledger.ids import append_id
from ledger.ingest.fetch import Patience
from ledger.ingest.job import Job
from ledger.ingest.plan import Plan, SeriesState
from ledger.ingest.providers.port import Provider
from ledger.ingest.rules.held import Reach
from ledger.market.series import Series
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.models import ingest_logs, prices
from projections.store.runner import view_at
from tests.ledger.ingest.answers import TICKER

PLAN = Plan(
    patience=Patience(retries=1, attempt_s=5, job_s=60, backoff_s=0.0), lock_timeout_s=0.05, threshold_percent=10
)


class Notes:
    """An observer that keeps what it was told."""

    def __init__(self) -> None:
        self.warned: list[str] = []

    def info(self, message: str, **_: object) -> None:
        """Leave it."""

    def warn(self, message: str, **_: object) -> None:
        """Keep it."""
        self.warned.append(message)


class KilledError(BaseException):
    """Stands for a kill -9, which nothing catches."""


class DyingJob(Job):
    """A job that is killed once its evidence is durable, before anything judges it."""

    def _judge(self, *_: object, **__: object) -> Any:
        raise KilledError


class Bench:
    """A ledger on which jobs run one after the other."""

    def __init__(self, folder: Path, *, now: int) -> None:
        self.now = now
        self.home = LedgerHome(folder)
        create_ledger(self.home, kind="real", software="test", now=lambda: self.now, lock_timeout_s=1)
        self.log = EventLog(self.home, now=lambda: self.now, lock_timeout_s=0.05)
        self.notes = Notes()

    def job_of(
        self, provider: Provider, *, ticker: str = TICKER, kind: type[Job] = Job, log: bool = True, **plan: Any
    ) -> Job:
        """Return a job that asks `provider`; without `log`, a dry run."""
        return kind(
            ticker,
            log=self.log if log else None,
            provider=provider,
            plan=msgspec.structs.replace(PLAN, **plan),
            now=lambda: self.now,
            state=self.state,
            observer=self.notes,
        )

    def dies(self, job: Job) -> bytes:
        """Run a `DyingJob` to its death and return its id."""
        with pytest.raises(KilledError):
            job.run()
        return job.job_id

    def add(self, event: Event, *, job_id: bytes) -> Seq:
        """Append an event as another program would."""
        draft = Draft(job_id=job_id, stream=TICKER, event=event)
        return self.log.append([draft], append_id=append_id(f"bench/{self.log.head().size}")).first

    def state(self, series: Series, _reach: Reach | None = None) -> SeriesState:
        """Return what a replay of the log knows."""
        state = view_at(self.log, self.log.head().size).state
        return SeriesState(
            prices.held(state["prices"], series),
            pending=ingest_logs.pending(state["ingest_logs"], series.ticker),
        )

    def envelopes(self, since: int = 1) -> list[Envelope]:
        """Return the envelopes from seq `since` on."""
        return [decode_envelope(record.seq, record.body) for record in self.log.read(since)]

    def told(self, since: int = 1) -> list[Any]:
        """Return the events from seq `since` on."""
        return [decode_event(decode_envelope(record.seq, record.body)) for record in self.log.read(since)]

    def types(self, since: int = 1) -> list[type]:
        """Return what happened, in order."""
        return [type(event) for event in self.told(since)]

    def job_ids(self, since: int = 1) -> list[bytes]:
        """Return whose events they are."""
        return [decode_envelope(record.seq, record.body).job_id for record in self.log.read(since)]
