"""Days as messages put them: which were asked for, and whether the exchange was open."""

from datetime import date

import click

from ledger.market import sessions
from ledger.values import Window


def between(start: date | None, end: date | None) -> str:
    """Return the words for the days from `start` to `end`, both inclusive; none where neither is given.

    They begin with a space, and say where B3 held no session in those days.
    """
    if start is None or end is None:
        since = "" if start is None else f" from {start} on"
        return since if end is None else f" up to {end}"
    words = f" on {start}" if start == end else f" from {start} to {end}"
    known = sessions.covers(start) and sessions.covers(end)
    return f"{words} (B3 was closed)" if known and not sessions.sessions(Window(start, end)) else words


def closed(day: date) -> bool:
    """Return whether B3 is known to have held no session on the day."""
    return sessions.covers(day) and not sessions.is_session(day)


def refuse_closed(context: click.Context, day: date) -> None:
    """Refuse an `--on` on which B3 held no session, naming the last one before it."""
    if closed(day):
        context.fail(f"got --on {day}, when B3 was closed, want a session such as {sessions.shift(day, -1)}")
