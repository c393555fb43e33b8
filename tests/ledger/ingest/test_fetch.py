"""Asking until an answer comes or patience ends."""

import time
from datetime import date

import pytest

from ledger.chain import Seq
from ledger.events import FetchFailed, FetchSucceeded
from ledger.ingest.fetch import LONGEST_WAIT_S, Fetcher, Patience
from ledger.ingest.providers.port import ProviderError
from ledger.values import ErrorKind, Window
from tests.ledger.ingest.answers import MONDAY, TICKER, instant, run_of, session
from tests.ledger.ingest.scripted import Answered, Refusal, ScriptedProvider, Step

WEEK = Window(MONDAY, session(4))
WEEKEND = Window(date(2026, 3, 7), date(2026, 3, 8))
GOOD = Answered(run_of([30, 31, 32, 33, 34]))
NOTHING = Answered(())
PATIENCE = Patience(retries=3, attempt_s=5, job_s=60, backoff_s=1.0)


class Attempts:
    """A recorder that keeps what it is told, and gives evidence the seqs 10, 11, ..."""

    def __init__(self) -> None:
        self.events: list[FetchSucceeded | FetchFailed] = []
        self.waits_s: list[float | None] = []

    def succeeded(self, event: FetchSucceeded) -> Seq | None:
        """Keep an answer."""
        self.events.append(event)
        return Seq(9 + len(self.events))

    def failed(self, event: FetchFailed, *, wait_s: float | None = None) -> None:
        """Keep a failure, and how long until the next attempt."""
        self.events.append(event)
        self.waits_s.append(wait_s)

    def told(self) -> list[tuple[int, str | None, bool]]:
        """Return (attempt, kind of error, final) of each."""
        return [
            (one.attempt, one.error_kind, one.final) if isinstance(one, FetchFailed) else (one.attempt, None, True)
            for one in self.events
        ]


class Asking:
    """A fetcher over a script, with the pauses that it took instead of sleeping."""

    def __init__(self, *script: Step, patience: Patience = PATIENCE, now: str = "2026-03-31T12:00:00+00:00") -> None:
        self.provider = ScriptedProvider(*script)
        self.recorder = Attempts()
        self.pauses_s: list[float] = []
        self.fetcher = Fetcher(
            self.provider,
            patience=patience,
            now=lambda: instant(now),
            recorder=self.recorder,
            pause=self.pauses_s.append,
        )

    def failure(self, window: Window = WEEK) -> ProviderError:
        """Return the error that a fetch ends with."""
        with pytest.raises(ProviderError) as caught:
            self.fetcher.fetch(TICKER, window)
        return caught.value


def test_the_first_answer_is_evidence_under_its_seq() -> None:
    """One question, no pause."""
    asking = Asking(GOOD)
    evidence = asking.fetcher.fetch(TICKER, WEEK)
    assert (10, 1, GOOD.bars) == (evidence.seq, evidence.fetch.attempt, evidence.fetch.bars)
    assert ([WEEK], []) == (asking.provider.asked, asking.pauses_s)


def test_each_wait_is_reported_before_it_begins() -> None:
    """To a tenth of a second; the last attempt is followed by none."""
    asking = Asking(*[Refusal("timeout")] * 4)
    asking.failure()
    assert [*(round(pause, 1) for pause in asking.pauses_s), None] == asking.recorder.waits_s


@pytest.mark.parametrize("kind", ["rate-limit", "timeout", "connection", "bad-answer", "empty"])
def test_what_may_pass_is_asked_again(kind: ErrorKind) -> None:
    """A failure that is retried is not final."""
    asking = Asking(Refusal(kind), GOOD)
    assert 11 == asking.fetcher.fetch(TICKER, WEEK).seq
    assert [(1, kind, False), (2, None, True)] == asking.recorder.told()


@pytest.mark.parametrize("kind", ["not-found", "internal"])
def test_what_will_not_pass_is_final_at_once(kind: ErrorKind) -> None:
    """No second question."""
    asking = Asking(Refusal(kind))
    assert kind == asking.failure().kind
    assert ([(1, kind, True)], []) == (asking.recorder.told(), asking.pauses_s)


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_counted_past_the_first_attempt(retries: int) -> None:
    """Three retries are four attempts; only the last one is final."""
    asking = Asking(Refusal("timeout"), patience=Patience(retries=retries, attempt_s=5, job_s=60))
    asking.failure()
    expected = [(number, "timeout", number == retries + 1) for number in range(1, retries + 2)]
    assert expected == asking.recorder.told()
    assert retries == len(asking.pauses_s)


