"""Asks a provider until it answers or the job's patience ends; every attempt becomes an event.

Retries are tenacity's: exponential backoff with jitter, a Retry-After honoured, a job deadline kept.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import asdict

from ledger.chain import Seq
from ledger.events import FetchFailed, FetchSucceeded
from ledger.foreseen import foreseen
from ledger.ingest.providers import registry
from ledger.ingest.providers.port import Fetched, Provider, ProviderError
from ledger.ingest.rules import judge
from ledger.ingest.rules.merge import priced
from ledger.values import Window

if TYPE_CHECKING:
    from tenacity import RetryCallState

FINAL_KINDS = frozenset({"not-found", "internal"})
LONGEST_WAIT_S = 30.0


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long and how often a job asks."""

    retries: int
    attempt_s: float  # deadline of one attempt
    job_s: float  # deadline of all attempts and the waits between them
    backoff_s: float = 1.0  # before the first retry; doubles, with up to as much jitter


class RecordedFetch(msgspec.Struct, frozen=True):
    """What was fetched, and the seq that it is stored under (None in a dry run)."""

    fetch: FetchSucceeded
    seq: Seq | None


class Recorder(Protocol):
    """Where a fetcher records its attempts."""

    def succeeded(self, event: FetchSucceeded) -> Seq | None:
        """Make the evidence durable and return its seq; None in a dry run."""
        ...

    def failed(self, event: FetchFailed, *, wait_s: float | None = None) -> None:
        """Record an attempt that failed; the next one begins in `wait_s`, if there is one."""
        ...


class Fetcher:
    """One job's questions to one provider; attempts are numbered from 1 across them all."""

    def __init__(
        self,
        provider: Provider,
        *,
        patience: Patience,
        now: Callable[[], int],
        recorder: Recorder,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._provider = provider
        self._patience = patience
        self._now = now
        self._recorder = recorder
        self._pause = pause
        self._deadline: float | None = None
        self._attempt = 0
        self._started_at = 0

    @property
    def attempts(self) -> int:
        """How many attempts were begun."""
        return self._attempt

    def fetch(self, ticker: str, window: Window) -> RecordedFetch:
        """Return the provider's answer, recorded as evidence before anybody judges it.

        Raises: ProviderError of the last attempt, recorded as final; UnforeseenError and ShortageError, which are not
        recorded; whatever the recorder raises.
        """
        # Imported here: it brings asyncio, and imports of files, which ask nobody, know a job's patience too.
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, stop_before_delay

        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, ProviderError) and error.kind not in FINAL_KINDS),
            stop=stop_after_attempt(self._patience.retries + 1) | stop_before_delay(self._left_s()),
            wait=self._wait,
            before_sleep=self._record_retried,
            sleep=self._pause,
            reraise=True,
        )
        try:
            fetched = retrying(self._ask, ticker, window)
        except ProviderError as error:
            self._record_failed(error, wait_s=None)
            raise
        event = FetchSucceeded(
            ticker=ticker,
            provider=self._provider.name,
            attempt=self._attempt,
            started_at=self._started_at,
            finished_at=self._now(),
            **asdict(fetched),
        )
        return RecordedFetch(event, self._recorder.succeeded(event))

    def _ask(self, ticker: str, window: Window) -> Fetched:
        self._attempt += 1
        self._started_at = self._now()
        timeout_s = max(min(self._patience.attempt_s, self._left_s()), 0.001)
        with foreseen("fetch"):
            fetched = self._provider.fetch(ticker, window, timeout_s=timeout_s)
        if not registry.has_sessions(self._provider.name):
            return fetched
        if not any(map(priced, fetched.bars)) and (due := judge.sessions_due(window, self._now())):
            raise ProviderError(
                "empty",
                f"got no rows, want {due} sessions of {window.start} to {window.end}",
                request=fetched.request,
                status_code=fetched.source.http_status,
                http_date=fetched.source.http_date,
                answer=fetched.answer,
            )
        return fetched

    def _left_s(self) -> float:
        # The clock of the job's patience starts at its first question: waiting for a lock must not use it up.
        if self._deadline is None:
            self._deadline = time.monotonic() + self._patience.job_s
        return max(self._deadline - time.monotonic(), 0.0)

    def _wait(self, state: "RetryCallState") -> float:
        from tenacity.wait import wait_exponential, wait_random

        first_s = self._patience.backoff_s
        backoff_s = (wait_exponential(multiplier=first_s, max=LONGEST_WAIT_S) + wait_random(0, first_s))(state)
        error = state.outcome.exception() if state.outcome else None
        asked_s = error.retry_after_s if isinstance(error, ProviderError) else None
        return max(min(backoff_s, LONGEST_WAIT_S), float(asked_s or 0))

    def _record_retried(self, state: "RetryCallState") -> None:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, ProviderError):
            self._record_failed(error, wait_s=state.upcoming_sleep)

    def _record_failed(self, error: ProviderError, *, wait_s: float | None) -> None:
        self._recorder.failed(
            FetchFailed(
                ticker=error.request.ticker,
                provider=self._provider.name,
                attempt=self._attempt,
                started_at=self._started_at,
                finished_at=self._now(),
                request=error.request,
                error_kind=error.kind,
                message=error.message,
                status_code=error.status_code,
                retry_after_s=error.retry_after_s,
                final=wait_s is None,
                http_date=error.http_date,
                answer=error.answer,
            ),
            wait_s=None if wait_s is None else round(wait_s, 1),
        )
