"""Reads a recorded answer once more, by its provider's own reader, and takes its event apart as far as that needs."""

from typing import Any

import msgspec
from msgspec.structs import fields

from ledger.codec import UNDECODABLE, Envelope, decode_as
from ledger.errors import DamagedError
from ledger.events import FetchSucceeded
from ledger.ingest.providers import evidence, registry
from ledger.ingest.providers.evidence import OtherBodyError
from ledger.ingest.providers.port import BodyError
from ledger.ingest.providers.registry import UnknownProviderError
from projections.audit.rejudging import ReadEvidence

BARS = "bars"

# The event with its bars left encoded: where they are the rows of the answer, byte for byte, nobody need decode them,
# and those take their place.
Unread: Any = msgspec.defstruct(
    "Unread",
    [(one.name, msgspec.Raw if one.name == BARS else one.type) for one in fields(FetchSucceeded)],
    forbid_unknown_fields=True,
)

_decode_unread = msgspec.msgpack.Decoder(Unread).decode
_encode = msgspec.msgpack.Encoder().encode


def read_again(envelope: Envelope) -> ReadEvidence:
    """Return the evidence in `envelope`, read by its provider's reader.

    Raises: DamagedError; OtherBodyError where the answer does not have its length or its SHA-256.
    """
    try:
        unread = _decode_unread(envelope.data)
    except UNDECODABLE as error:
        raise DamagedError(envelope.seq, "data", expected=envelope.type, found=str(error)) from error
    try:
        reading = registry.reading(unread)
    except OtherBodyError:
        raise
    except BodyError:
        words = f"an answer that the reader of {unread.provider} cannot read"
        return ReadEvidence(decode_as(envelope, FetchSucceeded), None, words)
    except UnknownProviderError as error:
        evidence.body(unread.answer)
        words = f"provider {error.name}, which this version does not have"
        return ReadEvidence(decode_as(envelope, FetchSucceeded), None, words)
    if bytes(unread.bars) == _encode(reading.rows):
        unread.bars = reading.rows
        return ReadEvidence(unread, reading)
    return ReadEvidence(decode_as(envelope, FetchSucceeded), reading)
