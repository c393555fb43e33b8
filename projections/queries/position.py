"""How far into the log a read reaches: what a seq, a day or a time means, and the position it gives."""

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from ledger.codec import decode_envelope
from ledger.log_source import LogSource

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class UpToSeq(msgspec.Struct, frozen=True):
    """Every event up to `seq`, that one included."""

    seq: int


class UpToTime(msgspec.Struct, frozen=True):
    """Every event with recorded_at <= `at_us`, microseconds UTC."""

    at_us: int


UpTo = UpToSeq | UpToTime
# A seq, a UTC day, a time with its offset; one of them as text; or what `reach` makes of it.
AsOf = int | date | datetime | str | UpTo


def reach(as_of: AsOf) -> UpTo:
    """Return what `as_of` reaches: a day is that whole UTC day.

    Raises: ValueError for a seq below 0, a time without an offset, and for a text that is none of these.
    """
    if isinstance(as_of, UpTo):
        return as_of
    if isinstance(as_of, str):
        return parse(as_of)
    if isinstance(as_of, int):
        if as_of < 0:
            message = f"got seq {as_of}, want 0 or more"
            raise ValueError(message)
        return UpToSeq(as_of)
    moment = as_of if isinstance(as_of, datetime) else datetime.combine(as_of, time.max, UTC)
    if moment.tzinfo is None:
        message = f"got {as_of!s} without an offset, want a time that says it, such as datetime(..., tzinfo=UTC)"
        raise ValueError(message)
    return UpToTime((moment - _EPOCH) // _MICROSECOND)


def parse(written: str) -> UpTo:
    """Return what `written` reaches: digits are a seq, a day is that whole UTC day, else a time.

    Raises: ValueError for any other text.
    """
    try:
        if written.isascii() and written.isdigit():
            return UpToSeq(int(written))
        return reach(datetime.fromisoformat(written) if "T" in written.upper() else date.fromisoformat(written))
    except ValueError as error:
        message = f"got {written!r}, want a seq, a day as YYYY-MM-DD or a time such as 2026-02-15T12:34:56Z"
        raise ValueError(message) from error


def position_of(log: LogSource, up_to: UpTo) -> int:
    """Return how many events `up_to` includes; a fold of [0, position) is the state as of it.

    A seq past the end reaches all there is. A time costs O(log n) reads, as recorded_at never decreases.
    """
    size = log.head().size
    if isinstance(up_to, UpToSeq):
        return min(up_to.seq + 1, size)
    return bisect_right(range(size), up_to.at_us, key=lambda seq: recorded_at(log, seq))


def recorded_at(log: LogSource, seq: int) -> int:
    """Return when the event at `seq` was recorded, microseconds UTC.

    Raises: DamagedError when the stored record does not hold.
    """
    (record,) = log.read(seq, seq + 1)
    return decode_envelope(seq, record.body).recorded_at
