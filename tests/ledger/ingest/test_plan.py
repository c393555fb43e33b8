"""Which days a job asks for."""

from datetime import date, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ingest.fetch import Patience
from ledger.ingest.plan import GAP_SESSIONS, OVERLAP_SESSIONS, Plan, SeriesState, refresh_due, window
from ledger.ingest.rules.held import Held
from ledger.market.sessions import sessions, shift
from ledger.values import Window
from tests.ledger.ingest.answers import TICKER, bar, raw

TODAY = date(2026, 2, 13)
LAST = date(2026, 2, 11)
PLAN = Plan(patience=Patience(retries=0, attempt_s=1, job_s=1), lock_timeout_s=1, threshold_percent=10)
TWO_YEARS = Window(date(2024, 2, 14), TODAY)
OVERLAP = Window(date(2026, 2, 4), TODAY)
SERIES = sessions(Window(date(2025, 9, 1), LAST))


def held(*days: date) -> SeriesState:
    """Return a series of bars on `days`."""
    return SeriesState(Held({day: bar(raw(day, 30.0)) for day in days}))


def asking(**asked: object) -> Plan:
    """Return the plan with options."""
    return msgspec.structs.replace(PLAN, **asked)


@pytest.mark.parametrize(
    ("plan", "have", "expected"),
    [
        (PLAN, held(), TWO_YEARS),
        (PLAN, held(*SERIES), OVERLAP),
        (PLAN, held(LAST), OVERLAP),
        (asking(force_refresh=True), held(*SERIES), TWO_YEARS),
        (asking(max_days=10), held(), Window(date(2026, 2, 3), TODAY)),
        (asking(max_days=10), held(*SERIES), Window(date(2026, 2, 3), TODAY)),
        (asking(force_refresh=True, max_days=10), held(*SERIES), Window(date(2026, 2, 3), TODAY)),
        (asking(start=date(2020, 1, 2)), held(*SERIES), Window(date(2020, 1, 2), TODAY)),
        (asking(start=date(2026, 3, 2)), held(*SERIES), Window(date(2026, 3, 2), date(2026, 3, 2))),
        (asking(end=date(2026, 2, 9)), held(*SERIES), Window(date(2026, 2, 4), date(2026, 2, 9))),
        (asking(end=date(2025, 12, 1)), held(*SERIES), Window(date(2025, 12, 1), date(2025, 12, 1))),
        (asking(end=date(2025, 12, 1)), held(), Window(date(2023, 12, 2), date(2025, 12, 1))),
        (asking(start=date(2020, 1, 2), end=date(2020, 1, 9)), held(), Window(date(2020, 1, 2), date(2020, 1, 9))),
    ],
)
def test_the_window_of_a_plan(plan: Plan, have: SeriesState, expected: Window) -> None:
    """What is new and five sessions before it, unless options or an empty series say otherwise."""
    assert expected == window(plan, TICKER, have, TODAY)


@pytest.mark.parametrize(
    ("plan", "have", "end"),
    [
        (PLAN, held(*SERIES), LAST),
        (PLAN, held(*SERIES, TODAY), TODAY),  # what is held stays looked at
        (asking(force_refresh=True), held(), date(2026, 2, 6)),
        (asking(end=TODAY), held(*SERIES), TODAY),
    ],
)
def test_of_a_series_that_ended_nothing_later_is_asked_for(plan: Plan, have: SeriesState, end: date) -> None:
    """But for what is held of it, and what a person asks for."""
    state = msgspec.structs.replace(have, ended_on=date(2026, 2, 6))
    assert end == window(plan, TICKER, state, TODAY).end


@pytest.mark.parametrize(
    ("back", "expected"),
    [
        (1, OVERLAP_SESSIONS),  # inside the overlap, which asks for it anyway
        (OVERLAP_SESSIONS, OVERLAP_SESSIONS),
        (OVERLAP_SESSIONS + 1, OVERLAP_SESSIONS + 1),
        (GAP_SESSIONS, GAP_SESSIONS),
        (GAP_SESSIONS + 1, OVERLAP_SESSIONS),  # too old to be filled in
    ],
)
def test_a_recent_gap_is_asked_for_again(back: int, expected: int) -> None:
    """The window begins at the oldest gap of the last 60 sessions, where that is before the overlap."""
    missing = shift(LAST, -back)
    have = held(*(day for day in SERIES if day != missing))
    assert Window(shift(LAST, -expected), TODAY) == window(PLAN, TICKER, have, TODAY)


@given(st.sets(st.sampled_from(SERIES), min_size=1))
def test_the_window_holds_the_overlap_and_ends_today(days: set[date]) -> None:
    """Whatever is held: five sessions back at least, sixty at most, and never less than what is new."""
    found = window(PLAN, TICKER, held(*days), TODAY)
    last = max(days)
    assert TODAY == found.end
    assert shift(last, -GAP_SESSIONS) <= found.start <= shift(last, -OVERLAP_SESSIONS)


@pytest.mark.parametrize(
    ("found_days_ago", "day", "asked"),
    [(0, date(2024, 6, 3), True), (13, date(2024, 6, 3), True), (14, date(2024, 6, 3), False), (90, SERIES[-30], True)],
)
def test_a_session_before_the_first_row_is_asked_for_for_two_weeks_after_it_was_found_missing(
    found_days_ago: int, day: date, *, asked: bool
) -> None:
    """A truncated first answer is completed; what stays away is left to the look at the whole range."""
    have = msgspec.structs.replace(held(*SERIES[-20:]), missing={day: TODAY - timedelta(days=found_days_ago)})
    assert (day if asked else OVERLAP.start) == window(PLAN, TICKER, have, TODAY).start


@pytest.mark.parametrize(("age", "days", "due"), [(30, 30, True), (31, 30, True), (400, 0, False), (0, 30, False)])
def test_the_whole_range_is_asked_for_again_once_it_is_old(age: int, days: int, *, due: bool) -> None:
    """The first session held, or an older one that is missing; 0 turns it off, and one look a day is enough."""
    looked = TODAY - timedelta(days=age)
    have = msgspec.structs.replace(held(*SERIES), whole_on=looked, missing={date(2025, 8, 1): date(2025, 9, 1)})
    plan = asking(refresh_days=days)
    assert due is refresh_due(TICKER, looked, TODAY, days=days)
    assert (date(2025, 8, 1) if due else OVERLAP.start) == window(plan, TICKER, have, TODAY).start


@pytest.mark.parametrize("days", [7, 30, 45])
def test_a_weekday_cron_looks_at_every_ticker_within_the_days_and_at_few_on_one_day(days: int) -> None:
    """300 tickers, first asked for on one day, over a year of B3's sessions."""
    tickers = [f"TICK{n}.SA" for n in range(300)]
    begun = date(2026, 1, 5)
    looked, ages, looks_a_day = dict.fromkeys(tickers, begun), [], []
    for today in sessions(Window(date(2026, 1, 6), date(2026, 12, 30))):
        due = [ticker for ticker in tickers if refresh_due(ticker, looked[ticker], today, days=days)]
        ages += [(today - looked[ticker]).days for ticker in due]
        looked |= dict.fromkeys(due, today)
        looks_a_day.append(len(due))
    assert max(ages) <= days + 4  # a weekend and Carnival
    assert max(looks_a_day) <= 300 * 5 // (days * 2 // 3)
    assert all((date(2026, 12, 30) - last).days <= days + 4 for last in looked.values())
