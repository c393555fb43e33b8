"""Microseconds UTC, the only time inside, to and from the text that people read."""

from datetime import UTC, date, datetime, timedelta

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def text(at_us: int) -> str:
    """Return `2026-02-15T12:34:56Z`, the fraction of the second cut off."""
    return f"{_moment(at_us).isoformat(timespec='seconds')}Z"


def exact(at_us: int) -> str:
    """Return `2026-02-15T12:34:56.789012Z`; `parse` gives the same `at_us` back."""
    return f"{_moment(at_us).isoformat(timespec='microseconds')}Z"


def parse(written: str) -> int:
    """Return the microseconds behind an ISO-8601 time that says its offset (`Z`, `-03:00`).

    Raises: ValueError for another text, and for a time without an offset: nobody knows whose clock it was.
    """
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None or "T" not in written.upper():
        message = f"got {written!r}, want a time such as 2026-02-15T12:34:56Z"
        raise ValueError(message)
    return (moment - _EPOCH) // _MICROSECOND


def day_start(day: date) -> int:
    """Return the first microsecond of the UTC day; its last is `day_start(day) + DAY_US - 1`."""
    return (day - _EPOCH.date()).days * DAY_US


def _moment(at_us: int) -> datetime:
    # Integer steps from the epoch: fromtimestamp would go through a float and lose microseconds.
    return _EPOCH.replace(tzinfo=None) + at_us * _MICROSECOND
