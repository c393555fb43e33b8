"""Small, valid events for tests that care about the log and not about what is in it."""

from collections.abc import Sequence
from typing import Any

from ledger.codec import Draft
from ledger.events import LEDGER_STREAM, ConnectionTested, ValidationCompleted
from ledger.values import Bar, Window

JOB = bytes(range(16))


def connection_tested(number: int, *, note: str | None = None, job_id: bytes = JOB) -> Draft:
    """Return an event that differs from those of other numbers."""
    event = ConnectionTested(
        provider="yfinance",
        started_at=number,
        finished_at=number + 1,
        status="ok",
        latency_ms=1,
        error_kind=None,
        message=note,
    )
    return Draft(job_id=job_id, stream=LEDGER_STREAM, event=event)


def decision(
    ticker: str, provider: str, window: Window, bars: Sequence[Bar] = (), **fields: Any
) -> ValidationCompleted:
    """Return the decision over an answer that was all of `bars`, new and without a finding; `fields` are others."""
    plain = {
        "interval": "1d",
        "currency": "BRL",
        "basis": "split_adjusted",
        "rules_version": 1,
        "verdict": "success",
        "received": len(bars),
        "added": len(bars),
        "revised": 0,
        "unchanged": 0,
        "actions": (),
        "withdrawn": (),
        "partial": (),
        "rejected": (),
        "flagged": (),
        "warned": (),
        "rescale": None,
    }
    return ValidationCompleted(ticker=ticker, provider=provider, window=window, bars=tuple(bars), **(plain | fields))


class StepClock:
    """A clock that moves one second a look, from a fixed instant; `jump` moves it by hand."""

    def __init__(self, now_us: int = 1_770_000_000_000_000) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        """Return the time one second after the last look, in microseconds UTC."""
        self.now_us += 1_000_000
        return self.now_us

    def jump(self, seconds: int) -> None:
        """Move the clock by `seconds`, backwards when negative."""
        self.now_us += seconds * 1_000_000
