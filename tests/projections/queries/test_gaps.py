"""Gaps are what the calendar has and the series has not."""

from datetime import date
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ledger.market.sessions import sessions
from ledger.values import Bar, Window
from projections.queries.gaps import DueSessions, Gap, gaps
from tests.projections.verdicts import SERIES, Verdicts, bar, day, instant


def test_a_gap_says_since_when_and_how_often_it_was_asked_for() -> None:
    """A day after the last one held is behind, and nobody may have asked for it yet."""
    verdicts = Verdicts()
    verdicts.add(instant(4), (0, 6), [bar(0), bar(2), bar(4)], rejected=(day(3),))
    verdicts.add(instant(7), (2, 7))
    expected = [
        gap(1, asked=1, since=instant(4), last_asked=instant(4), behind=False),
        gap(3, asked=2, since=instant(4), last_asked=instant(7), behind=False),
        gap(7, asked=1, since=instant(7), last_asked=instant(7)),
        gap(8),
    ]
    assert expected == list(gaps(verdicts.tables(), SERIES, DueSessions(day(8))))


def test_an_answer_that_was_rejected_as_a_whole_was_asked_for() -> None:
    """It stands beside those that were accepted; one that its job set aside for a wider one stands nowhere."""
    verdicts = Verdicts()
    verdicts.add(instant(1), (0, 1), [bar(0)])
    verdicts.add(instant(2), (1, 2), verdict="rejected", rejected=(day(1), day(2)))
    verdicts.add(instant(3), (2, 3), verdict="rejected", rejected=(day(2), day(3)))
    verdicts.add(instant(4), (4, 4), verdict="superseded")
    expected = [
        gap(1, asked=1, since=instant(1), last_asked=instant(1), rejected_answers=1, last_rejected=instant(2)),
        gap(2, rejected_answers=2, last_rejected=instant(3)),
        gap(3, rejected_answers=1, last_rejected=instant(3)),
        gap(4),
    ]
    assert expected == list(gaps(verdicts.tables(), SERIES, DueSessions(day(4))))


def test_sessions_that_were_due_before_the_first_one_held_are_missing() -> None:
    """A first answer that held its last row only."""
    verdicts = Verdicts()
    verdicts.add(instant(4), (0, 4), [bar(3)])
    asked = {"asked": 1, "since": instant(4), "last_asked": instant(4)}
    expected = [*(gap(n, behind=False, **asked) for n in (1, 2)), gap(4, **asked)]
    assert expected == list(gaps(verdicts.tables(), SERIES, DueSessions(day(4), since=day(1))))
    assert expected[2:] == list(gaps(verdicts.tables(), SERIES, DueSessions(day(4))))
    assert expected[2:] == list(gaps(verdicts.tables(), SERIES, DueSessions(day(4), since=day(4))))


def gap(number: int, **fields: Any) -> Gap:
    """Return the gap on day `number`: nothing is held after it and nobody asked, unless `fields` say otherwise."""
    unasked = Gap(
        date=day(number),
        asked=0,
        since=None,
        last_asked=None,
        rejected=False,
        rejected_answers=0,
        last_rejected=None,
        behind=True,
    )
    return msgspec.structs.replace(unasked, **fields)


def test_nothing_held_lacks_nothing() -> None:
    """Nobody knows when the series begins."""
    verdicts = Verdicts()
    verdicts.add(instant(4), (0, 4))
    assert [] == list(gaps(verdicts.tables(), SERIES, DueSessions(day(4))))


def test_days_outside_the_calendar_are_no_gaps() -> None:
    """Holidays are not known there."""
    verdicts = Verdicts()
    early, late = (Bar(on, 1, 1, 1, 1, None, 1) for on in (date(1997, 12, 29), date(1998, 1, 5)))
    verdicts.add(instant(0), (0, 0), [early, late])
    found = [gap.date for gap in gaps(verdicts.tables(), SERIES, DueSessions(late.date))]
    assert [date(1998, 1, 2)] == found


@given(st.sets(st.integers(0, 30), min_size=1), st.integers(0, 40))
def test_held_and_missing_together_are_the_sessions(numbers: set[int], until: int) -> None:
    """From the first day held to the last one asked about."""
    verdicts = Verdicts()
    within = sorted(number for number in numbers if day(number).weekday() < 5) or [0]
    verdicts.add(instant(31), (0, 30), [bar(number) for number in within])
    missing = {gap.date for gap in gaps(verdicts.tables(), SERIES, DueSessions(day(until)))}
    held = {day(number) for number in within}
    assert missing | held == {*sessions(Window(min(held), max(*held, day(until)))), *held}
    assert set() == missing & held
