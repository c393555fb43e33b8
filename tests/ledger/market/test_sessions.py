"""Sessions: counting them, and knowing when each is final."""

import subprocess
import sys
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.market import sessions
from ledger.market.b3_calendar import FIRST, LAST
from ledger.values import Window

FRIDAY, SATURDAY, SUNDAY, MONDAY = (date(2026, 3, day) for day in (6, 7, 8, 9))
DAYS = st.dates(date(2019, 1, 1), date(2027, 12, 31))


def instant(text: str) -> int:
    """Return an ISO time as microseconds UTC."""
    return round(datetime.fromisoformat(text).timestamp()) * 1_000_000


def test_the_table_covers_its_first_and_last_day_and_nothing_outside() -> None:
    """`covers` is true from FIRST to LAST, both inclusive."""
    days = [date(1997, 12, 31), FIRST, LAST, date(2031, 1, 1)]
    assert [False, True, True, False] == [sessions.covers(day) for day in days]


def test_outside_the_table_every_weekday_is_a_session() -> None:
    """2031-01-01 is a Wednesday and counts, the Saturday after it does not."""
    assert [True, False] == [sessions.is_session(date(2031, 1, day)) for day in (1, 4)]


def test_sessions_of_a_window_skip_weekend_and_carnival() -> None:
    """Both ends of the window belong to it."""
    expected = (date(2026, 2, 13), date(2026, 2, 18), date(2026, 2, 19))
    assert expected == sessions.sessions(Window(date(2026, 2, 13), date(2026, 2, 19)))


def test_a_window_that_ends_before_it_starts_has_no_sessions() -> None:
    """An empty window is no error."""
    assert () == sessions.sessions(Window(MONDAY, FRIDAY))


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        (FRIDAY, 0, FRIDAY),
        (SATURDAY, 0, SATURDAY),
        (FRIDAY, 1, MONDAY),
        (SATURDAY, 1, MONDAY),
        (SUNDAY, -1, FRIDAY),
        (MONDAY, -1, FRIDAY),
        (date(2026, 2, 18), -1, date(2026, 2, 13)),
        (date(2026, 2, 18), -5, date(2026, 2, 9)),
    ],
)
def test_shift_counts_sessions_from_any_day(day: date, count: int, expected: date) -> None:
    """The day itself is never counted."""
    assert expected == sessions.shift(day, count)


@settings(derandomize=True, max_examples=60, deadline=None)
@given(day=DAYS, count=st.integers(1, 30))
def test_shift_lands_where_listing_the_sessions_lands(day: date, count: int) -> None:
    """Going forward n sessions is the n-th entry of the list that starts the day after."""
    later = [s for s in sessions.sessions(Window(day, date(2028, 12, 31))) if s > day]
    assert later[count - 1] == sessions.shift(day, count)


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        (date(2026, 3, 6), "2026-03-06T21:30:00+00:00"),
        (date(2019, 1, 15), "2019-01-15T20:30:00+00:00"),
    ],
)
def test_a_session_is_final_at_1830_in_sao_paulo(day: date, utc: str) -> None:
    """Summer time, which Brazil kept until 2019, moves the instant by an hour."""
    assert instant(utc) == sessions.final_at(day)


def test_the_trading_day_is_the_date_in_sao_paulo() -> None:
    """At 02:59 UTC it is still the day before."""
    times = ["2026-03-06T02:59:59+00:00", "2026-03-06T03:00:00+00:00"]
    assert [date(2026, 3, 5), FRIDAY] == [sessions.trading_day(instant(time)) for time in times]


@given(st.integers(-3_000_000_000, 4_000_000_000))
def test_the_trading_day_is_what_the_zone_says_at_every_second(second: int) -> None:
    """An hour's instants have one day between them, from 1970 on; before that each is asked for."""
    local = datetime.fromtimestamp(second, ZoneInfo(sessions.TIMEZONE)).date()
    assert local == sessions.trading_day(second * 1_000_000) == sessions.trading_day(second * 1_000_000 + 999_999)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-06T21:29:59+00:00", date(2026, 3, 5)),
        ("2026-03-06T21:30:00+00:00", FRIDAY),
        ("2026-03-08T12:00:00+00:00", FRIDAY),
        ("2026-03-09T12:00:00+00:00", FRIDAY),
    ],
)
def test_last_final_session(now: str, expected: date) -> None:
    """A session counts from the second it becomes final."""
    assert expected == sessions.last_final_session(instant(now))


def test_no_session_becomes_final_over_a_weekend() -> None:
    """From Friday's close to Monday's there is nothing new."""
    counts = [
        sessions.final_sessions_after(FRIDAY, instant(now))
        for now in ("2026-03-06T22:00:00+00:00", "2026-03-09T21:29:59+00:00", "2026-03-09T21:30:00+00:00")
    ]
    assert [0, 0, 1] == counts


@settings(derandomize=True, max_examples=60, deadline=None)
@given(day=DAYS, now=st.datetimes(datetime(2019, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_final_sessions_after_counts_sessions_whose_instant_has_passed(day: date, now: datetime) -> None:
    """The count agrees with asking every session one by one."""
    now_us = instant(now.isoformat())
    later = [s for s in sessions.sessions(Window(day, date(2028, 1, 31))) if s > day]
    assert sum(sessions.final_at(s) <= now_us for s in later) == sessions.final_sessions_after(day, now_us)


def test_importing_sessions_loads_no_time_zones_and_nothing_slow() -> None:
    """A command that only counts sessions pays for neither zoneinfo nor pandas."""
    code = (
        "import sys, ledger.market.sessions; print(sorted({'zoneinfo', 'pandas', 'numpy', 'json'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "[]\n" == done.stdout


def test_time_zones_come_from_the_tzdata_package_where_the_system_has_none() -> None:
    """An empty search path still knows São Paulo."""
    code = "import zoneinfo, datetime, ledger.market.sessions as s; print(s.final_at(datetime.date(2026, 3, 6)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONTZPATH": ""}
    )
    assert f"{instant('2026-03-06T21:30:00+00:00')}\n" == done.stdout


@given(DAYS, DAYS)
@settings(max_examples=50, deadline=None)
def test_the_sessions_of_a_window_are_its_days_that_are_one(first: date, last: date) -> None:
    """In order, over any years; none where it ends before it starts."""
    days = (date.fromordinal(day) for day in range(first.toordinal(), last.toordinal() + 1))
    assert tuple(day for day in days if sessions.is_session(day)) == sessions.sessions(Window(first, last))


@given(st.lists(st.dates(date(1995, 1, 1), date(2031, 12, 31)), min_size=1, max_size=4), st.integers(0, 3))
def test_days_are_sessions_together_where_each_is_one(days: list[date], shifted: int) -> None:
    """Days of any years, in any order."""
    asked = [sessions.shift(day, 1) if number >= shifted else day for number, day in enumerate(days)]
    assert all(map(sessions.is_session, asked)) is sessions.are_sessions(asked)
