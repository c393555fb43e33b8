"""Judges evidence again by the rules that a decision names, so that a new version of them hollows out no old ledger."""

from typing import NamedTuple

from ledger.codec import Envelope, decode_as
from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.foreseen import UnforeseenError, foreseen
from ledger.ingest.providers import registry
from ledger.ingest.rules import catalogue, judge
from ledger.ingest.rules.held import Held, Reach
from ledger.ingest.rules.reading import Reading
from ledger.ingest.rules.scale import WholeRangeNeeded
from ledger.ingest.rules.v1 import catalogue as v1
from ledger.ingest.rules.v1 import judge as judge_v1
from projections.audit.departures import DepartureError, NotDerivedError, check_canonical


class ReadEvidence(NamedTuple):
    """An answer, and what its provider's reader makes of it; None where it cannot read it, for the reason `unread`."""

    fetch: FetchSucceeded
    reading: Reading | None
    unread: str = ""


def both(envelope: Envelope, found: ReadEvidence, held: Held) -> tuple[ValidationCompleted, ValidationCompleted]:
    """Return the decision in `envelope` and the one that the same evidence and series lead to.

    Raises: DepartureError; NotDerivedError for rules that this version does not have, and evidence that it cannot read.
    """
    recorded = decode_as(envelope, ValidationCompleted)
    if found.reading is None:
        raise NotDerivedError(found.unread)
    if recorded.rules_version == v1.RULES_VERSION:
        provider = registry.described(found.fetch.provider)
        return recorded, judge_v1.judge(
            found.fetch,
            held,
            basis=provider.basis,
            # It read the bodies of those alone that it could ask.
            body_rows=() if provider.brought_by_hand else found.reading.rows,
            threshold_percent=judge_v1.threshold_of(recorded),
        )
    if recorded.rules_version != catalogue.RULES_VERSION:
        check_canonical(recorded, found.reading)
        raise NotDerivedError(f"rules {recorded.rules_version}, of which this version has no judge")
    if recorded.threshold_percent is None:
        raise DepartureError("threshold_percent", "none", "the percentage that it was judged under")
    return recorded, _judged(found, held, recorded.threshold_percent)


def reach(found: ReadEvidence, rules_version: int) -> Reach | None:
    """Return how much of the series as it stood rules of that version look at; None: at all of it."""
    if found.reading is None or rules_version != catalogue.RULES_VERSION:
        return None
    return judge.reach(found.fetch, basis=registry.described(found.fetch.provider).basis, reading=found.reading)


def check_failure(recorded: IngestFailed, found: ReadEvidence, held: Held) -> None:
    """Return quietly when the evidence cannot be judged still.

    Raises: NotDerivedError when it can.
    """
    if found.reading is None:
        return
    try:
        with foreseen("judge"):
            _judged(found, held, catalogue.THRESHOLD_PERCENT)
    except UnforeseenError:
        return
    raise NotDerivedError(f"evidence that failed as {recorded.error_kind}, and can be judged by this version")


def _judged(found: ReadEvidence, held: Held, threshold_percent: float) -> ValidationCompleted:
    fetch, reading = found.fetch, found.reading
    assert reading is not None  # noqa: S101 - asked before
    provider = registry.described(fetch.provider)
    derived = judge.judge(
        fetch,
        held,
        basis=provider.basis,
        exchange=provider.exchange,
        reading=reading,
        threshold_percent=threshold_percent,
    )
    if isinstance(derived, WholeRangeNeeded):
        # What would mix two scales is set aside for a wider answer.
        return judge.superseded(fetch, held, basis=provider.basis, threshold_percent=threshold_percent)
    return derived
