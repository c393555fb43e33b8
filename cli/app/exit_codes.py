"""The exit codes: the monitoring plugins' convention, and 128 + n for signal n."""

from enum import IntEnum


class Exit(IntEnum):
    """What a command reports to whatever started it."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


MEANINGS: tuple[tuple[str, str], ...] = (
    ("0", "OK"),
    ("1", "WARNING: it worked, and something wants a look"),
    ("2", "CRITICAL: it failed, or what was checked is bad"),
    ("3", "UNKNOWN: it could not run (usage, permission, lock held, nothing to check)"),
    ("130", "interrupted by Ctrl-C (SIGINT)"),
    ("143", "ended by SIGTERM"),
)
