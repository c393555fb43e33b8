"""Cosignatures: what a witness adds to a checkpoint, once it saw that it extends all that it saw before. Asks nobody.

Source: C2SP tlog-cosignature, "Ed25519 signed message".
"""

from base64 import b64encode
from collections.abc import Sequence
from struct import Struct

import msgspec

from ledger.checkpoint.errors import NoteError
from ledger.checkpoint.note import KEY_ID_BYTES, VerifierKey, split_note

LATEST_S = 253_402_300_799  # the end of year 9999
SIGNATURE_BYTES = 64

_TIME = Struct(">Q")


class Cosignature(msgspec.Struct, frozen=True):
    """A witness's word on a checkpoint, found good: whose, when (seconds since 1970), and the line of the note."""

    key: VerifierKey
    time_s: int
    line: str


def cosigned_text(text: str, time_s: int) -> bytes:
    """Return what a witness signs at `time_s` of a checkpoint with the three lines `text`."""
    return f"cosignature/v1\ntime {time_s}\n{text}".encode()


def cosignatures(note: bytes, keys: Sequence[VerifierKey]) -> tuple[Cosignature, ...]:
    """Return the newest cosignature in `note` of each of `keys` that has one, in the order of `keys`.

    Two names of one public key are one witness. Signatures by anybody else are passed over.

    Raises: NoteError when it is no note, or one of `keys` signed something else.
    """
    text, signatures = split_note(note)
    found = []
    for key in {key.public: key for key in keys}.values():
        blobs = [blob for name, blob in signatures if (name, blob[:KEY_ID_BYTES]) == (key.name, key.key_id)]
        if blobs:
            found.append(max((_checked(text, blob, key) for blob in blobs), key=lambda one: one.time_s))
    return tuple(found)


def _checked(text: str, blob: bytes, key: VerifierKey) -> Cosignature:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    stamped = blob[KEY_ID_BYTES:]
    if len(stamped) != _TIME.size + SIGNATURE_BYTES:
        raise NoteError(f"a cosignature of {len(stamped)} bytes", wanted=f"a time and a signature by {key.name}")
    (time_s,) = _TIME.unpack_from(stamped)
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(stamped[_TIME.size :], cosigned_text(text, time_s))
    except InvalidSignature as error:
        raise NoteError("a cosignature over other bytes", wanted=f"one by {key.name} over this text") from error
    if time_s > LATEST_S:
        raise NoteError(f"a cosignature of second {time_s}", wanted=f"one by {key.name} before year 10000")
    return Cosignature(key, time_s, f"— {key.name} {b64encode(blob).decode()}\n")
