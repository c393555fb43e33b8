"""Signed notes: a text, then lines that each say which key signed it. Reads and writes no file.

Ed25519 alone is known: a signature of another kind is one by a key that nobody asked for.

Source: C2SP signed-note; RFC 8032.
"""

import binascii
import os
import re
from base64 import b64decode, b64encode
from hashlib import sha256

import msgspec

from ledger.checkpoint.errors import KeyTextError, NoteError

ED25519, COSIGNATURE = b"\x01", b"\x04"  # what a key signs: notes, or that it saw a checkpoint at a time
KEY_ID_BYTES = 4
KEY_BYTES = 32  # of a seed, and of a public key
NOTE_LIMIT_BYTES = 64 * 1024
SIGNATURES_LIMIT = 64
PRIVATE = "PRIVATE+KEY+"

_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
_SIGNATURE = re.compile("— ([^\\s+]+) ([A-Za-z0-9+/=]+)")


class VerifierKey(msgspec.Struct, frozen=True):
    """Whose signature is asked for: a name, an Ed25519 public key, and what it signs (`ED25519` or `COSIGNATURE`)."""

    name: str
    public: bytes
    kind: bytes = ED25519

    @property
    def key_id(self) -> bytes:
        """The four bytes that a signature names its key by."""
        return sha256(self.name.encode() + b"\n" + self.kind + self.public).digest()[:KEY_ID_BYTES]

    def __str__(self) -> str:
        """Return the key as others are given it: name, id, kind and key."""
        return f"{self.name}+{self.key_id.hex()}+{_base64(self.kind + self.public)}"


class SigningKey(msgspec.Struct, frozen=True):
    """Who signs: a name, and the seed of an Ed25519 key, which no message ever shows."""

    name: str
    seed: bytes

    def __repr__(self) -> str:
        """Return the name alone."""
        return f"SigningKey({self.name!r})"

    def verifier(self) -> VerifierKey:
        """Return what others check signatures with."""
        # Imported here and below: only who signs or checks pays for the library.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        return VerifierKey(self.name, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def secret(self) -> str:
        """Return the key as its file holds it."""
        return f"{PRIVATE}{self.name}+{self.verifier().key_id.hex()}+{_base64(ED25519 + self.seed)}"

    def sign(self, text: str) -> bytes:
        """Return the note of `text`, one or more lines, signed; the same each time.

        Raises: NoteError for a text that no note can hold.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        _check_text(text)
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"{text}\n— {self.name} {_base64(self.verifier().key_id + signature)}\n".encode()


def new_key(name: str) -> SigningKey:
    """Return a new key called `name`.

    Raises: KeyTextError for a name that is empty or holds a blank or a plus.
    """
    return SigningKey(_named(name), os.urandom(KEY_BYTES))


def parse_verifier(text: str, kind: bytes = ED25519) -> VerifierKey:
    """Return the verifier key written as `text`, which has to be one of that kind.

    Raises: KeyTextError.
    """
    name, key_id, public = _parts(text.removesuffix("\n"), "a verifier key: NAME+ID+KEY", kind)
    key = VerifierKey(name, public, kind)
    _check_id(key, key_id)
    return key


def parse_signing(text: str) -> SigningKey:
    """Return the signing key written as `text`. No error shows any of it.

    Raises: KeyTextError.
    """
    wanted = f"a signing key: {PRIVATE}…"
    if not text.startswith(PRIVATE):
        raise KeyTextError("another text", wanted=wanted)
    name, key_id, seed = _parts(text.removesuffix("\n").removeprefix(PRIVATE), wanted)
    key = SigningKey(name, seed)
    _check_id(key.verifier(), key_id)
    return key


def open_note(content: bytes, key: VerifierKey) -> str:
    """Return the text of a note that `key` signed, its last newline included.

    Signatures by others are passed over.

    Raises: NoteError when it is no note, when `key` did not sign it, or signed something else.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    text, signatures = split_note(content)
    mine = [blob for name, blob in signatures if (name, blob[:KEY_ID_BYTES]) == (key.name, key.key_id)]
    if not mine:
        signers = ", ".join(sorted({name for name, _ in signatures}))
        raise NoteError(f"a note signed by {signers}", wanted=f"one signed by {key.name} with key {key.key_id.hex()}")
    public = Ed25519PublicKey.from_public_bytes(key.public)
    for blob in mine:
        try:
            public.verify(blob[KEY_ID_BYTES:], text.encode())
        except InvalidSignature as error:
            raise NoteError("a signature over other bytes", wanted=f"one by {key.name} over this text") from error
    return text


def split_note(content: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """Return the text of a note and its signatures, (key name, key id ‖ signature), none of them checked.

    Raises: NoteError.
    """
    if len(content) > NOTE_LIMIT_BYTES:
        raise NoteError(f"{len(content)} bytes", wanted=f"a note of at most {NOTE_LIMIT_BYTES}")
    try:
        whole = content.decode()
    except UnicodeDecodeError as error:
        raise NoteError("bytes that are no UTF-8", wanted="a signed note") from error
    text, blank, signed = whole.rpartition("\n\n")
    if not blank:
        raise NoteError("no blank line", wanted="a signed note: text, blank line, signatures")
    text = f"{text}\n"
    _check_text(text)
    lines = signed.split("\n")
    if lines.pop() or not lines or len(lines) > SIGNATURES_LIMIT:
        raise NoteError("no whole signature line at the end", wanted="1 to 64 of them, each with its newline")
    signatures = []
    for line in lines:
        found = _SIGNATURE.fullmatch(line)
        blob = _unbase64(found[2]) if found else None
        if found is None or blob is None or len(blob) <= KEY_ID_BYTES:
            raise NoteError(f"signature line {line[:40]!r}", wanted="em dash, name, base64 of key id and signature")
        signatures.append((found[1], blob))
    return text, signatures


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(char < " " and char != "\n" for char in text):
        raise NoteError("a text with control characters or without its last newline", wanted="plain lines")


def _parts(text: str, wanted: str, kind: bytes = ED25519) -> tuple[str, str, bytes]:
    """Return the name, the id and the 32 bytes of a key."""
    name, _, rest = text.partition("+")
    key_id, _, encoded = rest.partition("+")
    blob = _unbase64(encoded)
    if blob is None or not key_id:
        raise KeyTextError("a text of another form", wanted=wanted)
    if blob[:1] != kind or len(blob) != 1 + KEY_BYTES:
        wanted = "an Ed25519 key" if kind == ED25519 else "a witness's Ed25519 key, of kind 04"
        raise KeyTextError("a key of another algorithm or length", wanted=wanted)
    return _named(name), key_id, blob[1:]


def _check_id(key: VerifierKey, key_id: str) -> None:
    if key.key_id.hex() != key_id:
        raise KeyTextError("a key id that is not this key's", wanted="the whole key, as main key show prints it")


def _named(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise KeyTextError(f"key name {name!r}", wanted="one without blanks and without a plus")
    return name


def _base64(data: bytes) -> str:
    return b64encode(data).decode()


def _unbase64(text: str) -> bytes | None:
    """Return what `text` is the one base64 of, None for any other spelling."""
    try:
        data = b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if _base64(data) == text else None
