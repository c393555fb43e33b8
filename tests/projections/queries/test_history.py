"""What a series held and lacked at each decision."""

import pytest

from projections.queries import history
from projections.queries.history import Missed, Rejections
from tests.projections.verdicts import EVENING, NOON, SERIES, Verdicts, bar, day, instant


def missed(verdicts: Verdicts) -> dict[int, Missed]:
    """Return what is missed after all decisions, by the day's number."""
    coverage = history.coverage(verdicts.tables(), SERIES)
    return {(on - day(0)).days: found for on, found in coverage.missed.items()}


def test_a_session_is_missed_once_an_answer_over_it_lacks_it() -> None:
    """Each further answer counts, and the weekend is never due."""
    verdicts = Verdicts()
    verdicts.add(instant(4), (0, 6), [bar(0), bar(1), bar(3), bar(4)])
    verdicts.add(instant(7), (2, 7), [bar(7)])
    wednesday = Missed(asked=2, since=instant(4), last=instant(7), rejected=False)
    assert {2: wednesday} == missed(verdicts)


@pytest.mark.parametrize(("hour", "expected"), [(18.49, set()), (18.5, {1}), (EVENING, {1})])
def test_todays_session_is_missed_from_1830_on(hour: float, expected: set[int]) -> None:
    """Before, no answer could have brought it."""
    verdicts = Verdicts()
    verdicts.add(instant(1, hour), (0, 1), [bar(0)])
    assert expected == set(missed(verdicts))


def test_a_session_that_was_partial_then_is_not_missed() -> None:
    """Evidence of noon may be judged in the evening, after a crash."""
    verdicts = Verdicts()
    verdicts.add(instant(1), (0, 1), [bar(0)], partial=(day(1),))
    assert {} == missed(verdicts)


def test_a_rejected_row_is_missed_as_rejected() -> None:
    """Until an answer lacks it altogether."""
    verdicts = Verdicts()
    verdicts.add(instant(1), (0, 1), [bar(0)], rejected=(day(1),))
    assert {1: Missed(asked=1, since=instant(1), last=instant(1), rejected=True)} == missed(verdicts)
    verdicts.add(instant(2), (1, 2), [bar(2)])
    assert {1: Missed(asked=2, since=instant(1), last=instant(2), rejected=False)} == missed(verdicts)


@pytest.mark.parametrize("verdict", ["rejected", "superseded"])
def test_nothing_is_missed_by_an_answer_that_was_not_accepted(verdict: str) -> None:
    """What it lacked says nothing of the provider's series."""
    verdicts = Verdicts()
    verdicts.add(instant(2), (0, 2), verdict=verdict)
    assert {} == missed(verdicts)


def test_sessions_of_answers_that_were_rejected_as_a_whole_are_known_until_they_come() -> None:
    """Counted from 18:30 of the session on, as those that are missed."""
    verdicts = Verdicts()
    verdicts.add(instant(1, NOON), (0, 1), verdict="rejected", rejected=(day(0), day(1)))
    verdicts.add(instant(1), (0, 1), verdict="rejected", rejected=(day(0), day(1)))
    early = history.coverage(verdicts.tables(), SERIES).rejected
    assert {day(0): Rejections(2, instant(1)), day(1): Rejections(1, instant(1))} == early
    verdicts.add(instant(2), (0, 2), [bar(0)])
    assert {day(1): Rejections(1, instant(1))} == history.coverage(verdicts.tables(), SERIES).rejected


def test_a_session_that_comes_is_missed_no_longer() -> None:
    """And is held by the version that brought it."""
    verdicts = Verdicts()
    verdicts.add(instant(2), (0, 2), [bar(0), bar(2)])
    late = verdicts.add(instant(3, NOON), (1, 3), [bar(1)], partial=(day(3),))
    coverage = history.coverage(verdicts.tables(), SERIES)
    assert ({}, late) == (coverage.missed, coverage.held[day(1)].seq)


def test_a_standing_as_of_a_position_knows_no_later_decision() -> None:
    """Nor the versions that it made."""
    verdicts = Verdicts()
    verdicts.add(instant(2), (0, 2), [bar(0), bar(2)])
    later = verdicts.add(instant(3), (1, 3), [bar(1), bar(3)])
    coverage = history.coverage(verdicts.tables(), SERIES, later)
    assert ({day(1)}, {day(0), day(2)}) == (set(coverage.missed), set(coverage.held))
