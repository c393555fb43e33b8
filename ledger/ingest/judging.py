"""Recorded evidence under the rules, by its own provider's reader, basis and exchange code. Pure."""

from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.foreseen import UnforeseenError, foreseen
from ledger.ingest.providers import registry
from ledger.ingest.providers.port import BodyError, ProviderError
from ledger.ingest.providers.registry import UnknownProviderError
from ledger.ingest.rules import judge
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.scale import WholeRangeNeeded


class EvidenceError(ProviderError):
    """Evidence is recorded that cannot be judged: a body in no format of its provider's, no provider of that name.

    Its kind is `internal` where what was wrong was not foreseen.
    """


def judged(fetch: FetchSucceeded, held: Held, *, threshold_percent: float) -> ValidationCompleted | WholeRangeNeeded:
    """Return the decision over `fetch`, or the wider window without which it would mix two scales.

    `held` is what the ledger holds of the series that `fetch` is of.

    Raises: EvidenceError, also for what nobody foresaw: evidence that breaks its reader would break it in every run
    to come; ShortageError, after which it can be judged again.
    """
    try:
        with foreseen("judge"):
            return _judged(fetch, held, threshold_percent)
    except UnforeseenError as error:
        raise EvidenceError("internal", str(error), request=fetch.request, answer=fetch.answer) from error


def _judged(fetch: FetchSucceeded, held: Held, threshold_percent: float) -> ValidationCompleted | WholeRangeNeeded:
    try:
        provider = registry.described(fetch.provider)
        rows = registry.rows(fetch.provider, fetch.answer)
    except (BodyError, UnknownProviderError) as error:
        raise EvidenceError("bad-answer", str(error), request=fetch.request, answer=fetch.answer) from error
    return judge.judge(
        fetch,
        held,
        basis=provider.basis,
        exchange=provider.exchange,
        body_rows=rows,
        threshold_percent=threshold_percent,
    )


def failure(fetch: FetchSucceeded, error: EvidenceError) -> IngestFailed:
    """Return what records that `fetch` could not be judged; its times are those of the fetch, whenever it was tried."""
    return IngestFailed(
        ticker=fetch.ticker,
        provider=fetch.provider,
        attempt=fetch.attempt,
        started_at=fetch.started_at,
        finished_at=fetch.finished_at,
        stage="judge",
        error_kind=error.kind,
        message=error.message,
    )


def set_aside(fetch: FetchSucceeded, held: Held, *, threshold_percent: float) -> ValidationCompleted:
    """Return the decision that sets `fetch` aside for a wider one, over what is `held`."""
    basis = registry.described(fetch.provider).basis
    return judge.superseded(fetch, held, basis=basis, threshold_percent=threshold_percent)
