"""A log and its prices as plain lists and dicts: what the real ones are held against."""

from datetime import date

import msgspec

from ledger.codec import Draft
from ledger.events import ValidationCompleted
from ledger.values import Bar


class Stored(msgspec.Struct, frozen=True):
    """One event that must be in the log, at the seq that is its place in the list."""

    append_id: bytes
    recorded_at: int
    draft: Draft


class Reference:
    """Every event that must be there, in order, and which of them each append wrote."""

    def __init__(self, first: Stored) -> None:
        """Begin with event 0."""
        self.events = [first]
        self.runs: dict[bytes, tuple[int, tuple[Draft, ...]]] = {first.append_id: (0, (first.draft,))}

    def land(self, append_id: bytes, drafts: tuple[Draft, ...], now_us: int) -> None:
        """Let an append land under a clock that says `now_us`."""
        recorded_at = max(now_us, self.events[-1].recorded_at)
        self.runs[append_id] = (len(self.events), drafts)
        self.events += [Stored(append_id, recorded_at, draft) for draft in drafts]

    def held_back_us(self, now_us: int) -> int:
        """Return how far a clock that says `now_us` is behind the last event."""
        return max(0, self.events[-1].recorded_at - now_us)

    def prices(self, ticker: str, position: int) -> dict[date, Bar]:
        """Return the bar of each day once `position` events are read: the one accepted last, withdrawn or not."""
        held = {}
        for stored in self.events[:position]:
            event = stored.draft.event
            if isinstance(event, ValidationCompleted) and event.ticker == ticker:
                held.update({bar.date: bar for bar in event.bars})
        return dict(sorted(held.items()))
