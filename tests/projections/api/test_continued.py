"""Prices under several codes are joined on the newest one's scale, exactly, by what was recorded until the position."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import partial

import pytest

from ledger.errors import NothingToShowError
from ledger.events import SeriesRetired
from ledger.market.series import Series
from ledger.values import Action, Bar
from projections.api.continued import codes, continued
from projections.api.ledger import Ledger
from projections.api.rows import AdjustedPrice
from projections.fold.folding import replayed
from projections.models.retirements import Retirement
from projections.queries.adjusted import AS_USUAL
from projections.store.registry import ALL
from projections.store.store import View
from tests.projections.story import PROVIDER, Story, bar, day
from tests.support.actions import paid, parted

OLD, NEW, NEWEST = "VIIA3.SA", "BHIA3.SA", "CASA3.SA"


def held(story: Story, ticker: str, bars: Mapping[int, int], actions: tuple[Action, ...] = ()) -> None:
    """Record the closes by number of day, in reais."""
    rows: list[Bar] = [bar(number, close * 1_000_000) for number, close in bars.items()]
    story.decided(story.fetched(ticker), ticker, bars=rows, actions=actions)


def ended(story: Story, ticker: str, number: int, into: str, ratio: tuple[int, int] | None = None) -> None:
    """Record that the ticker goes on as `into` after day `number`."""
    new, old = ratio or (None, None)
    story.add(
        SeriesRetired(
            ticker=ticker, on=day(number), into=into, numerator=new, denominator=old, reason="x", undone=False
        )
    )


def joined(story: Story, ticker: str, position: int | None = None) -> list[tuple[str, int, Decimal, int, float]]:
    """Return (code, number of day, close, volume, adjusted close) of each row."""
    _, state = replayed(story.log.read(), ALL)
    reached = story.log.head().size if position is None else position
    made = partial(continued, state, ticker, reached, chosen=lambda name: Series(name, PROVIDER))
    plain = [(row.ticker, (row.date - day(0)).days, row.close, row.volume) for row in made(adjusting=None)]
    adjusted = [row.adj_close for row in made(adjusting=AS_USUAL) if isinstance(row, AdjustedPrice)]
    return [(*row, adj) for row, adj in zip(plain, adjusted, strict=True)]


def test_a_mere_change_of_codes_changes_no_price() -> None:
    """One for one, asked for under either code; sessions of the old code after its end are left out."""
    story = Story()
    held(story, OLD, {0: 10, 1: 11, 2: 99})
    held(story, NEW, {1: 98, 2: 12})
    ended(story, OLD, 1, NEW)
    expected = [(OLD, 0, Decimal(10), 100, 10.0), (OLD, 1, Decimal(11), 100, 11.0), (NEW, 2, Decimal(12), 100, 12.0)]
    assert expected == joined(story, OLD) == joined(story, NEW)


def test_a_ratio_scales_prices_one_way_and_volumes_the_other() -> None:
    """Three new shares for ten old ones: a price of 3 was one of 10."""
    story = Story()
    held(story, OLD, {0: 3})
    held(story, NEW, {1: 10})
    ended(story, OLD, 0, NEW, (3, 10))
    assert [(OLD, 0, Decimal(10), 30, 10.0), (NEW, 1, Decimal(10), 100, 10.0)] == joined(story, NEW)


def test_splits_and_payments_since_reach_back_to_the_older_code() -> None:
    """A provider adjusts what it has under the new code for a split of it, and knows nothing of the old one.

    Two for one on day 2: 20.00 was 10.00 of today's. R$ 1 on day 3, of a last close of 8: an eighth less before it.
    """
    story = Story()
    held(story, OLD, {0: 20})
    held(story, NEW, {1: 10, 2: 8, 3: 7}, (parted(day(2), 2, 1), paid(day(3), 1_000_000)))
    ended(story, OLD, 0, NEW)
    expected = [
        (OLD, 0, Decimal(10), 200, 8.75),
        (NEW, 1, Decimal(10), 100, 8.75),
        (NEW, 2, Decimal(8), 100, 7.0),
        (NEW, 3, Decimal(7), 100, 7.0),
    ]
    assert expected == joined(story, NEW)


def test_a_payment_on_the_first_day_of_the_new_code_is_one_of_the_last_close_before() -> None:
    """R$ 2 of 20: a tenth."""
    story = Story()
    held(story, OLD, {0: 20})
    held(story, NEW, {1: 18}, (paid(day(1), 2_000_000),))
    ended(story, OLD, 0, NEW)
    assert [18.0, 18.0] == [adj for *_, adj in joined(story, NEW)]


def test_three_codes_are_joined_from_the_middle_one() -> None:
    """Ratios multiply."""
    story = Story()
    held(story, OLD, {0: 1})
    held(story, NEW, {1: 2})
    held(story, NEWEST, {2: 20})
    ended(story, OLD, 0, NEW, (1, 2))
    ended(story, NEW, 1, NEWEST, (1, 10))
    assert [(OLD, Decimal(20)), (NEW, Decimal(20)), (NEWEST, Decimal(20))] == [
        (code, close) for code, _, close, *_ in joined(story, NEW)
    ]


def test_what_was_recorded_later_joins_nothing_before() -> None:
    """As of the position before the record there is one code."""
    story = Story()
    held(story, OLD, {0: 10})
    held(story, NEW, {1: 11})
    before = story.log.head().size
    ended(story, OLD, 0, NEW)
    assert [NEW] == [code for code, *_ in joined(story, NEW, before)]
    story.retired(OLD, on=day(0), into=NEW, undone=True)
    assert [NEW] == [code for code, *_ in joined(story, NEW)]


def test_two_codes_that_go_on_as_one_are_joined_only_under_their_own() -> None:
    """A merger: the history of the new code is nobody's alone."""
    ends = {ticker: Retirement(ticker, date(2026, 1, 5), NEWEST, 1, 1, "merged") for ticker in (OLD, NEW)}
    assert [OLD, NEWEST] == codes(ends, OLD)
    with pytest.raises(NothingToShowError, match="which all go on as"):
        codes(ends, NEWEST)


