"""`--since` and `--until` are inclusive: a day is whole, a time is a point."""

import pytest

from cli.context.params import Span
from cli.context.params import span as span_of

MIDNIGHT = 1_770_940_800_000_000  # 2026-02-13T00:00:00Z
DAY_US = 86_400_000_000


@pytest.mark.parametrize(
    ("written", "span"),
    [
        ("2026-02-13", Span(MIDNIGHT, MIDNIGHT + DAY_US - 1)),
        ("2026-02-13T00:00:00Z", Span(MIDNIGHT, MIDNIGHT)),
        ("2026-02-12T21:00:00.000001-03:00", Span(MIDNIGHT + 1, MIDNIGHT + 1)),
    ],
)
def test_a_day_is_whole_and_a_time_is_a_point(written: str, span: Span) -> None:
    """In UTC."""
    assert span == span_of(written)


@pytest.mark.parametrize("written", ["", "13/02/2026", "20260213", "2026-02-30", "2026-02-13T00:00:00", "12"])
def test_anything_else_is_refused(written: str) -> None:
    """A bare number is no day, and a time without an offset is nobody's."""
    with pytest.raises(ValueError, match="got "):
        span_of(written)
