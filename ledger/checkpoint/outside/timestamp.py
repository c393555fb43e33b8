"""What an RFC 3161 authority says: that it saw a digest at a time. Asks nobody; ASN.1 and signatures are a library's.

What is dated is the text of a checkpoint, its three lines: they name the tree, whoever signed them besides.

Source: RFC 3161; docs/format.md, "Timestamp".
"""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from ledger.checkpoint.errors import RootCertificateError, TimestampError
from ledger.errors import unreadable
from ledger.files.regular import read_regular

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

ANSWER_LIMIT_BYTES = 64 * 1024
ROOTS_LIMIT_BYTES = 4 * 1024 * 1024
SHA256_OID = "2.16.840.1.101.3.4.2.1"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TimestampQuery(msgspec.Struct, frozen=True):
    """A question as it is sent, and the number that its answer has to bear."""

    content: bytes
    nonce: int


class DatedDigest(msgspec.Struct, frozen=True):
    """What an authority saw: a SHA-256, at `time` in microseconds UTC."""

    digest: bytes
    time: int

    def check(self, text: str) -> None:
        """Return quietly when it was `text` that was seen.

        Raises: TimestampError.
        """
        wanted = sha256(text.encode()).digest()
        if self.digest != wanted:
            raise TimestampError(f"a timestamp over {self.digest.hex()}", wanted=f"one over {wanted.hex()}")


def read_roots(path: Path) -> "tuple[Certificate, ...]":
    """Return the certificates in a PEM file.

    Raises: RootCertificateError; UnreadableError.
    """
    from cryptography.x509 import load_pem_x509_certificates

    try:
        content = read_regular(path, limit_bytes=ROOTS_LIMIT_BYTES)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        return tuple(dict.fromkeys(load_pem_x509_certificates(content)))
    except ValueError as error:
        raise RootCertificateError(path) from error


def query(text: str) -> TimestampQuery:
    """Return the question that dates `text`, with a new random nonce, and asks for the authority's certificate."""
    from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

    made = TimestampRequestBuilder().data(text.encode()).hash_algorithm(HashAlgorithm.SHA256).build()
    assert made.nonce is not None  # noqa: S101 - the builder's default
    return TimestampQuery(made.as_bytes(), made.nonce)


def opened(answer: bytes, roots: "tuple[Certificate, ...]", *, nonce: int | None = None) -> DatedDigest:
    """Return what an authority under `roots` signed in `answer`; with `nonce`, in answer to that very question.

    The certificates have to be good at the time that the token names, and the authority's to be for timestamps alone.

    Raises: TimestampError.
    """
    from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response

    wanted = "a timestamp by an authority under the root certificate"
    try:
        response = decode_timestamp_response(answer)
        if response.status:
            said = "; ".join(response.status_string)[:200]
            raise TimestampError(f"a refusal ({response.status}: {said!r})", wanted=wanted)
        if nonce is not None and response.tst_info.nonce != nonce:
            raise TimestampError("an answer to another question", wanted="one that bears the nonce of this one")
        imprint = response.tst_info.message_imprint
        VerifierBuilder(roots=list(roots)).build().verify(response, imprint.message)
        algorithm, time = imprint.hash_algorithm.dotted_string, response.tst_info.gen_time
    except VerificationError as error:
        raise TimestampError(f"one that does not hold ({str(error).partition(':')[0]})", wanted=wanted) from error
    except ValueError as error:
        raise TimestampError("bytes that are no answer", wanted=wanted) from error
    if algorithm != SHA256_OID:
        raise TimestampError(f"a timestamp by hash {algorithm}", wanted="one over a SHA-256")
    return DatedDigest(imprint.message, (time - _EPOCH) // timedelta(microseconds=1))
