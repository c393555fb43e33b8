"""Judges evidence again by the rules that a decision names, so that a new version of them hollows out no old ledger."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from ledger.codec import UNDECODABLE, Envelope, decode_as
from ledger.errors import DamagedError
from ledger.events import FetchSucceeded, IngestFailed, ValidationCompleted
from ledger.foreseen import UnforeseenError, foreseen
from ledger.ingest.providers import registry
from ledger.ingest.rules import catalogue, judge
from ledger.ingest.rules.held import Held, Reach
from ledger.ingest.rules.reading import Reading
from ledger.ingest.rules.scale import WholeRangeNeeded
from ledger.ingest.rules.v1 import catalogue as v1
from ledger.ingest.rules.v1 import judge as judge_v1
from ledger.market.series import Series
from ledger.values import Action, Count
from projections.audit.departures import DepartureError, NotDerivedError, check_canonical


class ReadEvidence(NamedTuple):
    """An answer, and what its provider's reader makes of it; None where it cannot read it, for the reason `unread`."""

    fetch: FetchSucceeded
    reading: Reading | None
    unread: str = ""


class MadeOn(msgspec.Struct, frozen=True):
    """What a decision says it was made on: a series, under rules of a version, and a percentage where it names one."""

    ticker: str
    provider: str
    rules_version: Count
    threshold_percent: float | None = None

    @property
    def series(self) -> Series:
        """The series that is decided on."""
        return Series(self.ticker, self.provider)


_decode_made_on = msgspec.msgpack.Decoder(MadeOn).decode


def made_on(envelope: Envelope) -> MadeOn:
    """Return the terms of the decision in `envelope`, of whichever version.

    Raises: DamagedError.
    """
    try:
        return _decode_made_on(envelope.data)
    except UNDECODABLE as error:
        raise DamagedError(envelope.seq, "data", expected=envelope.type, found=str(error)) from error


def are_current(envelope: Envelope, made: MadeOn) -> bool:
    """Return whether the decision in `envelope` is one that this version would write.

    Raises: DepartureError for one that does not say what it was judged under.
    """
    if made.rules_version != catalogue.RULES_VERSION:
        return False
    if made.threshold_percent is None:
        raise DepartureError("threshold_percent", "none", "the percentage that it was judged under")
    return envelope.type == ValidationCompleted.TAG


def by_older_rules(envelope: Envelope, found: ReadEvidence, held: Held) -> tuple[ValidationCompleted, ...]:
    """Return the decision in `envelope` and the one that the same evidence and series lead to, by rules before these.

    Raises: DepartureError; NotDerivedError for rules that this version does not have.
    """
    recorded, reading = decode_as(envelope, ValidationCompleted), readable(found)
    if recorded.rules_version == v1.RULES_VERSION:
        provider = registry.described(found.fetch.provider)
        derived = judge_v1.judge(
            found.fetch,
            held,
            basis=provider.basis,
            # It read the bodies of those alone that it could ask.
            body_rows=() if provider.brought_by_hand else reading.rows,
            threshold_percent=judge_v1.threshold_of(recorded),
        )
        if _stand_alike(recorded.actions, derived.actions):
            # Splits of one day came in the order of a set, which differed per run.
            derived = replace(derived, actions=recorded.actions)
        return recorded, derived
    check_canonical(recorded, reading)
    raise NotDerivedError(f"rules {recorded.rules_version}, of which this version has no judge")


def _stand_alike(recorded: Sequence[Action], derived: Sequence[Action]) -> bool:
    """Return whether either may be the other to rules of version 1, which tell splits of one day apart by nothing."""
    places = [[(one.ex_date, one.kind, one.amount) for one in actions] for actions in (recorded, derived)]
    return places[0] == places[1] and Counter(recorded) == Counter(derived)


def reach(found: ReadEvidence) -> Reach:
    """Return how much of the series as it stood is looked at."""
    basis = registry.described(found.fetch.provider).basis
    return judge.reach(found.fetch, basis=basis, reading=readable(found))


def judged(found: ReadEvidence, held: Held, threshold_percent: float) -> ValidationCompleted:
    """Return the decision that the evidence leads to, but for the states of its series."""
    fetch = found.fetch
    provider = registry.described(fetch.provider)
    derived = judge.uncommitted(
        fetch,
        held,
        basis=provider.basis,
        exchange=provider.exchange,
        reading=readable(found),
        threshold_percent=threshold_percent,
    )
    # What would mix two scales is set aside for a wider answer.
    return judge.nothing_of(fetch, provider.basis) if isinstance(derived, WholeRangeNeeded) else derived


def check_failure(recorded: IngestFailed, found: ReadEvidence, held: Held) -> None:
    """Return quietly when the evidence cannot be judged still.

    Raises: NotDerivedError when it can.
    """
    try:
        with foreseen("judge"):
            judged(found, held, catalogue.THRESHOLD_PERCENT)
    except UnforeseenError:
        return
    raise NotDerivedError(f"evidence that failed as {recorded.error_kind}, and can be judged by this version")


def readable(found: ReadEvidence) -> Reading:
    """Return what the answer says.

    Raises: NotDerivedError where its provider's reader cannot read it.
    """
    if found.reading is None:
        raise NotDerivedError(found.unread)
    return found.reading
