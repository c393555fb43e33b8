"""The generated calendar table, held to its source and to what B3 is known to have done."""

import runpy
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ledger.market import b3_calendar, sessions
from ledger.values import Window

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_calendar.py"


def sessions_of(year: int) -> int:
    """Return how many sessions `year` has."""
    return len(sessions.sessions(Window(date(year, 1, 1), date(year, 12, 31))))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # exchange_calendars' own use of pandas
def test_table_is_what_the_script_generates() -> None:
    """Generating the table again yields the same bytes."""
    regenerated = runpy.run_path(str(SCRIPT))["module_text"]()
    assert regenerated == Path(b3_calendar.__file__).read_text(encoding="utf-8")


@pytest.mark.parametrize(("year", "count"), [(2020, 249), (2026, 247), (2027, 249)])
def test_a_year_has_its_known_number_of_sessions(year: int, count: int) -> None:
    """The number of sessions a year agrees with B3's own count."""
    assert count == sessions_of(year)


@pytest.mark.parametrize(
    ("month_day", "closes"),
    [
        ("01-25", lambda year: year <= 2021),
        ("07-09", lambda year: year <= 2021 and year != 2020),
        ("11-20", lambda year: (year <= 2021 and year != 2020) or year >= 2024),
    ],
)
def test_holidays_of_the_city_and_state_close_only_in_their_years(
    month_day: str, closes: Callable[[int], bool]
) -> None:
    """São Paulo's own holidays stopped closing B3 in 2022, two of them in 2020 too; 11-20 is national from 2024."""
    days = [date.fromisoformat(f"{year}-{month_day}") for year in range(2010, 2031)]
    weekdays = [day for day in days if day.weekday() < 5]
    assert {day: not closes(day.year) for day in weekdays} == {day: sessions.is_session(day) for day in weekdays}


def test_ash_wednesday_is_a_session_and_carnival_is_not() -> None:
    """B3 opens at 13:00 on Ash Wednesday; the Monday and Tuesday before it are closed."""
    carnival = [date(2026, 2, 16), date(2026, 2, 17), date(2026, 2, 18)]
    assert [False, False, True] == [sessions.is_session(day) for day in carnival]


def test_only_weekdays_are_listed_as_closed() -> None:
    """No line of the table holds a Saturday or Sunday, so its size is the number of real holidays."""
    days = [date.fromisoformat(f"{year}-{day}") for year, line in b3_calendar.CLOSED.items() for day in line.split()]
    assert [] == [day for day in days if day.weekday() >= 5]
