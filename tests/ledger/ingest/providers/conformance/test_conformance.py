"""Yahoo, the sample and a provider of quite another body do the same jobs, and leave the same trace."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.events import FetchFailed, FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.ids import new_id
from ledger.ingest.job import Job
from ledger.ingest.judging import EvidenceError
from ledger.ingest.plan import SeriesState
from ledger.ingest.providers import registry
from ledger.ingest.providers.evidence import answer
from ledger.ingest.providers.registry import UnknownProviderError
from ledger.ingest.rules.held import Held
from ledger.values import Answer, Identity, Request, Source
from projections.models import ingest_logs, metrics
from projections.store.runner import view_at
from tests.ledger.ingest.answers import TICKER
from tests.ledger.ingest.bench import DyingJob
from tests.ledger.ingest.providers.conformance.benches import NOW_US, SETTINGS_UP, WINDOW, ProviderBench, bench_of
from tests.support.oracle import check_log

SESSIONS = 10  # of the window
PROVIDERS = sorted(SETTINGS_UP)
JOB = new_id(NOW_US)


@pytest.fixture(params=PROVIDERS)
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ProviderBench]:
    """A ledger and each provider in turn; the oracle looks at the ledger in the end."""
    with bench_of(request.param, tmp_path, monkeypatch) as bench:
        yield bench
        check_log(bench.log)


def job(bench: ProviderBench, **options: object) -> Job:
    """Return a job of the bench's provider over the window."""
    return bench.job_of(bench.provider, **{"start": WINDOW.start, "end": WINDOW.end, **options})


def evidence(provider: str, kept: Answer) -> FetchSucceeded:
    """Return what a dead job of `provider` recorded."""
    return FetchSucceeded(
        ticker=TICKER,
        provider=provider,
        attempt=1,
        started_at=NOW_US - 3_000_000,
        finished_at=NOW_US - 1_000_000,
        request=Request(ticker=TICKER, window=WINDOW),
        source=Source(library="other", version="9"),
        answer=kept,
        identity=Identity(),
        bars=(),
        actions=(),
    )


def test_an_answer_is_read_back_by_the_providers_own_reader(bench: ProviderBench) -> None:
    """Evidence and a decision over every session; the rows in the body are those that were handed over."""
    outcome = job(bench).run()
    fetch, decision = bench.told()
    assert isinstance(fetch, FetchSucceeded)
    assert isinstance(decision, ValidationCompleted)
    described = registry.described(bench.provider.name)
    assert ("success", SESSIONS) == (outcome.status, decision.added)
    assert (described.name, described.basis) == (decision.provider, decision.basis)
    assert fetch.bars == registry.rows(fetch.provider, fetch.answer)


def test_a_ticker_that_the_provider_does_not_have_is_refused_at_once(bench: ProviderBench) -> None:
    """One attempt, final."""
    outcome = job(bench, ticker="XPTO3.SA").run()
    (failed,) = bench.told()
    assert isinstance(failed, FetchFailed)
    assert ("error", "not-found", True) == (outcome.status, failed.error_kind, failed.final)


def test_an_attempt_that_fails_is_made_again(bench: ProviderBench) -> None:
    """Both are recorded, and the second one is judged."""
    bench.hinder()
    outcome = job(bench).run()
    assert ("success", [FetchFailed, FetchSucceeded, ValidationCompleted]) == (outcome.status, bench.types())


def test_a_crash_between_evidence_and_decision_loses_nothing(bench: ProviderBench) -> None:
    """The next job decides, under the dead job's id and with nobody asked."""
    dead = bench.dies(job(bench, kind=DyingJob))
    assert {bench.series: (1,)} == bench.state(bench.series).pending
    outcome = job(bench, pending_only=True).run()
    assert ("success", dead, [dead, dead]) == (outcome.status, outcome.job_id, bench.job_ids())
    assert {} == bench.state(bench.series).pending


