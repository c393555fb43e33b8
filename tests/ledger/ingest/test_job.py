"""One ticker's job over a real log: what it appends, in which order, and how it ends."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger import ids
from ledger.chain import Record, Seq
from ledger.codec import decode_envelope
from ledger.errors import LedgerReplacedError, ProviderClockError, TickerLockError, WriterLockError
from ledger.events import (
    ConnectionTested,
    FetchFailed,
    FetchSucceeded,
    IngestFailed,
    IngestRefused,
    ValidationCompleted,
)
from ledger.ingest.job import Job
from ledger.ingest.plan import InterruptedJobError, Outcome, ScaleError, SeriesState
from ledger.ingest.providers import registry
from ledger.ingest.providers.port import ProviderError
from ledger.ingest.rules.held import Held
from ledger.ingest.ticker_lock import ticker_lock
from ledger.market.series import Series
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.store.writer_lock import WriterLock
from ledger.values import RawAction, Window
from tests.ledger.ingest.answers import GOOD, TICKER, instant, run_of, session
from tests.ledger.ingest.bench import Bench, DyingJob
from tests.ledger.ingest.scripted import Answered, Refusal, ScriptedProvider, Step
from tests.support.drafts import connection_tested
from tests.support.oracle import check_log

NOW = instant("2026-03-20T12:00:00+00:00")  # a Friday morning: Thursday is the last final session
WEEKS = run_of([30 + n / 10 for n in range(14)])
HALVED = run_of([15 + n / 20 for n in range(14)])
SPLIT = RawAction(session(12), "split", 2.0)
OURS = Series(TICKER, "yfinance")
EARLIER = Answered(WEEKS[:12])


class ScriptedBench(Bench):
    """A bench whose provider follows a script."""

    def job(self, *script: Step, **options: Any) -> Job:
        """Return a job that asks a script."""
        self.provider = ScriptedProvider(*script)
        return self.job_of(self.provider, **options)

    def held(self) -> Held:
        """Return the series as held."""
        return self.state(OURS).held

    def pending(self) -> tuple[Seq, ...]:
        """Return the evidence of the series that nobody judged."""
        return self.state(OURS).pending.get(OURS, ())

    def leave_pending(self, answer: Answered) -> bytes:
        """Have a job die between its evidence and its decision; return its id."""
        return self.dies(self.job(answer, kind=DyingJob))


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[ScriptedBench]:
    """An empty ledger; the oracle looks at it in the end."""
    bench = ScriptedBench(tmp_path / "dados", now=NOW)
    yield bench
    check_log(bench.log)
    bench.log.close()


def days(outcome: Outcome) -> tuple[int, int]:
    """Return how many sessions the job's decision added and revised."""
    assert outcome.decision is not None
    return outcome.decision.added, outcome.decision.revised


# --- the plain way -------------------------------------------------------------------------------


def test_a_job_leaves_evidence_and_then_a_decision(bench: ScriptedBench) -> None:
    """The outcome names the last event, and its id is the job's."""
    job = bench.job(EARLIER)
    outcome = job.run()
    assert ("success", 2, (12, 0)) == (outcome.status, outcome.seq, days(outcome))
    assert [FetchSucceeded, ValidationCompleted] == bench.types()
    assert [job.job_id] * 2 == bench.job_ids()


def test_failed_attempts_come_before_the_evidence(bench: ScriptedBench) -> None:
    """Each attempt is an event of its own."""
    outcome = bench.job(Refusal("timeout"), EARLIER).run()
    assert "success" == outcome.status
    assert [FetchFailed, FetchSucceeded, ValidationCompleted] == bench.types()


def test_a_provider_that_never_answers_is_an_outcome(bench: ScriptedBench) -> None:
    """Nothing is raised; the last attempt is the job's last event."""
    outcome = bench.job(Refusal("connection")).run()
    assert ("error", 2) == (outcome.status, outcome.seq)
    assert isinstance(outcome.error, ProviderError)
    assert [False, True] == [event.final for event in bench.told()]


