"""What HTTP headers say, read by whoever asks a provider. Pure."""

from datetime import UTC
from email.utils import parsedate_to_datetime

RETRY_AFTER_DIGITS_MAX = 9


def http_date_us(text: str | None) -> int | None:
    """Return an HTTP date in microseconds UTC, None for none or one that cannot be read."""
    if text is None:
        return None
    try:
        moment = parsedate_to_datetime(text)
        return int(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()) * 1_000_000
    except (ValueError, TypeError, ArithmeticError, LookupError):
        # A year of eleven digits overflows what holds a year.
        return None


def retry_after_s(text: str | None, *, now_us: int) -> int | None:
    """Return the seconds that a `Retry-After` of either form asks for, None for none or nonsense.

    Source: RFC 9110, section 10.2.3.
    """
    if text is None:
        return None
    if text.isascii() and text.isdecimal():
        return int(text) if len(text) <= RETRY_AFTER_DIGITS_MAX else None
    until_us = http_date_us(text)
    return None if until_us is None else max(0, -((now_us - until_us) // 1_000_000))