@pytest.mark.parametrize("first_s", [0.0, 0.5, 1.0, 3.0])
def test_pauses_double_with_up_to_the_first_one_more(first_s: float) -> None:
    """From 1 s on: 1, 2, 4, each with up to a second of jitter."""
    asking = Asking(Refusal("connection"), patience=Patience(retries=3, attempt_s=5, job_s=60, backoff_s=first_s))
    asking.failure()
    lowest = (first_s, 2 * first_s, 4 * first_s)
    assert all(low <= pause <= low + first_s for low, pause in zip(lowest, asking.pauses_s, strict=True))


def test_no_pause_is_longer_than_half_a_minute() -> None:
    """However often it fails."""
    asking = Asking(Refusal("connection"), patience=Patience(retries=9, attempt_s=5, job_s=1e6))
    asking.failure()
    assert max(asking.pauses_s) == LONGEST_WAIT_S


def test_a_retry_after_is_waited_for() -> None:
    """Longer than the backoff: the server's word counts; shorter: the backoff does."""
    asking = Asking(Refusal("rate-limit", retry_after_s=20), Refusal("rate-limit", retry_after_s=0), GOOD)
    asking.fetcher.fetch(TICKER, WEEK)
    assert 20 == asking.pauses_s[0]
    assert asking.pauses_s[1] >= 2


@pytest.mark.parametrize(("asked_s", "attempts"), [(59, 2), (61, 1), (3600, 1)])
def test_a_retry_after_past_the_deadline_fails_at_once(asked_s: int, attempts: int) -> None:
    """A job of 60 s does not wait for the 61st: the attempt is final and says how long it was told to wait."""
    asking = Asking(Refusal("rate-limit", retry_after_s=asked_s), GOOD)
    if attempts == 1:
        assert asked_s == asking.failure().retry_after_s
        assert [(1, "rate-limit", True)] == asking.recorder.told()
    else:
        asking.fetcher.fetch(TICKER, WEEK)
    assert attempts == len(asking.provider.asked)


def test_attempts_are_numbered_across_the_questions_of_a_job() -> None:
    """A job that asks twice, for a wider window, goes on counting, and each question has its own retries."""
    asking = Asking(Refusal("timeout"), GOOD, Refusal("timeout"), GOOD)
    asking.fetcher.fetch(TICKER, WEEK)
    asking.fetcher.fetch(TICKER, WEEK)
    assert [(1, "timeout", False), (2, None, True), (3, "timeout", False), (4, None, True)] == asking.recorder.told()
    assert 4 == asking.fetcher.attempts


@pytest.mark.parametrize(
    ("window", "now", "kind"),
    [
        (WEEK, "2026-03-31T12:00:00+00:00", "empty"),
        (WEEKEND, "2026-03-31T12:00:00+00:00", None),
        (Window(MONDAY, MONDAY), "2026-03-02T21:29:59+00:00", None),  # not final before 18:30 in São Paulo
        (Window(MONDAY, MONDAY), "2026-03-02T21:30:00+00:00", "empty"),
    ],
)
def test_no_rows_are_a_failure_only_where_sessions_are_due(window: Window, now: str, kind: str | None) -> None:
    """Over a weekend, or before today's session is final, nothing is all there is."""
    asking = Asking(NOTHING, now=now)
    if kind is None:
        assert () == asking.fetcher.fetch(TICKER, window).fetch.bars
    else:
        assert kind == asking.failure(window).kind


def test_an_empty_answer_is_kept_with_the_failure() -> None:
    """What the provider did say is evidence of that."""
    asking = Asking(NOTHING)
    asking.failure()
    first = asking.recorder.events[0]
    assert isinstance(first, FetchFailed)
    assert first.answer is not None


def test_patience_starts_with_the_first_question() -> None:
    """A job that waited long for its lock has all its time left when it asks."""
    asking = Asking(GOOD, patience=Patience(retries=0, attempt_s=5, job_s=0.05))
    time.sleep(0.06)
    asking.fetcher.fetch(TICKER, WEEK)
    assert 0.01 < asking.provider.timeouts_s[0] <= 0.05  # 0.001 is what an attempt gets that has no time left


def test_an_attempt_gets_no_more_time_than_the_job_has_left() -> None:
    """Its own deadline, or what is left of the job's."""
    ample, short = Asking(GOOD), Asking(GOOD, patience=Patience(retries=0, attempt_s=5, job_s=2))
    for asking in (ample, short):
        asking.fetcher.fetch(TICKER, WEEK)
    assert 5 == ample.provider.timeouts_s[0]
    assert 1 < short.provider.timeouts_s[0] <= 2
