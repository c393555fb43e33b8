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


ONE_YEAR = run_of(tuple(range(10, 40)))  # rows from February on


@pytest.mark.parametrize(
    "places", [(29,), (0,), (7, 8, 29), (3, 12, 20, 28), (0, 1, 29)], ids=["behind", "before", "new", "both", "around"]
)
@pytest.mark.parametrize("lacking", [(), (29,), (0, 29), (0, 8, 20, 29)], ids=["all", "last", "ends", "amid"])
def test_bars_already_encoded_lead_to_the_same_states(places: tuple[int, ...], lacking: tuple[int, ...]) -> None:
    """Wherever a decision puts one: in the place of another, between two, at either end, or in a year of its own."""
    bars = [bar(row) for row in ONE_YEAR]
    have = [one for place, one in enumerate(bars) if place not in lacking]
    put = [msgspec.structs.replace(bars[place], volume=7) for place in places]
    put.append(msgspec.structs.replace(bars[0], date=bars[0].date.replace(year=bars[0].date.year + 1)))
    plain = Held({one.date: one for one in have}, leaves=leaves_of(have), basis="split_adjusted")
    encoded = {bars[0].date.year: [msgspec.msgpack.encode(one) for one in have]}
    known = msgspec.structs.replace(plain, encoded=encoded, state=state(SERIES, "split_adjusted", leaves_of(have), ()))
    decision = msgspec.structs.replace(decided(Held({})), verdict="success", bars=tuple(put))
    want, found = (committed(decision, one, threshold_percent=10) for one in (plain, known))
    assert want == found
    after = sorted(
        ({one.date: one for one in have} | {one.date: one for one in put}).values(), key=lambda one: one.date
    )
    assert found.after == state(SERIES, "split_adjusted", leaves_of(after), ())


def test_bars_that_are_encoded_of_other_days_than_are_held_are_refused() -> None:
    """A place among them would be another one's."""
    bars = [bar(row) for row in ONE_YEAR]
    encoded = {bars[0].date.year: [msgspec.msgpack.encode(one) for one in bars[1:]]}
    before = Held({one.date: one for one in bars}, leaves=leaves_of(bars), basis="split_adjusted", encoded=encoded)
    decision = msgspec.structs.replace(decided(Held({})), verdict="success", bars=(bars[3],))
    with pytest.raises(ValueError, match="got 29 encoded bars, want one for each of 30 days"):
        committed(decision, before, threshold_percent=10)
