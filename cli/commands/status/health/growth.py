"""How much the log grows."""

from ledger.chain import LINK_BYTES
from ledger.codec import decode_envelope
from ledger.store.event_log import EventLog

DAYS = 7
DAY_US = 86_400 * 1_000_000
LOOKED_AT_BYTES = 32 * 1024 * 1024
CHUNK = 256  # events
FRAME_BYTES = 4 + LINK_BYTES  # beside a body: its length and the link


def bytes_a_day(log: EventLog, size: int, now_us: int) -> int:
    """Return the bytes that the events of the last 7 days add to a backup, per day.

    Reads those events, from the newest of `size` on, up to 32 MiB of them: beyond that it is a lower bound.
    """
    since_us, total = now_us - DAYS * DAY_US, 0
    for stop in range(size, 0, -CHUNK):
        for record in reversed(list(log.read(max(0, stop - CHUNK), stop))):
            if total >= LOOKED_AT_BYTES or decode_envelope(record.seq, record.body).recorded_at <= since_us:
                return total // DAYS
            total += len(record.body) + FRAME_BYTES
    return total // DAYS