def test_the_next_job_asks_for_the_overlap(bench: ScriptedBench) -> None:
    """What is held decides what is asked."""
    bench.job(EARLIER).run()
    outcome = bench.job(Answered(WEEKS)).run()
    assert [Window(session(6), session(14))] == bench.provider.asked
    assert (2, 0) == days(outcome)


def test_a_dry_run_judges_and_appends_nothing(bench: ScriptedBench) -> None:
    """It takes no lock either."""
    with ticker_lock(bench.home.locks, TICKER, job_id=ids.new_id(1), now_us=1, timeout_s=0):
        outcome = bench.job(EARLIER, log=False).run()
    assert ("dry_run", None, (12, 0)) == (outcome.status, outcome.seq, days(outcome))
    assert [] == bench.told()


# --- pending evidence ----------------------------------------------------------------------------


def test_pending_evidence_is_judged_under_the_dead_jobs_id(bench: ScriptedBench) -> None:
    """Nothing became final since, so nobody is asked."""
    dead = bench.leave_pending(Answered(WEEKS))
    outcome = bench.job(Answered(())).run()
    assert ("success", dead, (14, 0)) == (outcome.status, outcome.job_id, days(outcome))
    assert [dead, dead] == bench.job_ids()
    assert [] == bench.provider.asked


def test_a_session_that_became_final_since_is_asked_for(bench: ScriptedBench) -> None:
    """First the dead job's decision, then the usual fetch."""
    dead = bench.leave_pending(EARLIER)
    job = bench.job(Answered(WEEKS))
    outcome = job.run()
    assert (job.job_id, (2, 0)) == (outcome.job_id, days(outcome))
    assert [dead, dead, job.job_id, job.job_id] == bench.job_ids()


def test_without_a_network_pending_evidence_is_all_that_is_judged(bench: ScriptedBench) -> None:
    """Though a session became final since."""
    bench.leave_pending(EARLIER)
    outcome = bench.job(Answered(WEEKS), pending_only=True).run()
    assert ("success", (12, 0), []) == (outcome.status, days(outcome), bench.provider.asked)


def test_without_a_network_and_nothing_pending_nothing_happens(bench: ScriptedBench) -> None:
    """A success that appends nothing."""
    outcome = bench.job(Answered(WEEKS), pending_only=True).run()
    assert ("success", None, []) == (outcome.status, outcome.seq, bench.told())


def test_several_pending_fetches_are_judged_oldest_first(bench: ScriptedBench, monkeypatch: pytest.MonkeyPatch) -> None:
    """As they were recorded; each decision names its own evidence."""
    first = bench.leave_pending(EARLIER)
    with monkeypatch.context() as blind:
        blind.setattr(bench, "state", lambda *_: SeriesState(Held({})))
        second = bench.leave_pending(Answered(WEEKS))
    bench.job(Answered(())).run()
    assert [first, second, first, second] == bench.job_ids()
    assert [(12, 0), (2, 0)] == [(event.added, event.revised) for event in bench.told(since=3)]


# --- two scales ----------------------------------------------------------------------------------


