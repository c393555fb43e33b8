"""Microseconds UTC, the only time inside, to and from the text that people read."""

from datetime import date, datetime

from projections.models import units
from projections.models.units import EPOCH, MICROSECOND

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


def text(at_us: int) -> str:
    """Return `2026-02-15T12:34:56Z`, the fraction of the second cut off."""
    return units.second_text(units.instant(at_us))


def exact(at_us: int) -> str:
    """Return `2026-02-15T12:34:56.789012Z`; `parse` gives the same `at_us` back."""
    return units.exact_text(units.instant(at_us))


def parse(written: str) -> int:
    """Return the microseconds of an ISO-8601 time that has an offset (`Z`, `-03:00`).

    Raises: ValueError for another text, and for a time without an offset, which is ambiguous.
    """
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None or "T" not in written.upper():
        message = f"got {written!r}, want a time such as 2026-02-15T12:34:56Z"
        raise ValueError(message)
    return (moment - EPOCH) // MICROSECOND


def day_start(day: date) -> int:
    """Return the first microsecond of the UTC day; its last is `day_start(day) + DAY_US - 1`."""
    return (day - EPOCH.date()).days * DAY_US
