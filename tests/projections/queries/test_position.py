"""A seq, a day and a time name the events up to it."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.memory_log import MemoryLog
from projections.queries.position import AsOf, UpTo, UpToSeq, UpToTime, position_of, reach
from tests.projections.story import EPOCH_US, SECOND_US, Story
from tests.support.drafts import connection_tested

LAST_OF_DAY_US = 1_771_027_199_999_999  # `date -u -d 2026-02-13T23:59:59 +%s`, and the rest of that second
BRASILIA = timezone(timedelta(hours=-3))


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [
        (7, UpToSeq(7)),
        ("7", UpToSeq(7)),
        (UpToSeq(7), UpToSeq(7)),
        (date(2026, 2, 13), UpToTime(LAST_OF_DAY_US)),
        ("2026-02-13", UpToTime(LAST_OF_DAY_US)),
        (datetime(2026, 2, 14, tzinfo=UTC), UpToTime(LAST_OF_DAY_US + 1)),
        (datetime(2026, 2, 13, 21, tzinfo=BRASILIA), UpToTime(LAST_OF_DAY_US + 1)),
        ("2026-02-13T21:00:00-03:00", UpToTime(LAST_OF_DAY_US + 1)),
    ],
)
def test_a_value_and_its_text_reach_alike(as_of: AsOf, expected: UpTo) -> None:
    """A day to its last microsecond."""
    assert expected == reach(as_of)


@pytest.mark.parametrize(
    ("as_of", "message"),
    [(-1, "got seq -1, want 0 or more"), (datetime(2026, 2, 13), "got 2026-02-13 00:00:00 without an offset")],  # noqa: DTZ001 - what is refused
)
def test_what_reaches_nowhere_is_refused(as_of: AsOf, message: str) -> None:
    """Nobody knows whose clock a time without an offset was read from."""
    with pytest.raises(ValueError, match=message):
        reach(as_of)


@pytest.mark.parametrize(
    ("after_us", "expected"),
    [(0, 0), (10 * SECOND_US - 1, 0), (10 * SECOND_US, 1), (20 * SECOND_US - 1, 1), (40 * SECOND_US, 4), (10**15, 4)],
)
def test_a_time_names_the_events_recorded_until_then(after_us: int, expected: int) -> None:
    """One microsecond before an event leaves it out."""
    story = Story()
    for _ in range(3):
        story.failed()
    assert expected == position_of(story.log, UpToTime(EPOCH_US + after_us))


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(-1, 40))
def test_a_position_counts_what_was_recorded_by_then(gaps: list[int], asked: int) -> None:
    """As counting one by one does; a seq past the end reaches all there is."""
    recorded, clock = [], 0
    log = MemoryLog(now=lambda: clock)
    for number, gap in enumerate(gaps):
        clock += gap
        recorded.append(clock)
        log.append([connection_tested(number)], append_id=bytes([number]) * 16)
    assert sum(at <= asked for at in recorded) == position_of(log, UpToTime(asked))
    assert sum(seq <= asked for seq in range(len(gaps))) == position_of(log, UpToSeq(asked))