def test_a_restore_between_a_pending_fetch_and_its_reading_begins_the_job_anew(
    bench: ScriptedBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The restored ledger is shorter: nobody's event stands at the seq, and nothing is said of the job there."""
    bench.log.append([connection_tested(number) for number in range(3)], append_id=bytes(16))
    bench.leave_pending(EARLIER)
    job, read = bench.job(Answered(WEEKS)), EventLog.read
    restored, other = bench.home.next_folder(), LedgerHome(tmp_path / "other")
    create_ledger(other, kind="real", software="test", now=lambda: bench.now, lock_timeout_s=1)
    shutil.copytree(other.root / "ledger-1", restored)

    def overtaken(log: EventLog, start: int, stop: int) -> Iterator[Record]:
        monkeypatch.undo()
        bench.home.switch(restored)
        log.append([connection_tested(1)], append_id=bytes(16))
        return read(log, start, stop)

    # Once the job knows what is pending, another thread goes on to the restored ledger.
    known = bench.state(OURS)
    monkeypatch.setattr(job, "_state", lambda *_: known)
    monkeypatch.setattr(EventLog, "read", overtaken)
    with pytest.raises(LedgerReplacedError):
        job.run()
    assert [ConnectionTested] == bench.types()


def test_a_rescaled_overlap_asks_for_the_whole_range_before_it_decides(bench: ScriptedBench) -> None:
    """Both decisions are one append: no reader ever sees the one without the other."""
    bench.job(EARLIER).run()
    outcome = bench.job(Answered(HALVED, (SPLIT,))).run()
    assert [Window(session(6), session(14)), Window(session(0), session(14))] == bench.provider.asked
    assert [FetchSucceeded, FetchSucceeded, ValidationCompleted, ValidationCompleted] == bench.types(since=3)
    assert ["superseded", "success"] == [event.verdict for event in bench.told(since=5)]
    assert 1 == len({decode_envelope(record.seq, record.body).append_id for record in bench.log.read(5)})
    assert (2, 12) == days(outcome)


def test_a_whole_range_that_does_not_come_leaves_the_narrow_answer_pending(bench: ScriptedBench) -> None:
    """The series stays on its old scale, whole; the next job finishes the work."""
    bench.job(EARLIER).run()
    half = Answered(HALVED, (SPLIT,))
    assert "error" == bench.job(half, Refusal("timeout")).run().status
    assert EARLIER.bars[0].close * 1_000_000 == bench.held().bars[session(0)].close
    assert 1 == len(bench.pending())
    assert "success" == bench.job(half).run().status
    assert [Window(session(0), session(14))] == bench.provider.asked
    assert () == bench.pending()


def test_without_a_network_another_scale_is_an_error(bench: ScriptedBench) -> None:
    """Nothing is decided, so the evidence stays pending."""
    bench.job(EARLIER).run()
    bench.leave_pending(Answered(HALVED, (SPLIT,)))
    size = bench.log.head().size
    outcome = bench.job(Answered(HALVED), pending_only=True).run()
    assert ("error", size) == (outcome.status, bench.log.head().size)
    assert isinstance(outcome.error, ScaleError)


def test_another_providers_evidence_on_another_scale_waits_for_a_job_that_asks_it(bench: ScriptedBench) -> None:
    """A job asks its own provider only, and is none the worse for what another one left."""
    bench.job(EARLIER).run()
    bench.leave_pending(Answered(HALVED, (SPLIT,)))
    pending = bench.pending()
    other = ScriptedProvider(EARLIER)
    other.name = "sample"
    outcome = bench.job_of(other).run()
    assert ("success", "sample", pending) == (outcome.status, outcome.provider, bench.pending())
    assert ["got a pending fetch on another scale"] == [note.partition(" (")[0] for note in bench.notes.warned]


# --- locks, clocks, signals ----------------------------------------------------------------------


def test_a_held_ticker_is_refused_with_the_holder_in_the_event(bench: ScriptedBench) -> None:
    """The job made no attempt, and says who did."""
    holder = ids.new_id(1)
    with ticker_lock(bench.home.locks, TICKER, job_id=holder, now_us=1, timeout_s=0):
        outcome = bench.job(EARLIER).run()
    (event,) = bench.told()
    assert ("locked", 1, holder) == (outcome.status, outcome.seq, event.holder_job_id)
    assert isinstance(event, IngestRefused)
    assert isinstance(outcome.error, TickerLockError)


def test_a_held_writer_lock_ends_the_job_as_locked(bench: ScriptedBench) -> None:
    """Nothing can be appended, not even that."""
    lock = WriterLock(bench.home.writer_lock)
    with lock.held(1):
        outcome = bench.job(EARLIER).run()
    lock.close()
    assert ("locked", []) == (outcome.status, bench.told())
    assert isinstance(outcome.error, WriterLockError)


@pytest.mark.parametrize(
    ("apart_s", "status", "warned"),
    [
        (300, "success", []),
        (301, "success", ["clocks apart"]),
        (-301, "success", ["clocks apart"]),
        (86_400, "success", ["clocks apart"]),
        (86_401, "error", []),
        (-86_401, "error", []),
    ],
)
def test_the_providers_clock_is_held_against_ours(
    bench: ScriptedBench, apart_s: int, status: str, warned: list[str]
) -> None:
    """Five minutes are nothing, a day is too much to date anything."""
    answer = Answered(EARLIER.bars, identity=GOOD, http_date=NOW + apart_s * 1_000_000)
    outcome = bench.job(answer).run()
    assert (status, warned) == (outcome.status, bench.notes.warned)
    if status == "error":
        assert isinstance(outcome.error, ProviderClockError)
        assert [] == bench.told()


def test_a_clock_set_back_is_told_of_once_it_is_minutes(bench: ScriptedBench) -> None:
    """The log's own times go on from where they were."""
    bench.job(EARLIER).run()
    bench.now = NOW - 301 * 1_000_000
    bench.job(Answered(WEEKS)).run()
    assert ["clock went back"] == bench.notes.warned


def test_an_interrupted_job_records_that_and_decides_nothing(bench: ScriptedBench) -> None:
    """The answer that comes after the signal is not even evidence."""
    job = bench.job(EARLIER)
    bench.provider.meanwhile = job.interrupt
    outcome = job.run()
    (event,) = bench.told()
    assert ("error", "interrupted", 1) == (outcome.status, event.error_kind, event.attempt)
    assert isinstance(event, IngestFailed)
    assert isinstance(outcome.error, InterruptedJobError)


def test_a_job_that_has_decided_has_nothing_to_record_of_a_signal(bench: ScriptedBench) -> None:
    """It was a success, and the log says no other thing."""
    job = bench.job(EARLIER)
    job.run()
    job.interrupt()
    assert [FetchSucceeded, ValidationCompleted] == bench.types()


@pytest.mark.parametrize(
    "error", [OverflowError("year 99999999999"), RecursionError(), ValueError("x"), KeyError("chart"), EOFError()]
)
def test_what_a_provider_breaks_is_recorded_as_internal(bench: ScriptedBench, error: Exception) -> None:
    """Once, with its class, at the attempt that met it; the next job asks as if nothing had been."""
    job = bench.job(EARLIER)

    def breaks() -> None:
        raise error

    bench.provider.meanwhile = breaks
    outcome = job.run()
    recorded = bench.told()[-1]
    assert isinstance(recorded, IngestFailed)
    assert ("fetch", "internal", 1) == (recorded.stage, recorded.error_kind, recorded.attempt)
    assert recorded.message.startswith(f"got {type(error).__name__}")
    assert ("error", bench.log.head().size - 1) == (outcome.status, outcome.seq)
    assert "success" == bench.job(EARLIER).run().status


def test_pending_evidence_that_breaks_its_reader_is_closed(
    bench: ScriptedBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under the dead job's id, and no later job meets it again."""
    dead = bench.leave_pending(EARLIER)

    def breaks(*_: object) -> None:
        raise RecursionError("too deep")

    with monkeypatch.context() as broken:
        broken.setattr(registry, "reading", breaks)
        bench.job(EARLIER, pending_only=True).run()
    envelope = decode_envelope(2, next(bench.log.read(2, 3)).body)
    assert (dead, "ingest.failed/1", 1) == (envelope.job_id, envelope.type, envelope.cause)
    assert () == bench.pending()
    assert "success" == bench.job(EARLIER).run().status
