"""Synthetic logs: the same numbers give the same bytes, with ids and clock fixed."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from ledger.chain import Seq
from ledger.codec import Draft
from ledger.events import (
    LEDGER_STREAM,
    AlertRaised,
    AlertSent,
    BackupCreated,
    CheckpointSigned,
    ConnectionTested,
    Event,
    FetchFailed,
    FetchSucceeded,
    IngestFailed,
    IngestRefused,
    LedgerCreated,
    LogVerified,
    SeriesRetired,
    SnapshotWritten,
)
from ledger.ids import append_id
from ledger.memory_log import MemoryLog
from ledger.values import Action, Answer, Bar, Finding, Identity, RawBar, Request, Source, Verdict, Window
from tests.support.actions import paid
from tests.support.drafts import decision

EPOCH_US = 1_770_000_000_000_000
SECOND_US = 1_000_000
FIRST_DAY = date(2026, 1, 5)
TICKERS = ("PETR4.SA", "VALE3.SA", "^BVSP")
PROVIDER = "yfinance"
WINDOW = Window(FIRST_DAY, FIRST_DAY + timedelta(days=30))


def day(number: int) -> date:
    """Return the `number`th day of the story."""
    return FIRST_DAY + timedelta(days=number)


def bar(number: int, close: int = 10_000_000) -> Bar:
    """Return a flat bar of day `number`."""
    return Bar(day(number), close, close, close, close, close, 100)


def request(ticker: str = TICKERS[0]) -> Request:
    """Return a request of the story's window."""
    return Request(ticker=ticker, window=WINDOW)


