"""Microseconds go to text and back without losing one."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.render import times

LAST_US = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999Z


@given(st.integers(min_value=-times.DAY_US * 365 * 1000, max_value=LAST_US))
def test_exact_text_is_parsed_back(at_us: int) -> None:
    """No time is rounded on the way out and in."""
    assert at_us == times.parse(times.exact(at_us))


@given(st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_text_is_the_second_that_datetime_names(moment: datetime) -> None:
    """The fraction is cut off, never rounded up."""
    at_us = int(moment.replace(microsecond=0).timestamp()) * times.SECOND_US + moment.microsecond
    assert moment.replace(microsecond=0).isoformat().replace("+00:00", "Z") == times.text(at_us)


@pytest.mark.parametrize(
    ("written", "at_us"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000001Z", 1),
        ("1969-12-31T21:00:01-03:00", times.SECOND_US),
        ("2026-02-15T12:34:56Z", 1_771_158_896 * times.SECOND_US),
    ],
)
def test_a_time_with_an_offset_is_parsed(written: str, at_us: int) -> None:
    """`Z` and a numeric offset both say whose clock it was."""
    assert at_us == times.parse(written)


@pytest.mark.parametrize(
    "written", ["2026-02-15T12:34:56", "2026-02-15", "yesterday", "", "12:00Z", "2026-13-01T00:00:00Z"]
)
def test_a_time_without_an_offset_is_refused(written: str) -> None:
    """Nobody knows whose clock it was."""
    with pytest.raises(ValueError, match=r"."):
        times.parse(written)


def test_a_day_starts_at_midnight_utc() -> None:
    """`DAY_US` later the next one does."""
    assert [0, times.DAY_US, 20_497 * times.DAY_US] == [
        times.day_start(day) for day in (date(1970, 1, 1), date(1970, 1, 2), date(2026, 2, 13))
    ]
