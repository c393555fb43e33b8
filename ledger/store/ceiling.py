"""How far a clock may be past the last recorded event: one append in the year 2099 would date every later one.

An event's time never decreases, so a clock that ran ahead once stays in the log for good.

Source: docs/format.md, "Append".
"""

import struct
from collections.abc import Callable, Sequence

import msgspec

from ledger.codec import Draft
from ledger.errors import LedgerError
from ledger.events import AlertRaised, AlertResolved, AlertSent, FetchFailed, FetchSucceeded

SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US
LIMIT_DAYS = 35
AHEAD_US = 300 * SECOND_US  # what two clocks may differ by
REACH_US = DAY_US  # between our clock and one that vouches for it
WARN_ONLY = (AlertRaised, AlertSent, AlertResolved)  # what says that something is wrong is not kept from saying it

_TIMEX_BYTES = 512  # more than any kernel's struct timex
_TIME_ERROR = 5  # adjtimex(2): not synchronised
_UNSYNCHRONISED = 0x0040  # STA_UNSYNC
_STATUS_AT, _TIME_AT = 40, 72  # offsets in struct timex of a 64-bit Linux


class ClockAheadError(LedgerError):
    """The clock is far past the last recorded event, and nobody vouches for it; nothing was appended."""

    def __init__(self, *, days: int, limit_days: int) -> None:
        super().__init__(
            f"got a clock {days} days past the last recorded event, want at most {limit_days}, "
            "a provider's date near it, or a kernel clock that is synchronised"
        )
        self.days, self.limit_days = days, limit_days


class LogAheadError(LedgerError):
    """The log's last event is of a time that the clock has not reached."""

    def __init__(self, ahead_s: int) -> None:
        super().__init__(f"got a log {ahead_s} s ahead of the clock, want its last event in the past")
        self.ahead_s = ahead_s


def kernel_vouches(now_us: int) -> bool:
    """Whether the kernel says that its clock is synchronised, and `now_us` is what that clock shows.

    Source: adjtimex(2).
    """
    # Imported here: few appends are so far past the log that anybody has to vouch for the clock.
    import ctypes

    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    if adjtimex is None or struct.calcsize("P") != 8:  # noqa: PLR2004 - the offsets are those of 64 bits
        return False
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    if adjtimex(timex) in {-1, _TIME_ERROR}:
        return False
    (status,) = struct.unpack_from("=i", timex, _STATUS_AT)
    seconds, _ = struct.unpack_from("=qq", timex, _TIME_AT)
    return not status & _UNSYNCHRONISED and abs(seconds * SECOND_US - now_us) <= REACH_US


class Ceiling(msgspec.Struct, frozen=True, kw_only=True):
    """What may vouch for a clock that is far past the log: `allowed` by a person, or `vouches` for it.

    `say` is called with a sentence when an append is more than a day past the last recorded event, or before it.
    """

    allowed: bool
    say: Callable[[str], object]
    vouches: Callable[[int], bool] = kernel_vouches

    def check(self, drafts: Sequence[Draft], *, now_us: int, last_us: int) -> None:
        """Return quietly when `drafts` may be appended at `now_us` to a log whose last event is of `last_us`.

        Raises: ClockAheadError more than 35 days later, when nobody vouches for the clock.
        """
        if (ahead_us := last_us - now_us) > AHEAD_US:
            self.say(f"the log is {ahead_us // SECOND_US} s ahead of the clock")
        days = (now_us - last_us) // DAY_US
        if now_us - last_us <= DAY_US:
            return
        vouched = self.allowed or days <= LIMIT_DAYS or any(_vouched(draft, now_us) for draft in drafts)
        if not vouched and not self.vouches(now_us):
            raise ClockAheadError(days=days, limit_days=LIMIT_DAYS)
        self.say(f"the clock is {days} day{'' if days == 1 else 's'} past the last recorded event")


def _vouched(draft: Draft, now_us: int) -> bool:
    """Whether the event needs nobody to vouch, or holds a provider's own time within reach of `now_us`."""
    event = draft.event
    if isinstance(event, WARN_ONLY):
        return True
    date_us = None
    if isinstance(event, FetchSucceeded):
        date_us = event.source.http_date
    elif isinstance(event, FetchFailed):
        date_us = event.http_date
    return date_us is not None and abs(now_us - date_us) <= REACH_US