def test_what_other_providers_left_is_judged_as_theirs(
    bench: ProviderBench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a job that asks its own provider: a series each, by each one's own reader and basis."""
    others = [name for name in PROVIDERS if name != bench.provider.name]
    for name in others:
        (tmp_path / name).mkdir()
        with bench_of(name, tmp_path / name, monkeypatch) as other, monkeypatch.context() as blind:
            # Else it would finish what the one before it left.
            blind.setattr(bench, "state", lambda *_: SeriesState(Held({})))
            bench.dies(bench.job_of(other.provider, kind=DyingJob, start=WINDOW.start, end=WINDOW.end))
    dead = bench.job_ids()
    outcome = job(bench).run()
    decided = [event for event in bench.told() if isinstance(event, ValidationCompleted)]
    names = [*others, bench.provider.name]
    want = [(name, registry.described(name).basis, SESSIONS) for name in names]
    assert want == [(event.provider, event.basis, event.added) for event in decided]
    assert (dead, names[-1], "success") == (bench.job_ids()[2:4], outcome.provider, outcome.status)


@pytest.mark.parametrize(
    "kept",
    [
        answer(b"<html>no answer</html>"),
        replace(answer(b""), body=b"no stream", body_bytes=7),
        replace(answer(b"day"), sha256=bytes(32)),
    ],
    ids=["another format", "no stream", "other bytes"],
)
def test_evidence_that_cannot_be_read_ends_as_a_failure_of_that_fetch(bench: ProviderBench, kept: Answer) -> None:
    """Recorded once, under the dead job's id; the same run goes on to ask, and no later one meets it again."""
    seq = bench.add(evidence(bench.provider.name, kept), job_id=JOB)
    outcome = job(bench).run()
    assert ("success", [FetchSucceeded, IngestFailed, FetchSucceeded, ValidationCompleted]) == (
        outcome.status,
        bench.types(),
    )
    failure = bench.envelopes()[1]
    assert (seq, JOB) == (failure.cause, failure.job_id)
    assert ("bad-answer", "judge", bench.provider.name) == tuple(
        getattr(bench.told()[1], name) for name in ("error_kind", "stage", "provider")
    )
    assert {} == bench.state(bench.series).pending
    assert "success" == job(bench, pending_only=True).run().status
    assert 4 == len(bench.types())


def test_evidence_that_cannot_be_read_is_an_error_where_nobody_may_be_asked(bench: ProviderBench) -> None:
    """The outcome says which kind, as that of a provider that answers badly does."""
    bench.add(evidence(bench.provider.name, answer(b"?")), job_id=JOB)
    outcome = job(bench, pending_only=True).run()
    assert ("error", [FetchSucceeded, IngestFailed]) == (outcome.status, bench.types())
    assert isinstance(outcome.error, EvidenceError)
    assert "bad-answer" == outcome.error.kind


def test_the_log_entry_of_such_evidence_is_an_error(bench: ProviderBench) -> None:
    """One entry, at the fetch's seq, and one failure in the metrics with the fetch's own duration."""
    seq = bench.add(evidence(bench.provider.name, answer(b"?")), job_id=JOB)
    job(bench, pending_only=True).run()
    state = view_at(bench.log, bench.log.head().size).state
    (entry,) = ingest_logs.entries(state["ingest_logs"])
    assert (seq, "error", "bad-answer", True) == (entry.seq, entry.status, entry.error_kind, entry.failed)
    (measured,) = metrics.measured(state["metrics"])
    found = measured.measures
    assert (seq, "error", 1, (2000,)) == (found.seq, found.status, found.consecutive_failures, found.durations_ms)


def test_evidence_of_a_provider_that_is_not_known_ends_the_same_way(bench: ProviderBench) -> None:
    """Older software met a newer one's answer: the run goes on without it."""
    bench.add(evidence("unheard-of", answer(b"?")), job_id=JOB)
    outcome = job(bench).run()
    assert ("success", [FetchSucceeded, IngestFailed, FetchSucceeded, ValidationCompleted]) == (
        outcome.status,
        bench.types(),
    )
    assert "got provider unheard-of, want one of " in bench.told()[1].message


def test_an_answer_that_its_own_reader_refuses_is_recorded_and_refused(
    bench: ProviderBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that hands over what it cannot read again fails its job, not every later one."""
    fetch = bench.provider.fetch

    def careless(ticker: str, window: object, *, timeout_s: float) -> object:
        return replace(fetch(ticker, window, timeout_s=timeout_s), answer=answer(b"?"))

    monkeypatch.setattr(bench.provider, "fetch", careless)
    outcome = job(bench).run()
    assert ("error", 2, [FetchSucceeded, IngestFailed]) == (outcome.status, outcome.seq, bench.types())
    assert isinstance(outcome.error, EvidenceError)


def test_every_provider_can_be_probed(bench: ProviderBench) -> None:
    """A cheap question, answered well."""
    assert None is bench.provider.probe(timeout_s=5).error_kind


def test_a_provider_that_nobody_has_is_an_error() -> None:
    """The names that there are are named."""
    with pytest.raises(
        UnknownProviderError, match="got provider brapi, want one of manual, b3, yfinance, cotahist, sample"
    ):
        registry.described("brapi")
