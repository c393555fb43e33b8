"""A time names the events recorded at or before it."""

import pytest

from projections.position import position_at
from tests.projections.story import EPOCH_US, SECOND_US, Story


@pytest.mark.parametrize(
    ("after_us", "expected"),
    [(0, 0), (10 * SECOND_US - 1, 0), (10 * SECOND_US, 1), (20 * SECOND_US - 1, 1), (40 * SECOND_US, 4), (10**15, 4)],
)
def test_position_at(after_us: int, expected: int) -> None:
    """One microsecond before an event leaves it out."""
    story = Story()
    for _ in range(3):
        story.failed()
    assert expected == position_at(story.log, EPOCH_US + after_us)