def test_a_code_without_sessions_to_join_is_refused() -> None:
    """Nothing is on no scale."""
    story = Story()
    held(story, OLD, {2: 10})
    held(story, NEW, {3: 10})
    ended(story, OLD, 1, NEW)
    with pytest.raises(NothingToShowError, match="to join"):
        joined(story, NEW)


def test_the_programming_interface_joins_them_too() -> None:
    """Asked for under either code, adjusted and not, within days, and as of before the change was recorded."""
    story = Story()
    held(story, OLD, {0: 10, 1: 11})
    held(story, NEW, {2: 60, 3: 66}, (paid(day(3), 6_000_000),))
    before = story.log.head().size
    ended(story, OLD, 1, NEW, (1, 5))
    head, state = replayed(story.log.read(), ALL)
    ledger = Ledger(story.log, View(head, state), order=(PROVIDER,))
    for name in (OLD, "bhia3"):
        rows = ledger.prices(name, continued=True).rows()
        assert [(OLD, 50), (OLD, 55), (NEW, 60), (NEW, 66)] == [(row.ticker, row.close) for row in rows]
        within = ledger.prices(name, continued=True, start=day(1), end=day(2)).rows()
        assert rows[1:3] == within
        adjusted = ledger.prices(name, continued=True, adjusted=True).rows()
        assert [45.0, 49.5, 54.0, 66.0] == [row.adj_close for row in adjusted]
    assert ledger.prices(NEW).rows() == ledger.prices(NEW, continued=True, as_of=before - 1).rows()
    with pytest.raises(NothingToShowError, match="no series of"):
        ledger.prices(NEW, continued=True, source="nobody")
