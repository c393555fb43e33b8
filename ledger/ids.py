"""Ids of 16 bytes: random and time-ordered for jobs, derived for appends."""

import os

from blake3 import blake3

ID_BYTES = 16
TIME_BYTES = 6


def new_id(now_us: int) -> bytes:
    """Return a UUID version 7 of the instant `now_us`: milliseconds since the epoch, then random bits.

    Source: RFC 9562, section 5.7.
    """
    tail = bytearray(os.urandom(10))
    tail[0] = 0x70 | (tail[0] & 0x0F)
    tail[2] = 0x80 | (tail[2] & 0x3F)
    return (now_us // 1000).to_bytes(TIME_BYTES, "big") + bytes(tail)


def append_id(natural_key: str, *, job_id: bytes | None = None) -> bytes:
    """Return the id of an append: the same natural key gives the same id on every retry.

    With a job, the id begins with the job's time: index keys in time order cost a single
    append a third of what random ones do.
    """
    digest = blake3(natural_key.encode()).digest()
    if job_id is None:
        return digest[:ID_BYTES]
    return job_id[:TIME_BYTES] + digest[: ID_BYTES - TIME_BYTES]


def text(identifier: bytes) -> str:
    """Return an id as text: 8-4-4-4-12 lower-case hex digits."""
    digits = identifier.hex()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def parse(identifier: str) -> bytes:
    """Return the 16 bytes behind `text`; dashes are optional.

    Raises: ValueError for anything that is not 32 hex digits.
    """
    raw = bytes.fromhex(identifier.replace("-", ""))
    if len(raw) != ID_BYTES:
        message = f"got an id of {len(raw)} bytes, want {ID_BYTES}"
        raise ValueError(message)
    return raw
