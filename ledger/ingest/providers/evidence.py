"""A provider's answer as it is kept: compressed, with its length and its hash."""

import hashlib
import zlib

from ledger.errors import DamagedError
from ledger.events import Answer


def answer(body: bytes) -> Answer:
    """Return `body` as evidence."""
    return Answer(body=zlib.compress(body), body_bytes=len(body), sha256=hashlib.sha256(body).digest())


def body(kept: Answer) -> bytes:
    """Return the plain bytes behind `kept`.

    Raises: zlib.error for a stream that is damaged.
    """
    return zlib.decompress(kept.body)


def proven_body(seq: int, kept: Answer) -> bytes:
    """Return the plain bytes behind the answer that the event at `seq` keeps, held to its length and its hash.

    Never unpacks more than it says there are, so a forged stream cannot fill memory.

    Raises: DamagedError when they are other bytes.
    """
    wanted = f"{kept.body_bytes} bytes with sha256 {kept.sha256.hex()}"
    try:
        # One byte more than announced tells a longer stream; a limit of 0 would mean none.
        plain = zlib.decompressobj().decompress(kept.body, kept.body_bytes + 1)
    except zlib.error as error:
        raise DamagedError(seq, "answer", expected=wanted, found=str(error)) from error
    if len(plain) != kept.body_bytes or hashlib.sha256(plain).digest() != kept.sha256:
        raise DamagedError(seq, "answer", expected=wanted, found="other bytes")
    return plain
