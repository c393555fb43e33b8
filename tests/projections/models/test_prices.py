"""Prices by day and by position, against a reference that folds decisions into a dict."""

from datetime import date

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.codec import decode_envelope, decode_event
from ledger.events import ValidationCompleted
from ledger.ingest.rules.held import Held
from ledger.log_source import LogSource
from ledger.market.series import Series
from ledger.values import Bar
from projections.fold.folding import replayed
from projections.fold.tables import Tables
from projections.models.prices import (
    Prices,
    Version,
    actions,
    all_series,
    bars,
    held,
    holding,
    on_day,
    tickers,
    versions,
)
from tests.projections.story import PROVIDER, TICKERS, Story, bar, day, told
from tests.support.actions import paid, parted

T = TICKERS[0]


def prices(log: LogSource) -> Tables:
    """Return the tables after all of `log`."""
    return replayed(log.read(), [Prices()])[1]["prices"]


def reference(log: LogSource, ticker: str, position: int) -> dict[date, Bar]:
    """Return the series as the decisions before `position` leave it, one dict update each."""
    held_then: dict[date, Bar] = {}
    for record in log.read(0, position):
        event = decode_event(decode_envelope(record.seq, record.body))
        if isinstance(event, ValidationCompleted) and event.ticker == ticker:
            held_then |= {one.date: one for one in event.bars}
    return held_then


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(st.integers(0, 999), max_size=40), st.integers(0, 90))
def test_as_of_equals_the_reference(numbers: list[int], position: int) -> None:
    """For every ticker, at any position, and latest."""
    log = told(numbers)
    tables = prices(log)
    for ticker in TICKERS:
        assert reference(log, ticker, position) == bars(tables, Series(ticker, PROVIDER), position)
        assert reference(log, ticker, log.head().size) == bars(tables, Series(ticker, PROVIDER))
        found = holding(tables, Series(ticker, PROVIDER), position)
        assert reference(log, ticker, position) == {day: version.bar for day, version in found.items()}
        known = [one for one in versions(tables, Series(ticker, PROVIDER)) if one.bar and one.seq < position]
        assert list(found.values()) == [[one for one in known if one.date == day][-1] for day in sorted(found)]
        assert list(found.values()) == [on_day(tables, Series(ticker, PROVIDER), day, position) for day in found]


def test_a_revision_is_a_new_version_and_the_old_one_stays() -> None:
    """Each knows its seq and when the ledger learned it."""
    story = Story()
    first = story.decided(story.fetched(), bars=[bar(0), bar(1)])
    first_at = story.now_us
    second = story.decided(story.fetched(), bars=[bar(1, 11_000_000)])
    tables = prices(story.log)
    expected = [
        Version(date=day(1), seq=first, recorded_at=first_at, bar=bar(1)),
        Version(date=day(1), seq=second, recorded_at=story.now_us, bar=bar(1, 11_000_000)),
    ]
    assert expected == [one for one in versions(tables, Series(T, PROVIDER)) if one.date == day(1)]
    assert expected == [holding(tables, Series(T, PROVIDER), position)[day(1)] for position in (second, second + 1)]
    assert {day(0): bar(0), day(1): bar(1)} == bars(tables, Series(T, PROVIDER), second)
    assert {day(0): bar(0), day(1): bar(1, 11_000_000)} == bars(tables, Series(T, PROVIDER), second + 1)


def test_a_withdrawn_day_keeps_the_row_that_was_held() -> None:
    """The withdrawal is a version without a bar."""
    story = Story()
    story.decided(story.fetched(), bars=[bar(0)])
    seq = story.decided(story.fetched(), withdrawn=(day(0),))
    tables = prices(story.log)
    assert {day(0): bar(0)} == bars(tables, Series(T, PROVIDER))
    assert (seq, None) == [(one.seq, one.bar) for one in versions(tables, Series(T, PROVIDER))][-1]


def test_actions_are_read_as_of_a_position() -> None:
    """A corrected dividend replaces the one that was told before it, from its seq on."""
    story = Story()
    dividend, corrected = paid(day(2), 500_000), paid(day(2), 510_000)
    split = parted(day(1), 2, 1)
    story.decided(story.fetched(), actions=(dividend,))
    story.decided(story.fetched(), actions=(dividend, split))
    seq = story.decided(story.fetched(), actions=(corrected,))
    tables = prices(story.log)
    assert (split, dividend) == actions(tables, Series(T, PROVIDER), seq)
    assert (split, corrected) == actions(tables, Series(T, PROVIDER))
    assert Held(bars={}, actions=(split, corrected), basis="split_adjusted") == held(tables, Series(T, PROVIDER))


def test_tickers_are_those_with_a_version() -> None:
    """A decision that accepted nothing opens no series; a ticker that begins another's name is not it."""
    story = Story()
    story.decided(story.fetched("PETR4.SA"), "PETR4.SA", bars=[bar(0)])
    story.decided(story.fetched("PETR4"), "PETR4", bars=[bar(1)])
    story.decided(story.fetched("VALE3.SA"), "VALE3.SA", verdict="rejected")
    tables = prices(story.log)
    assert ("PETR4", "PETR4.SA") == tickers(tables)
    assert (Series("PETR4", PROVIDER),) == all_series(tables, "PETR4")
    assert {day(1): bar(1)} == bars(tables, Series("PETR4", PROVIDER))
