"""Which days a job asks for."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.ingest.fetch import Patience
from ledger.ingest.plan import GAP_SESSIONS, OVERLAP_SESSIONS, Plan, window
from ledger.ingest.rules.held import Held
from ledger.market.sessions import sessions, shift
from ledger.values import Window
from tests.ledger.ingest.answers import bar, raw

TODAY = date(2026, 2, 13)
LAST = date(2026, 2, 11)
PLAN = Plan(patience=Patience(retries=0, attempt_s=1, job_s=1), lock_timeout_s=1, threshold_percent=10)
TWO_YEARS = Window(date(2024, 2, 14), TODAY)
OVERLAP = Window(date(2026, 2, 4), TODAY)
SERIES = sessions(Window(date(2025, 9, 1), LAST))


def held(*days: date) -> Held:
    """Return a series of bars on `days`."""
    return Held({day: bar(raw(day, 30.0)) for day in days})


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
def test_the_window_of_a_plan(plan: Plan, have: Held, expected: Window) -> None:
    """What is new and five sessions before it, unless options or an empty series say otherwise."""
    assert expected == window(plan, have, TODAY)


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
    assert Window(shift(LAST, -expected), TODAY) == window(PLAN, have, TODAY)


@given(st.sets(st.sampled_from(SERIES), min_size=1))
def test_the_window_holds_the_overlap_and_ends_today(days: set[date]) -> None:
    """Whatever is held: five sessions back at least, sixty at most, and never less than what is new."""
    found = window(PLAN, held(*days), TODAY)
    last = max(days)
    assert TODAY == found.end
    assert shift(last, -GAP_SESSIONS) <= found.start <= shift(last, -OVERLAP_SESSIONS)
