"""B3's trading sessions: which days they are, and when each is final. Pure, the time zone database aside.

Days are calendar days in America/Sao_Paulo; instants are microseconds UTC.
Outside the table (before `b3_calendar.FIRST`, after `b3_calendar.LAST`) every weekday counts as a session.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache, lru_cache
from itertools import chain

from ledger.market import b3_calendar
from ledger.values import Window

TIMEZONE = "America/Sao_Paulo"
FINAL_TIME = time(18, 30)  # after the closing auction and the adjustments that follow it

_DAY = timedelta(days=1)
_SATURDAY = 5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HOUR_US = 3_600_000_000
_YEARS_TOGETHER = 12


def covers(day: date) -> bool:
    """Return whether the calendar table covers `day`."""
    return b3_calendar.FIRST <= day <= b3_calendar.LAST


@lru_cache(maxsize=8_192)  # thirty years of days
def is_session(day: date) -> bool:
    """Return whether B3 trades on `day`."""
    return day.weekday() < _SATURDAY and day not in _closed(day.year)


def are_sessions(days: Sequence[date]) -> bool:
    """Return whether B3 trades on each of `days`, of which there are some: the first and the last one stand so."""
    return _between_years(days[0].year, days[-1].year).issuperset(days) or all(map(is_session, days))


@lru_cache(maxsize=16)
def _between_years(first: int, last: int) -> frozenset[date]:
    """Return the sessions of the years that are both known at once; none of many years, which nobody looks at."""
    years = range(first, last + 1) if last - first < _YEARS_TOGETHER else ()
    return frozenset(chain.from_iterable(map(_of_year, years)))


def sessions(window: Window) -> tuple[date, ...]:
    """Return the sessions of `window`, oldest first."""
    first, last = window.start, window.end
    found: list[date] = []
    for year in range(first.year, last.year + 1):
        days = _of_year(year)
        start = bisect_left(days, first) if year == first.year else 0
        found += days[start : bisect_right(days, last) if year == last.year else None]
    return tuple(found)


def shift(day: date, count: int) -> date:
    """Return the session `count` sessions after `day`, before it when negative; `day` itself for 0.

    `day` need not be a session: one session after a Saturday is the Monday that trades next.
    """
    step, left = (_DAY if count > 0 else -_DAY), abs(count)
    while left:
        day += step
        left -= is_session(day)
    return day


@lru_cache(maxsize=64)  # all that came in one evening asks for the same
def final_at(day: date) -> int:
    """Return the instant from which the bar of `day` no longer changes: 18:30 in São Paulo."""
    return (datetime.combine(day, FINAL_TIME, tzinfo=_zone()) - _EPOCH) // _MICROSECOND


def trading_day(now_us: int) -> date:
    """Return the calendar day in São Paulo at `now_us`."""
    # Since 1914 the zone is whole hours from UTC: a day begins where an hour does.
    return _day_of_hour(now_us // _HOUR_US) if now_us >= 0 else _local_day(now_us)


@lru_cache(maxsize=256)  # what came in one evening came within a few hours
def _day_of_hour(hours: int) -> date:
    return _local_day(hours * _HOUR_US)


def _local_day(now_us: int) -> date:
    return (_EPOCH + timedelta(microseconds=now_us)).astimezone(_zone()).date()


def last_final_session(now_us: int) -> date:
    """Return the newest session that is final at `now_us`."""
    today = trading_day(now_us)
    if is_session(today) and final_at(today) <= now_us:
        return today
    return shift(today, -1)


def final_sessions_after(day: date, now_us: int, *, until: date = date.max) -> int:
    """Return how many sessions later than `day`, `until` the latest, are final at `now_us`."""
    return len(sessions(Window(day + _DAY, min(last_final_session(now_us), until))))


@lru_cache(maxsize=64)
def _of_year(year: int) -> tuple[date, ...]:
    start = date(year, 1, 1).toordinal()
    days = (date.fromordinal(start + offset) for offset in range((date(year, 12, 31).toordinal() - start) + 1))
    return tuple(day for day in days if is_session(day))


@cache
def _closed(year: int) -> frozenset[date]:
    days = b3_calendar.CLOSED.get(year, "").split()
    return frozenset(date.fromisoformat(f"{year}-{day}") for day in days)


@cache
def _zone() -> tzinfo:
    # Imported here: half of the commands never need the time in São Paulo.
    from zoneinfo import ZoneInfo

    return ZoneInfo(TIMEZONE)


def calendar_digest() -> str:
    """Return the SHA-256, in hex, of the calendar table: rules that know sessions are another version by another one.

    Source: docs/validation.md.
    """
    from hashlib import sha256  # only what checks the rules' version asks

    lines = [
        f"{b3_calendar.FIRST} {b3_calendar.LAST}",
        *(f"{y} {days}" for y, days in sorted(b3_calendar.CLOSED.items())),
    ]
    return sha256("\n".join(lines).encode()).hexdigest()
