"""How the value of a setting is read: one function per kind of value, each raising ValueError for any other text."""

import os
from base64 import b64decode
from pathlib import Path

from cli.render import times
from ledger.ingest.providers.evidence import UNPACKED_MAX_BYTES

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_FORMATS = ("auto", "json", "text")
YEAR_S = 31_536_000
DIGITS_MAX = 18  # what 63 bits hold
RETRIES_MAX = 1000
BYTES_MIN = 1024
LATEST_US = 7_258_118_400_000_000 - 1  # the end of 2199: what follows no calendar of ours reaches
WEBHOOK_KEY_PREFIX = "whsec_"
WEBHOOK_KEY_BYTES = range(24, 64 + 1)
A_MINUTE_S = 60


def folder(text: str) -> Path:
    """Return the path of a folder, `~` expanded; whether it exists is not asked.

    Raises: ValueError when the whole path is no UTF-8, too.
    """
    if not text.strip() or "\0" in text:
        raise ValueError(text)
    path = Path(text).expanduser()
    # The engine opens no path of other bytes, and an event could not name it.
    os.path.abspath(path).encode()
    return path


def level(text: str) -> str:
    """Return one of LOG_LEVELS, given in either case."""
    if text.upper() not in LOG_LEVELS:
        raise ValueError(text)
    return text.upper()


def log_format(text: str) -> str:
    """Return one of LOG_FORMATS, given in either case."""
    if text.lower() not in LOG_FORMATS:
        raise ValueError(text)
    return text.lower()


def whole(text: str) -> int:
    """Return an integer, 0 or more, written in ASCII digits alone."""
    if not (text.isascii() and text.isdigit()) or len(text) > DIGITS_MAX:
        raise ValueError(text)
    return int(text)


def retries(text: str) -> int:
    """Return how often something is tried again."""
    return within(whole(text), 0, RETRIES_MAX)


def bytes_count(text: str) -> int:
    """Return a length in bytes."""
    return within(whole(text), BYTES_MIN, 10**DIGITS_MAX)


def answer_bytes(text: str) -> int:
    """Return a length in bytes that evidence may have."""
    return within(whole(text), BYTES_MIN, UNPACKED_MAX_BYTES)


def within(parsed: int, least: int, most: int) -> int:
    """Return `parsed`, which is between the two, both inclusive."""
    if not least <= parsed <= most:
        raise ValueError(parsed)
    return parsed


def number(text: str) -> float:
    """Return a number of seconds or percent, 0 or more; a year of seconds at most, which no timer fails on."""
    parsed = float(text)
    if not 0 <= parsed <= YEAR_S:
        raise ValueError(text)
    return parsed


def positive(text: str) -> float:
    """Return a finite number above 0."""
    parsed = number(text)
    if not parsed:
        raise ValueError(text)
    return parsed


def a_minute(text: str) -> float:
    """Return a number of seconds above 0, a minute at most."""
    parsed = positive(text)
    if parsed > A_MINUTE_S:
        raise ValueError(text)
    return parsed


def percent(text: str) -> float:
    """Return a number from 0 to 100."""
    parsed = number(text)
    if parsed > 100:  # noqa: PLR2004 - a percentage
        raise ValueError(text)
    return parsed


def moment(text: str) -> int:
    """Return a time of 1970 to 2199, in microseconds UTC."""
    return within(times.parse(text), 0, LATEST_US)


def yes_or_no(text: str) -> bool:
    """Return whether `text` is `true`; `false` is the other word, in either case."""
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


def endpoint(text: str) -> str:
    """Return an http or https URL that something can be posted to: with a host, without a user or a fragment."""
    # Imported here: only what delivers alerts needs it.
    from urllib.parse import urlsplit

    parts = urlsplit(text)
    usual = text.isascii() and text.isprintable() and " " not in text
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise ValueError(text)
    if not usual or parts.port == 0:  # a port that is no number raises by itself
        raise ValueError(text)
    return text


def signing_secrets(text: str) -> tuple[bytes, ...]:
    """Return the keys of secrets separated by spaces: each `whsec_` and base64 of 24 to 64 bytes.

    Source: the Standard Webhooks specification, "Signature scheme".
    """
    keys = tuple(
        b64decode(word.removeprefix(WEBHOOK_KEY_PREFIX), validate=True)
        for word in text.split()
        if word.startswith(WEBHOOK_KEY_PREFIX)
    )
    if not keys or len(keys) < len(text.split()) or any(len(key) not in WEBHOOK_KEY_BYTES for key in keys):
        raise ValueError(text)
    return keys


def url(text: str) -> str:
    """Return an http or https URL without its trailing slash; a query or a fragment is refused."""
    # Imported here: only a run with a mirror or a proxy needs it.
    from urllib.parse import urlsplit

    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(text)
    _ = parts.port  # which raises where it is none
    return text.rstrip("/")
