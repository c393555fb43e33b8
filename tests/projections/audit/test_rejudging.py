"""Decisions of older rules are derived by the judge that they had, whatever order a set gave them."""

from itertools import permutations

import msgspec
import pytest
from msgspec.structs import replace

from ledger.codec import Envelope, encode_data
from ledger.events import ValidationCompleted
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.reading import Reading
from ledger.ingest.rules.v1 import judge as judge_v1
from ledger.values import Action, RawAction, Window
from projections.audit.departures import DepartureError, check_decision
from projections.audit.rejudging import ReadEvidence, by_older_rules
from tests.ledger.ingest.answers import TICKER, evidence, run_of, session

DAY = session(3)
SPLITS = [RawAction(DAY, "split", size) for size in (2.0, 3.0, 0.1)]
FOUND = ReadEvidence(
    evidence(run_of([10.0, 10.1, 10.2, 10.1]), SPLITS, window=Window(session(0), session(3))), Reading()
)


def recorded(decision: ValidationCompleted) -> Envelope:
    """Return the decision as the log holds it."""
    data = msgspec.Raw(encode_data(decision))
    return Envelope(2, 0, bytes(16), bytes(16), 1, TICKER, ValidationCompleted.TAG, data)


def derived() -> ValidationCompleted:
    """Return what the judge of version 1 makes of the evidence."""
    return judge_v1.judge(FOUND.fetch, Held({}), basis="split_adjusted", body_rows=(), threshold_percent=10)


@pytest.mark.parametrize("order", [*permutations(range(3))])
def test_splits_of_one_day_stand_as_they_were_recorded(order: tuple[int, ...]) -> None:
    """Rules of version 1 kept them in a set, and sorted by what they have in common."""
    decision = derived()
    assert 3 == len(decision.actions)
    shuffled = replace(decision, actions=tuple(decision.actions[place] for place in order))
    check_decision(*by_older_rules(recorded(shuffled), FOUND, Held({})))


def test_another_split_is_another_decision() -> None:
    """One more, one less, another ratio, or one of them twice."""
    one, two, three = derived().actions
    other = Action(DAY, "split", None, 7, 1, "BRL")
    for actions in ((one, two), (one, two, three, other), (one, two, other), (one, one, three)):
        forged = recorded(replace(derived(), actions=actions))
        with pytest.raises(DepartureError):
            check_decision(*by_older_rules(forged, FOUND, Held({})))