class Story:
    """A log in memory whose clock moves ten seconds an event."""

    def __init__(self) -> None:
        """Begin with `ledger.created`."""
        self.now_us = EPOCH_US
        self.log = MemoryLog(now=lambda: self.now_us)
        self.add(LedgerCreated(ledger_id=bytes(16), kind="sample", software="test"))

    def add(self, event: Event, *, cause: int | None = None, job: int = 1) -> Seq:
        """Append one event; return its seq."""
        self.now_us += 10 * SECOND_US
        stream = getattr(event, "ticker", None) or LEDGER_STREAM
        draft = Draft(job_id=job.to_bytes(16, "big"), stream=stream, event=event, cause=cause)
        return self.log.append([draft], append_id=append_id(f"story/{self.log.head().size}")).first

    def fetched(
        self, ticker: str = TICKERS[0], *, rows: int = 2, attempt: int = 1, job: int = 1, provider: str = PROVIDER
    ) -> Seq:
        """Append evidence that took 1.5 seconds."""
        return self.add(
            FetchSucceeded(
                ticker=ticker,
                provider=provider,
                attempt=attempt,
                started_at=self.now_us,
                finished_at=self.now_us + 1_500_000,
                request=request(ticker),
                source=Source(library="test", version="1"),
                answer=Answer(body=b"zlib", body_bytes=4, sha256=bytes(32)),
                identity=Identity(),
                bars=tuple(RawBar(day(number), 1.0, 1.0, 1.0, 1.0, 1.0, 1) for number in range(rows)),
                actions=(),
            ),
            job=job,
        )

    def decided(  # noqa: PLR0913 - the fields of one event that tests tell apart
        self,
        cause: int,
        ticker: str = TICKERS[0],
        *,
        bars: Sequence[Bar] = (),
        verdict: Verdict = "success",
        actions: tuple[Action, ...] = (),
        withdrawn: tuple[date, ...] = (),
        rejected: tuple[Finding, ...] = (),
        warned: tuple[Finding, ...] = (),
        unchanged: int = 0,
        job: int = 1,
    ) -> Seq:
        """Append the decision over the evidence at `cause`, all of `bars` added."""
        return self.add(
            decision(
                ticker,
                PROVIDER,
                WINDOW,
                bars,
                verdict=verdict,
                received=len(bars) + len(rejected) + unchanged,
                unchanged=unchanged,
                actions=actions,
                withdrawn=withdrawn,
                rejected=rejected,
                warned=warned,
            ),
            cause=cause,
            job=job,
        )

    def failed(
        self, ticker: str = TICKERS[0], *, attempt: int = 1, final: bool = True, job: int = 1, kind: str = "rate-limit"
    ) -> Seq:
        """Append a failed attempt that took 0.25 seconds."""
        return self.add(
            FetchFailed(
                ticker=ticker,
                provider=PROVIDER,
                attempt=attempt,
                started_at=self.now_us,
                finished_at=self.now_us + 250_000,
                request=request(ticker),
                error_kind="rate-limit" if kind == "rate-limit" else "timeout",
                message="got status 429",
                status_code=429,
                retry_after_s=7,
                final=final,
            ),
            job=job,
        )

    def refused(self, ticker: str = TICKERS[0], *, job: int = 1) -> Seq:
        """Append a refusal over a lock, after two seconds of waiting."""
        return self.add(
            IngestRefused(
                ticker=ticker,
                provider=PROVIDER,
                started_at=self.now_us,
                finished_at=self.now_us + 2 * SECOND_US,
                message="held by pid 1",
                holder_pid=1,
                holder_job_id=None,
            ),
            job=job,
        )

    def broke(self, ticker: str = TICKERS[0], *, job: int = 1, provider: str = PROVIDER) -> Seq:
        """Append a job that was interrupted."""
        return self.add(
            IngestFailed(
                ticker=ticker,
                provider=provider,
                attempt=1,
                started_at=self.now_us,
                finished_at=self.now_us + SECOND_US,
                stage="fetch",
                error_kind="interrupted",
                message="SIGINT",
            ),
            job=job,
        )

    def unreadable(self, cause: Seq, ticker: str = TICKERS[0], *, job: int = 1) -> Seq:
        """Append that the evidence at `cause` could not be read."""
        return self.add(
            IngestFailed(
                ticker=ticker,
                provider=PROVIDER,
                attempt=1,
                started_at=self.now_us,
                finished_at=self.now_us + 1_500_000,
                stage="judge",
                error_kind="bad-answer",
                message="no chart",
            ),
            cause=cause,
            job=job,
        )

    def snapshot(self, name: str, *, position: int, sha256: bytes, rows: int, ticker: str = TICKERS[0]) -> Seq:
        """Append that a snapshot was written."""
        return self.add(
            SnapshotWritten(
                ticker=ticker,
                provider=PROVIDER,
                name=name,
                format_version=1,
                position=position,
                sha256=sha256,
                rows=rows,
            )
        )

    def backed_up(self) -> Seq:
        """Append that a backup was made."""
        size = self.log.head().size
        return self.add(
            BackupCreated(
                name="backup-20260202T000000Z.db",
                size=size,
                link=self.log.head().link,
                archive_bytes=1000 + size,
                sha256=bytes(32),
                types=(),
                providers=(),
                streams=0,
                streams_hash=bytes(32),
            )
        )

    def signed(self) -> Seq:
        """Append that a checkpoint was signed."""
        head = self.log.head()
        return self.add(
            CheckpointSigned(
                origin="b3-ledger/test",
                size=head.size,
                link=head.link,
                root=bytes(32),
                key_id=bytes(4),
                note="signed\n",
            )
        )

    def verified(self) -> Seq:
        """Append that the log was found intact."""
        head = self.log.head()
        return self.add(
            LogVerified(verdict="intact", size=head.size, link=head.link, witnesses=("anchor",), seconds=0.5)
        )

    def retired(
        self, ticker: str = TICKERS[0], *, on: date = FIRST_DAY, into: str | None = None, undone: bool = False
    ) -> Seq:
        """Append that a ticker ended."""
        return self.add(
            SeriesRetired(
                ticker=ticker, on=on, into=into, numerator=None, denominator=None, reason="renamed", undone=undone
            )
        )

    def alerted(self) -> Seq:
        """Append that an alert was raised, and that its receiver wants no more."""
        episode, host = bytes(16), bytes(32)
        self.add(
            AlertRaised(
                episode_id=episode,
                metric="ingest_lag",
                ticker=TICKERS[0],
                value=2.0,
                threshold=1.0,
                severity="critical",
                reason="late",
                found_at=self.now_us,
            )
        )
        return self.add(
            AlertSent(
                episode_id=episode,
                metric="ingest_lag",
                ticker=TICKERS[0],
                transition="raised",
                outcome="gone",
                attempts=1,
                status_code=410,
                host_hash=host,
                finished_at=self.now_us,
            )
        )

    def probed(self) -> Seq:
        """Append a probe that went well."""
        return self.add(
            ConnectionTested(
                provider=PROVIDER,
                started_at=self.now_us,
                finished_at=self.now_us + 1,
                status="ok",
                latency_ms=1,
                error_kind=None,
                message=None,
            )
        )

    def act(self, number: int) -> None:
        """Append what `number` (0 to 999) stands for: every kind of event comes up, decisions may wait."""
        kind, rest = divmod(number, 100)
        ticker, salt = TICKERS[rest % 3], rest // 3
        simple = {
            5: lambda: self.failed(ticker, final=salt % 2 == 0, attempt=1 + salt % 3),
            6: lambda: self.refused(ticker),
            7: lambda: self.broke(ticker),
            8: lambda: self._kept(ticker, salt),
            9: lambda: self.snapshot(f"A-{salt % 4}.csv", position=salt, sha256=bytes(32), rows=salt, ticker=ticker),
        }
        if kind in simple:
            simple[kind]()
        else:
            self._ingest(ticker, salt, left_pending=kind == 4)

    def _kept(self, ticker: str, salt: int) -> None:
        if salt % 5 == 4:
            self.retired(ticker, on=day(salt), undone=salt % 2 == 0)
        elif salt % 2:
            self.backed_up()
        else:
            self.probed()

    def _ingest(self, ticker: str, salt: int, *, left_pending: bool) -> None:
        cause = self.fetched(ticker, rows=salt)
        if left_pending:
            return
        verdicts: tuple[Verdict, ...] = ("success", "success", "warning", "rejected", "superseded")
        verdict = verdicts[salt % 5]
        accepted = verdict in {"success", "warning"}
        numbers = range(salt % 7, salt % 7 + salt % 4) if accepted else range(0)
        rejected = () if verdict in {"success", "superseded"} else (Finding("NONPOS", day(1), "got 0, want > 0"),)
        self.decided(
            cause,
            ticker,
            verdict=verdict,
            bars=[bar(number, 1_000_000 * (1 + salt)) for number in numbers],
            actions=(paid(day(salt % 5), salt % 3),) if accepted else (),
            withdrawn=(day(salt % 7),) if accepted and salt % 6 == 0 else (),
            rejected=rejected,
        )


def told(numbers: Iterable[int]) -> MemoryLog:
    """Return the log in which each number was acted, in order."""
    story = Story()
    for number in numbers:
        story.act(number)
    return story.log
