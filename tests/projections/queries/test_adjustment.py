"""Factors are those known at a position."""

from fractions import Fraction

from ledger.market.series import Series
from projections.fold.folding import replayed
from projections.fold.tables import State
from projections.models.instruments import Instruments
from projections.models.prices import Prices
from projections.queries.adjusted import held_factors
from tests.projections.story import PROVIDER, TICKERS, Story, bar, day
from tests.support.actions import paid

SERIES = Series(TICKERS[0], PROVIDER)
PAID = paid(day(2), 1_000_000)  # a tenth of the close before it


def state(story: Story) -> State:
    """Return what the read models hold after all of the story."""
    return replayed(story.log.read(), [Prices(), Instruments()])[1]


def test_an_action_counts_from_the_event_that_told_of_it() -> None:
    """Before it the same sessions were worth what they were traded at."""
    story = Story()
    first = story.decided(story.fetched(), bars=[bar(1), bar(2)])
    second = story.decided(story.fetched(), bars=[bar(3)], actions=(PAID,))
    found = state(story)
    assert {day(1): 1, day(2): 1} == held_factors(found, SERIES, second)
    assert {day(1): Fraction(9, 10), day(2): 1, day(3): 1} == held_factors(found, SERIES)
    assert {} == held_factors(found, SERIES, first)


def test_a_series_without_decisions_has_nothing_to_adjust() -> None:
    """There is no bar, and so no factor."""
    assert {} == held_factors(state(Story()), SERIES)
