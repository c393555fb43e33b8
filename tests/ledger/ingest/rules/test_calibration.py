"""Days on which B3's prices really stepped: what the rules say of each, with its action known and without."""

import pytest
from msgspec.structs import replace

from ledger.events import ValidationCompleted
from ledger.ingest.rules.catalogue import SPLIT_SIZES
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.judge import judge
from ledger.values import Basis, RawAction
from tests.ledger.ingest.answers import evidence, run_of, session

BEFORE, CLOSE = 11.0, 12.5  # invented: only the size of the step is genuine
STEP = session(2)
GROUPING_10 = RawAction(STEP, "split", 0.1)
SPLIT_2 = RawAction(STEP, "split", 2.0)
DIVIDEND = RawAction(STEP, "dividend", 0.6)


def flags(change: float, *actions: RawAction, basis: Basis = "as_traded") -> list[str]:
    """Return what is flagged where the close of the third session is `change` times that of the second."""
    answer = evidence(run_of((BEFORE, CLOSE, CLOSE * change, CLOSE * change * 1.01)), actions)
    decision = judge(answer, Held({}), basis=basis, exchange=None)
    assert isinstance(decision, ValidationCompleted)
    assert {STEP} >= {finding.date for finding in decision.flagged if finding.rule != "ADJ"}
    return [finding.rule for finding in decision.flagged if finding.rule != "ADJ"]


@pytest.mark.parametrize(
    ("change", "action", "expected"),
    [
        pytest.param(9.96, GROUPING_10, ["JUMP", "SPLIT_SUSPECT"], id="MGLU3 2024-05-27 +896%, 10 into 1"),
        pytest.param(0.494, SPLIT_2, ["JUMP", "SPLIT_SUSPECT"], id="BBAS3 2024-04-16 -50.6%, 1 into 2"),
        pytest.param(0.951, DIVIDEND, [], id="VALE3 2024-03-12 and PETR4 2024-06-12 -4.9%, ex dividend"),
    ],
)
def test_a_genuine_step_is_explained_by_its_action_alone(change: float, action: RawAction, expected: list[str]) -> None:
    """As traded: unknown it is flagged where it is large, known it is not."""
    assert (expected, []) == (flags(change), flags(change, action))


@pytest.mark.parametrize(
    ("change", "action", "adjusted"), [(9.96, GROUPING_10, 0.996), (0.494, SPLIT_2, 0.988), (0.951, DIVIDEND, 0.951)]
)
def test_on_a_split_adjusted_series_the_same_days_are_quiet(change: float, action: RawAction, adjusted: float) -> None:
    """And a split that the provider forgot to adjust for is not."""
    assert [] == flags(adjusted, action, basis="split_adjusted")
    forgotten = [] if change == adjusted else ["JUMP", "SPLIT_SUSPECT"]
    assert forgotten == flags(change, action, basis="split_adjusted")


@pytest.mark.parametrize("size", SPLIT_SIZES)
@pytest.mark.parametrize(("off", "suspect"), [(1.049, True), (1.051, False)])
def test_every_size_of_split_is_suspected_within_5_percent(size: int, off: float, *, suspect: bool) -> None:
    """Up and down, just inside and just outside."""
    for change in (size * off, 1 / (size * off)):
        assert suspect is ("SPLIT_SUSPECT" in flags(change))


@pytest.mark.parametrize(
    ("opened", "suspect"),
    [(1 / 1.1, True), (1 / (1.1 * 1.032), True), (1 / (1.1 * 1.0325), False), (1.0, False), (1.1, False)],
)
def test_a_small_split_is_suspected_from_the_open_on(opened: float, *, suspect: bool) -> None:
    """A step of 10 % by the close alone is a day like others; a history that was not adjusted steps over night."""
    rows = list(run_of((BEFORE, CLOSE, CLOSE / 1.1, CLOSE / 1.1 * 1.01)))
    first = CLOSE * opened
    rows[2] = replace(rows[2], open=first, high=max(rows[2].high, first), low=min(rows[2].low, first))
    answer = evidence(rows, [RawAction(STEP, "split", 1.1)])
    decision = judge(answer, Held({}), basis="split_adjusted", exchange=None)
    assert isinstance(decision, ValidationCompleted)
    assert suspect is (("SPLIT_SUSPECT", STEP) in [(one.rule, one.date) for one in decision.flagged])
