"""What a decision commits to: states before and after it, under the threshold that it was made by."""

import msgspec
import pytest

from ledger.events import ValidationCompleted
from ledger.ingest.rules.commitment import committed
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.judge import judge
from ledger.market.series import Series
from ledger.market.series_state import leaves_of, state
from tests.ledger.ingest.answers import TICKER, bar, evidence, held, run_of
from tests.support.actions import paid

SERIES = Series(TICKER, "yfinance")
ROWS = run_of((10, 10.1, 10.2))


def decided(before: Held) -> ValidationCompleted:
    """Return the decision over the rows."""
    decision = judge(evidence(ROWS), before, basis="split_adjusted", exchange="SAO")
    assert isinstance(decision, ValidationCompleted)
    return decision


@pytest.mark.parametrize("verdict", ["rejected", "superseded"])
def test_a_decision_that_accepts_nothing_leads_to_what_it_finds(verdict: str) -> None:
    """Whatever it carries."""
    before = held(run_of((10, 10.1)))
    decision = committed(msgspec.structs.replace(decided(before), verdict=verdict), before, threshold_percent=10)
    assert decision.before == decision.after
    assert decision.before == state(SERIES, "split_adjusted", leaves_of(before.bars.values()), ())


def test_what_it_finds_is_under_the_basis_of_the_decision_before_it() -> None:
    """So that `before` is `after` of that one, whatever this one's basis is."""
    before = Held({ROWS[0].date: bar(ROWS[0])}, (paid(ROWS[0].date, 5),), basis="as_traded")
    decision = decided(before)
    leaves = leaves_of(before.bars.values())
    assert decision.before == state(SERIES, "as_traded", leaves, before.actions)
    after = leaves_of(bar(row) for row in ROWS)
    assert decision.after == state(SERIES, "split_adjusted", after, before.actions)


def test_the_threshold_is_a_float_of_64_bits() -> None:
    """A whole number of percent too: a stranger reads one type."""
    stored = msgspec.msgpack.encode(decided(Held({})))
    assert b"threshold_percent\xcb" in stored
