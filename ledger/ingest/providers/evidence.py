"""A provider's answer as it is kept: compressed, with its length and its hash. Pure."""

from typing import cast

from ledger.errors import DamagedError
from ledger.ingest.providers.port import BodyError
from ledger.values import Answer

UNPACKED_MAX_BYTES = 64 * 1024 * 1024  # of any answer, whatever was recorded of its length
LEVEL = 5  # of zlib-ng: within 3 % of the size that zlib's level 6 leaves, in a quarter to two fifths of its time


class OtherBodyError(BodyError):
    """What is kept of an answer does not unpack to the bytes that came."""

    def __init__(self, *, expected: str, found: str) -> None:
        super().__init__(f"got {found}, want {expected}")
        self.expected, self.found = expected, found


def answer(body: bytes) -> Answer:
    """Return `body` as evidence: a stream of RFC 1950, made by zlib-ng, which any zlib reads."""
    # Imported here, as hashlib below: only who fetches, imports or audits waits for it.
    import zlib_ng.zlib_ng

    return Answer(body=zlib_ng.zlib_ng.compress(body, LEVEL), body_bytes=len(body), sha256=_sha256(body))


def body(kept: Answer) -> bytes:
    """Return the plain bytes behind `kept`, held to its length and its hash.

    Never unpacks more than its recorded length, nor than `UNPACKED_MAX_BYTES`, so a forged one cannot fill memory.

    Raises: OtherBodyError.
    """
    import zlib_ng.zlib_ng

    damaged = cast("type[Exception]", zlib_ng.zlib_ng.error)  # its stub calls the class an instance of itself
    if kept.body_bytes > UNPACKED_MAX_BYTES:
        raise OtherBodyError(expected=f"at most {UNPACKED_MAX_BYTES} bytes", found=f"{kept.body_bytes} bytes")
    try:
        # One byte more than recorded reveals a longer stream; a limit of 0 would mean none.
        plain = zlib_ng.zlib_ng.decompressobj().decompress(kept.body, max(kept.body_bytes, 0) + 1)
    except (damaged, OverflowError) as error:
        raise OtherBodyError(expected=_described(kept), found=str(error)) from error
    if len(plain) != kept.body_bytes or _sha256(plain) != kept.sha256:
        raise OtherBodyError(expected=_described(kept), found="other bytes")
    return plain


def proven_body(seq: int, kept: Answer) -> bytes:
    """Return the plain bytes behind the answer that the event at `seq` keeps, held to its length and its hash.

    Raises: DamagedError when they are other bytes.
    """
    try:
        return body(kept)
    except OtherBodyError as error:
        raise DamagedError(seq, "answer", expected=error.expected, found=error.found) from error


def _described(kept: Answer) -> str:
    return f"{kept.body_bytes} bytes with sha256 {kept.sha256.hex()}"


def _sha256(body: bytes) -> bytes:
    # Imported here: every command knows the providers' names, and OpenSSL takes it two milliseconds to load.
    import hashlib

    return hashlib.sha256(body).digest()
