"""How the value of a setting is read: one function per kind of value, each raising ValueError for any other text."""

import math
from pathlib import Path

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def folder(text: str) -> Path:
    """Return the path of a folder, `~` expanded; whether it exists is not asked."""
    if not text.strip() or "\0" in text:
        raise ValueError(text)
    return Path(text).expanduser()


def level(text: str) -> str:
    """Return one of LOG_LEVELS, given in either case."""
    if text.upper() not in LOG_LEVELS:
        raise ValueError(text)
    return text.upper()


def whole(text: str) -> int:
    """Return an integer, 0 or more, written in ASCII digits alone."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError(text)
    return int(text)


def number(text: str) -> float:
    """Return a finite number, 0 or more."""
    parsed = float(text)
    if not math.isfinite(parsed) or parsed < 0:
        raise ValueError(text)
    return parsed


def positive(text: str) -> float:
    """Return a finite number above 0."""
    parsed = number(text)
    if not parsed:
        raise ValueError(text)
    return parsed


def percent(text: str) -> float:
    """Return a number from 0 to 100."""
    parsed = number(text)
    if parsed > 100:  # noqa: PLR2004 - a percentage
        raise ValueError(text)
    return parsed


def url(text: str) -> str:
    """Return an http or https URL without its trailing slash; a query or a fragment is refused."""
    # Imported here: only a run with a mirror or a proxy needs it.
    from urllib.parse import urlsplit

    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(text)
    return text.rstrip("/")
