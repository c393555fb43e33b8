"""What is passed over as plain is what no rule finds anything in."""

from datetime import date

from hypothesis import given as for_all
from hypothesis import strategies as st

from ledger.ingest.rules import catalogue, series_rules
from ledger.ingest.rules.row_rules import idle
from ledger.ingest.rules.series_rules import JudgedSeries
from ledger.ingest.rules.sifting import PLAIN_FACTOR, PLAIN_PART, Sifted, sift
from ledger.values import Action, Bar, RawBar
from tests.ledger.ingest.answers import session
from tests.support.actions import paid, parted

REAL = 1_000_000
NEAR = st.sampled_from([REAL, 1_000_049, 1_000_051, 1_000_101, 1_249_999, 1_250_001, 1_300_000, 1_300_001, 2 * REAL])
FAR = st.sampled_from([1, 10_000, 100 * REAL, 1_900_000, 5 * REAL])
PRICES = NEAR | FAR
ADJUSTED = st.sampled_from([None, 0, -1, 1, REAL, 999_950, 999_900, 999_000, 500_000]) | PRICES


@st.composite
def bars(draw: st.DrawFn, day: date) -> Bar:
    """Return an accepted session, whose prices are in order."""
    low, *between, high = sorted(draw(st.tuples(PRICES, PRICES, PRICES, PRICES)))
    opened, close = draw(st.permutations(between))
    adjusted = draw(ADJUSTED | st.just(close) | st.just(close))
    return Bar(day, opened, high, low, close, adjusted, draw(st.sampled_from([0, 7, 7, 9])))


@st.composite
def series(draw: st.DrawFn) -> JudgedSeries:
    """Return a series of which any sessions are new, with actions of any days, held or not."""
    days = [session(n) for n in range(draw(st.integers(1, 6)))]
    held = tuple(draw(bars(day)) for day in days)
    places = tuple(sorted(draw(st.sets(st.integers(0, len(days) - 1)))))
    dated = st.sampled_from([*days, session(7)])
    actions = st.one_of(st.builds(paid, dated, st.just(REAL)), st.builds(parted, dated, st.just(2), st.just(1)))
    known: list[Action] = draw(st.lists(actions, max_size=2))
    learned = frozenset(action.ex_date for action in known if draw(st.booleans()))
    fresh = frozenset(days[place] for place in places)
    return JudgedSeries(
        held, fresh, tuple(known), draw(st.sampled_from(["as_traded", "split_adjusted"])), places, learned
    )


@for_all(series(), st.sampled_from([None, 1.0, float("nan")]))
def test_the_rules_find_in_what_is_sifted_what_they_find_in_all_of_it(
    given: JudgedSeries, adjusted: float | None
) -> None:
    """Whatever is new, and however near to the bounds."""
    answered = [RawBar(bar.date, 1.0, 1.0, 1.0, 1.0, adjusted, 1) for bar in given.bars]
    sifted, everything = sift(given.bars, given.places), Sifted.everything(given.bars, given.places)
    one, other = (list(series_rules.flagged(given, each, answered)) for each in (everything, sifted))
    assert one == other
    if not sifted.alike:
        assert [] == [found for traded in (True, False) for found in series_rules.stale(given, traded=traded)]
    assert [place for place in given.places if idle(given.bars[place])] == [*sifted.idle]


def test_a_plain_session_lies_within_every_bound() -> None:
    """So that what is passed over would be found by none."""
    assert min(catalogue.JUMP_FACTOR, *catalogue.SPLIT_SIZES, catalogue.UNIT_FACTOR) > PLAIN_FACTOR
    assert catalogue.ADJ_TOLERANCE > 1 + 1 / PLAIN_PART
    quiet = [Bar(session(n), REAL, REAL, REAL, REAL, REAL, 10 + n) for n in range(5)]
    assert Sifted([], [], [], [], alike=False) == sift(quiet, range(5))
