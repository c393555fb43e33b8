"""Evidence judged by the provider that it is from, and what becomes of it when it cannot be read."""

import pytest
from msgspec.structs import replace

from ledger.errors import MemoryShortageError
from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.ingest.judging import EvidenceError, failure, judged, set_aside
from ledger.ingest.providers import registry
from ledger.ingest.providers.evidence import answer
from ledger.ingest.rules.held import Held
from tests.ledger.ingest.answers import TICKER, evidence, run_of
from tests.ledger.ingest.scripted import EMPTY_CHART

FETCH = replace(evidence(run_of((10, 10.1))), answer=answer(EMPTY_CHART))


def unreadable(fetch: FetchSucceeded) -> EvidenceError:
    """Return the error that judging `fetch` ends with."""
    with pytest.raises(EvidenceError) as caught:
        judged(fetch, Held({}), threshold_percent=10)
    return caught.value


@pytest.mark.parametrize(("provider", "basis"), [("yfinance", "split_adjusted"), ("sample", "split_adjusted")])
def test_the_basis_is_that_of_the_provider_named_in_the_evidence(provider: str, basis: str) -> None:
    """In the decision, and in the one that sets the evidence aside."""
    fetch = replace(FETCH, provider=provider)
    decision = judged(fetch, Held({}), threshold_percent=10)
    assert isinstance(decision, ValidationCompleted)
    aside = set_aside(fetch, Held({}), threshold_percent=10)
    assert (basis, basis, "superseded") == (decision.basis, aside.basis, aside.verdict)


def test_the_exchange_code_is_the_providers_own() -> None:
    """What Yahoo calls B3 is another provider's foreign exchange: rule IDENTITY rejects any other code."""
    decision = judged(replace(FETCH, identity=replace(FETCH.identity, exchange="BVMF")), Held({}), threshold_percent=10)
    assert isinstance(decision, ValidationCompleted)
    assert ["got exchange BVMF, want SAO"] == [finding.detail for finding in decision.rejected]


def test_a_body_that_cannot_be_read_is_a_bad_answer_with_the_answer_kept() -> None:
    """The reader's own words say what is wrong with it."""
    kept = answer(b"day,open")
    error = unreadable(replace(FETCH, answer=kept))
    assert ("bad-answer", FETCH.request, kept) == (error.kind, error.request, error.answer)
    assert error.message.startswith("got a body that is no chart")


def test_a_reader_that_breaks_is_internal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recorded as what becomes of the evidence: in the next run it would break the reader again."""

    def breaks(*_: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(registry, "reading", breaks)
    error = unreadable(FETCH)
    assert ("internal", "got RecursionError: too deep, want none") == (error.kind, error.message)
    assert ("judge", "internal") == (failure(FETCH, error).stage, failure(FETCH, error).error_kind)


def test_evidence_that_lacked_memory_can_be_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shortage says nothing of the evidence."""

    def lacks(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(registry, "reading", lacks)
    with pytest.raises(MemoryShortageError):
        judged(FETCH, Held({}), threshold_percent=10)


def test_the_failure_repeats_the_fetch_it_is_of() -> None:
    """Its times are the fetch's, so whoever records it years later changes no duration."""
    error = unreadable(replace(FETCH, provider="unheard-of"))
    assert IngestFailed(
        ticker=TICKER,
        provider="yfinance",
        attempt=1,
        started_at=FETCH.started_at,
        finished_at=FETCH.finished_at,
        stage="judge",
        error_kind="bad-answer",
        message="got provider unheard-of, want one of manual, b3, yfinance, cotahist, sample",
    ) == failure(FETCH, error)
