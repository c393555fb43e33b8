"""Which events a moment in time covers."""

from bisect import bisect_right

from ledger.codec import decode_envelope
from ledger.source import LogSource


def position_at(log: LogSource, time_us: int) -> int:
    """Return how many events were recorded at or before `time_us`; O(log n) reads, as recorded_at never decreases."""
    return bisect_right(range(log.head().size), time_us, key=lambda seq: _recorded_at(log, seq))


def _recorded_at(log: LogSource, seq: int) -> int:
    record = next(iter(log.read(seq, seq + 1)))
    return decode_envelope(record.seq, record.body).recorded_at
