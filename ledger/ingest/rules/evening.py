"""The answer of an ordinary evening: it repeats the last sessions held and goes on with new ones. Pure.

Nothing in it is for any rule to find, so its decision is known without asking each of them. What is not surely so is
left to the rules: this module finds nothing, and judges no row.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import date

from msgspec.structs import replace

from ledger.events import ValidationCompleted
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.reading import Offer, Reading
from ledger.ingest.rules.row_rules import Sorted
from ledger.ingest.rules.sifting import goes_on_plainly
from ledger.market import sessions
from ledger.values import Bar, Window


def news(
    window: Window, found: Sorted, offers: Sequence[Offer], reading: Reading, last_final: date, held: Held
) -> tuple[Bar, ...] | None:
    """Return the new sessions of an answer over `window` that is an ordinary one, None where it may be another.

    `found` are its rows, none of which came twice where as many were received as accepted. O(rows).
    """
    accepted, old = found.accepted, held.bars
    if not old or len(accepted) != found.received or offers or held.ranks or reading.rank is not None:
        return None
    if held.actions and any(action.ex_date >= window.start for action in held.actions):
        return None
    days, held_days = [bar.date for bar in accepted], sorted(old)
    repeated = bisect_right(days, held_days[-1])
    fresh = accepted[repeated:]
    # As many as are held since the window begins, and each of them one: so it lacks none.
    if not repeated or len(held_days) - bisect_left(held_days, window.start) != repeated:
        return None
    if tuple(map(old.get, days[:repeated])) != accepted[:repeated]:
        return None
    if fresh and not (goes_on_plainly(accepted[repeated - 1], fresh) and all(map(sessions.covers, days[repeated:]))):
        return None
    # Of what is held since the window begins the answer has each: all that is known is in one of the two.
    due = sessions.sessions(days_due(window, reading, last_final, min(days[0], held_days[0]), held_days))
    return fresh if {*days, *held_days}.issuperset(due) else None


def told(nothing: ValidationCompleted, found: Sorted, fresh: tuple[Bar, ...]) -> ValidationCompleted:
    """Return the decision `nothing` with what an ordinary answer brings, whose `news` are `fresh`."""
    return replace(
        nothing,
        verdict="success",
        received=found.received,
        added=len(fresh),
        unchanged=len(found.accepted) - len(fresh),
        bars=fresh,
    )


def days_due(window: Window, reading: Reading, last_final: date, first_known: date, held: Sequence[date]) -> Window:
    """Return the days of which an answer over `window` has every session that is not held.

    What lies between the window and the last day held before it is nobody else's to find. `first_known` is the first
    day that is accepted or held; `held` are the days held, the oldest first.
    """
    # Of the days due: from the first day known on, where none is named.
    first = max(window.start, reading.first_day or first_known)
    before = bisect_left(held, first)
    return Window(held[before - 1] if before else first, min(window.end, last_final))
