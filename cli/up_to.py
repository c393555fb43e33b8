"""How far into the log a command looks: what SEQ|TIME means, and the position it stands for."""

from bisect import bisect_right
from datetime import date

import click
import msgspec

from cli import times
from ledger.codec import decode_envelope
from ledger.source import LogSource


class UpToSeq(msgspec.Struct, frozen=True):
    """Every event up to `seq`, that one included."""

    seq: int


class UpToTime(msgspec.Struct, frozen=True):
    """Every event with recorded_at <= `at_us`, microseconds UTC."""

    at_us: int


UpTo = UpToSeq | UpToTime


class UpToType(click.ParamType[UpTo]):
    """How far into the log: a seq, a UTC day or a time; see `parse`."""

    name = "seq|time"

    def convert(self, value: str | UpTo, param: click.Parameter | None, ctx: click.Context | None) -> UpTo:
        """Return how far `value` reaches, or refuse it."""
        if not isinstance(value, str):
            return value
        try:
            return parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


UP_TO = UpToType()


def parse(written: str) -> UpTo:
    """Return what `written` reaches: digits are a seq, a day is that whole UTC day, else a time.

    Raises: ValueError for any other text.
    """
    if written.isascii() and written.isdigit():
        return UpToSeq(int(written))
    try:
        if "T" in written.upper():
            return UpToTime(times.parse(written))
        return UpToTime(times.day_start(date.fromisoformat(written)) + times.DAY_US - 1)
    except ValueError as error:
        message = f"got {written!r}, want a seq, a day as YYYY-MM-DD or a time such as 2026-02-15T12:34:56Z"
        raise ValueError(message) from error


def position(log: LogSource, reach: UpTo) -> int:
    """Return how many events `reach` includes; a fold of [0, position) is the state it stands for.

    A seq past the end reaches all there is. A time costs O(log n) reads.
    """
    size = log.head().size
    if isinstance(reach, UpToSeq):
        return min(reach.seq + 1, size)
    return bisect_right(range(size), reach.at_us, key=lambda seq: recorded_at(log, seq))


def recorded_at(log: LogSource, seq: int) -> int:
    """Return when the event at `seq` was recorded, microseconds UTC.

    Raises: DamagedError when the stored record does not hold.
    """
    (record,) = log.read(seq, seq + 1)
    return decode_envelope(seq, record.body).recorded_at
