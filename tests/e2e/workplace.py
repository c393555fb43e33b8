"""A folder in which `main` runs, and what its runs left there."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from ledger import ids
from ledger.chain import Head
from ledger.codec import decode_envelope, decode_event
from ledger.events import Event, FetchFailed, FetchSucceeded, ValidationCompleted
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.models import ingest_logs, metrics
from projections.models.log_entry import Entry
from projections.models.metrics import Measures
from projections.store.runner import view_at
from tests.support.cli import Result, command, environment, run_main
from tests.support.oracle import check_home
from tests.support.yahoo_server import YahooServer

NOW = datetime(2026, 2, 13, 12, tzinfo=UTC)  # a Friday, nine in the morning in São Paulo


class Told(msgspec.Struct, frozen=True):
    """One event of the log with the parts of its envelope that tests ask for."""

    seq: int
    job_id: str
    stream: str
    cause: int | None
    event: Event

    @property
    def type(self) -> str:
        """Return the event's tag without its version."""
        return self.event.TAG.partition("/")[0]


class Workplace:
    """A working folder of its own, and the settings that every run there gets."""

    def __init__(self, folder: Path, server: YahooServer | None = None, **settings: str) -> None:
        self.folder = folder
        self.home = LedgerHome(folder / "dados")
        self.settings = settings
        if server is not None:
            server.now = NOW
            self.settings = {"YAHOO_BASE_URL": server.url, "B3_LEDGER_NOW": at(NOW), **quick(), **settings}

    def run(self, *args: str, **settings: str) -> Result:
        """Run `main` here to its end."""
        return run_main(*args, cwd=self.folder, env={**self.settings, **settings})

    def rows(self, *args: str, **settings: str) -> dict[str, Any]:
        """Run `main` here and return the objects that it printed, by ticker."""
        return by_ticker(self.run(*args, "--format", "json", **settings))

    def start(self, *args: str, **settings: str) -> "subprocess.Popen[str]":
        """Start `main` here, in a process group of its own."""
        return subprocess.Popen(
            command(*args),
            cwd=self.folder,
            env=environment({**self.settings, **settings}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    @contextmanager
    def log(self) -> Iterator[EventLog]:
        """Give the real ledger, open for reading."""
        with EventLog(self.home, now=lambda: 0, readonly=True) as log:
            yield log

    def head(self) -> Head:
        """Return the real ledger's head."""
        with self.log() as log:
            return log.head()

    def events(self, ticker: str | None = None, *, since: int = 0) -> list[Told]:
        """Return the events from seq `since` on, of one ticker or all of them."""
        with self.log() as log:
            told = [_told(record.seq, record.body) for record in log.read(since)]
        return [one for one in told if ticker in (None, one.stream)]

    def types(self, ticker: str | None = None, *, since: int = 0) -> list[str]:
        """Return what happened, in order."""
        return [one.type for one in self.events(ticker, since=since)]

    def entries(self, ticker: str) -> list[Entry]:
        """Return the ticker's ingest log, oldest first, folded from the log alone."""
        with self.log() as log:
            return ingest_logs.entries(
                view_at(log, log.head().size).state["ingest_logs"], ingest_logs.Filter(ticker=ticker)
            )

    def measures(self, ticker: str) -> Measures | None:
        """Return what monitoring knows of the ticker, folded from the log alone."""
        with self.log() as log:
            found = metrics.measured(view_at(log, log.head().size).state["metrics"], ticker)
            return next((one.measures for one in found), None)

    def snapshot(self, name: str) -> list[str]:
        """Return the lines of a snapshot."""
        return (self.folder / "snapshots" / name).read_text("ascii").splitlines()

    def tree(self) -> dict[str, bytes]:
        """Return every file here with its bytes, every folder with none; LMDB's own lock files apart."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes() if path.is_file() else b""
            for path in sorted(self.folder.rglob("*"))
            if path.name != "lock.mdb"
        }

    def close(self) -> None:
        """Have the oracle look at every ledger that runs here made."""
        check_home(self.home)


def at(moment: datetime) -> str:
    """Return a moment as B3_LEDGER_NOW takes it."""
    return moment.isoformat().replace("+00:00", "Z")


def quick() -> dict[str, str]:
    """Return the settings under which a run that fails fails soon."""
    return {"ADAPTER_BACKOFF_SECONDS": "0.01", "ADAPTER_TIMEOUT_SECONDS": "20"}


def by_ticker(result: Result) -> dict[str, Any]:
    """Return the objects on stdout by their ticker."""
    return {row["ticker"]: row for row in result.lines()}


def attempts(told: list[Told]) -> tuple[tuple[int, str | None, bool], ...]:
    """Return (attempt, kind of error, final) of every fetch among the events; an answer has no kind."""
    made: list[tuple[int, str | None, bool]] = []
    for one in told:
        if isinstance(one.event, FetchSucceeded):
            made.append((one.event.attempt, None, True))
        elif isinstance(one.event, FetchFailed):
            made.append((one.event.attempt, one.event.error_kind, one.event.final))
    return tuple(made)


def decisions(told: list[Told]) -> list[ValidationCompleted]:
    """Return the decisions among the events."""
    return [one.event for one in told if isinstance(one.event, ValidationCompleted)]


def _told(seq: int, body: bytes) -> Told:
    envelope = decode_envelope(seq, body)
    return Told(seq, ids.text(envelope.job_id), envelope.stream, envelope.cause, decode_event(envelope))
