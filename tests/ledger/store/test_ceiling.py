"""A clock far past the log is vouched for by a provider, the kernel or a person, or nothing is appended."""

import time
from datetime import date

import pytest

from ledger.codec import Draft
from ledger.events import AlertResolved, FetchFailed, Request, Window
from ledger.ids import append_id
from ledger.store import ceiling
from ledger.store.ceiling import DAY_US, Ceiling, ClockAheadError, kernel_vouches
from ledger.store.event_log import EventLog, Guards
from ledger.store.home import LedgerHome
from tests.ledger.tampering import filled
from tests.support.drafts import JOB, StepClock, connection_tested

LAST_US = 1_770_000_000_000_000


def failed(http_date: int | None) -> Draft:
    """Return an attempt that a provider answered at its own time."""
    window = Window(date(2026, 2, 13), date(2026, 2, 13))
    event = FetchFailed(
        ticker="PETR4.SA",
        provider="yfinance",
        attempt=1,
        started_at=LAST_US,
        finished_at=LAST_US,
        request=Request(ticker="PETR4.SA", window=window),
        error_kind="not-found",
        message="404",
        status_code=404,
        retry_after_s=None,
        final=True,
        http_date=http_date,
    )
    return Draft(job_id=JOB, stream="PETR4.SA", event=event)


def told(days: float, draft: Draft, *, allowed: bool = False, kernel: bool = False) -> list[str]:
    """Return what is said of an append so many days past the log."""
    said: list[str] = []
    one = Ceiling(allowed=allowed, say=said.append, vouches=lambda _: kernel)
    one.check([draft], now_us=LAST_US + round(days * DAY_US), last_us=LAST_US)
    return said


@pytest.mark.parametrize(("days", "said"), [(0, 0), (1, 0), (1.01, 1), (35.99, 1), (-0.003, 0), (-0.01, 1)])
def test_up_to_the_limit_it_is_said_at_most(days: float, said: int) -> None:
    """Past a day, and when the log is ahead of the clock; never refused."""
    assert said == len(told(days, connection_tested(1)))


def test_past_the_limit_somebody_has_to_vouch() -> None:
    """A person, the kernel, or the provider that was asked, by a date within a day; else nothing is appended."""
    now_us = LAST_US + 36 * DAY_US
    assert ["the clock is 36 days past the last recorded event"] == told(36, failed(now_us + DAY_US))
    assert 1 == len(told(36, connection_tested(1), allowed=True)) == len(told(36, connection_tested(1), kernel=True))
    for draft in (connection_tested(1), failed(None), failed(LAST_US), failed(now_us + DAY_US + 1)):
        with pytest.raises(ClockAheadError, match="got a clock 36 days past"):
            told(36, draft)


def test_an_alert_needs_nobody_to_vouch() -> None:
    """What says that something is wrong is not kept from saying it; the clock is named all the same."""
    event = AlertResolved(episode_id=bytes(16), metric="backup.age", ticker=None, severity="warning", found_at=1)
    said = told(36, Draft(job_id=JOB, stream="ledger", event=event))
    assert ["the clock is 36 days past the last recorded event"] == said


def test_the_kernel_vouches_for_its_own_time_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for another, and not where it has no such call."""
    assert kernel_vouches(4_102_444_800_000_000) is False
    assert kernel_vouches(time.time_ns() // 1000) in {True, False}
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert kernel_vouches(time.time_ns() // 1000) is False
    assert ceiling.LIMIT_DAYS == 35


def test_a_refused_append_leaves_the_log_as_it_was(home: LedgerHome, clock: StepClock) -> None:
    """And the next one, by a clock that is right, lands."""
    filled(home, clock)
    bounds = Ceiling(allowed=False, say=lambda _: None, vouches=lambda _: False)
    with EventLog(home, now=clock, guards=Guards(witnesses=lambda _: (), ceiling=bounds)) as log:
        size = log.head().size
        clock.jump(36 * 86_400)
        with pytest.raises(ClockAheadError):
            log.append([connection_tested(50)], append_id=append_id("late"))
        clock.jump(-36 * 86_400)
        assert size == log.append([connection_tested(50)], append_id=append_id("late")).first
