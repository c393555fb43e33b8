"""Recorded evidence under the rules, by its own provider's reader, basis and exchange code. Pure."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.foreseen import UnforeseenError, foreseen
from ledger.ingest.providers import registry
from ledger.ingest.providers.port import BodyError, ProviderError
from ledger.ingest.providers.registry import UnknownProviderError
from ledger.ingest.rules import judge
from ledger.ingest.rules.held import Held, Reach
from ledger.ingest.rules.scale import WholeRangeNeeded
from ledger.market.series import Series


class EvidenceError(ProviderError):
    """Evidence is recorded that cannot be judged: a body in no format of its provider's, no provider of that name.

    Its kind is `internal` where what was wrong was not foreseen.
    """


def judged(
    fetch: FetchSucceeded,
    held: Held,
    *,
    threshold_percent: float,
    more: Callable[[Series, Reach], Held] | None = None,
) -> ValidationCompleted | WholeRangeNeeded:
    """Return the decision over `fetch`, or the wider window without which it would mix two scales.

    `held` is what the ledger holds of the series that `fetch` is of; `more` is asked for it where that does not reach
    as far as the rules look.

    Raises: EvidenceError, also for what nobody foresaw: evidence that breaks its reader would break it in every run
    to come; ShortageError, after which it can be judged again; what `more` raises.
    """
    with _reading(fetch):
        provider = registry.described(fetch.provider)
        reading = registry.reading(fetch)
        reach = judge.reach(fetch, basis=provider.basis, reading=reading)
    # Outside the blocks: what goes wrong here is no fault of the evidence.
    if more is not None and not held.reaches(reach):
        held = more(Series(fetch.ticker, fetch.provider), reach)
    with _reading(fetch):
        return judge.judge(
            fetch,
            held,
            basis=provider.basis,
            exchange=provider.exchange,
            reading=reading,
            threshold_percent=threshold_percent,
        )


@contextmanager
def _reading(fetch: FetchSucceeded) -> Iterator[None]:
    try:
        with foreseen("judge"):
            try:
                yield
            except (BodyError, UnknownProviderError) as error:
                raise EvidenceError("bad-answer", str(error), request=fetch.request, answer=fetch.answer) from error
    except UnforeseenError as error:
        raise EvidenceError("internal", str(error), request=fetch.request, answer=fetch.answer) from error


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
    """Return the decision that sets `fetch` aside for a wider one."""
    basis = registry.described(fetch.provider).basis
    return judge.superseded(fetch, held, basis=basis, threshold_percent=threshold_percent)
