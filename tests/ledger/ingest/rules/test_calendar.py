"""The calendar of sessions is part of the rules' version."""

from types import ModuleType

import pytest

from ledger.ingest.rules import catalogue
from ledger.ingest.rules.v1 import catalogue as v1
from ledger.market import b3_calendar, sessions


@pytest.mark.parametrize("version", [catalogue, v1], ids=["now", "v1"])
def test_another_calendar_is_another_version(version: ModuleType) -> None:
    """A changed table asks for a new RULES_VERSION, and older versions keep the one that they knew."""
    assert version.CALENDAR_SHA256 == sessions.calendar_digest()


def test_every_day_of_the_table_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more day on which the exchange is closed, or another end of the table, is another digest."""
    before = sessions.calendar_digest()
    monkeypatch.setattr(b3_calendar, "CLOSED", b3_calendar.CLOSED | {2030: f"{b3_calendar.CLOSED[2030]} 12-30"})
    closed = sessions.calendar_digest()
    monkeypatch.setattr(b3_calendar, "LAST", b3_calendar.FIRST)
    assert 3 == len({before, closed, sessions.calendar_digest()})
