"""The oracle: whatever a test did, the log re-hashes from its first byte and its read models rebuild to themselves."""

from blake3 import blake3

from ledger.chain import GENESIS
from ledger.codec import decode_envelope, decode_event
from ledger.source import LogSource


def check_log(log: LogSource) -> None:
    """Assert that every link, seq, time and event of `log` holds, worked out here without the code under test."""
    link, recorded_at, seq = GENESIS, 0, -1
    for seq, record in enumerate(log.read()):
        link = blake3(link + record.body).digest()
        assert (seq, link) == (record.seq, record.link)
        envelope = decode_envelope(seq, record.body)
        assert envelope.recorded_at >= recorded_at
        recorded_at = envelope.recorded_at
        decode_event(envelope)
    assert (log.head().size, log.head().link) == (seq + 1, link)
