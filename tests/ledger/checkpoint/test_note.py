"""Notes and keys are those of C2SP signed-note: public vectors come out byte for byte, anything else is refused."""

from base64 import b64encode

import pytest

from ledger.checkpoint.errors import KeyTextError, NoteError
from ledger.checkpoint.note import (
    KEY_ID_BYTES,
    SigningKey,
    VerifierKey,
    new_key,
    open_note,
    parse_signing,
    parse_verifier,
    split_note,
)

# The example of Go's x/mod/sumdb/note.
SIGNING = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
VERIFIER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BLOB = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
NOTE = f"{TEXT}\n— PeterNeumann {BLOB}\n".encode()


def test_the_public_vector() -> None:
    """Key, verifier key, id and signature are Go's, byte for byte."""
    key = parse_signing(SIGNING)
    assert (SIGNING, VERIFIER, "c74f20a3") == (key.secret(), str(key.verifier()), key.verifier().key_id.hex())
    assert NOTE == key.sign(TEXT)
    assert TEXT == open_note(NOTE, parse_verifier(VERIFIER))


@pytest.mark.parametrize(
    ("seed", "public", "message", "signature"),
    [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
    ],
)
def test_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    """The library signs as the standard's vectors say."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    assert public == SigningKey("x", bytes.fromhex(seed)).verifier().public.hex()
    assert signature == Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed)).sign(bytes.fromhex(message)).hex()


@pytest.mark.parametrize("at", range(len(NOTE)))
def test_every_byte_of_a_note(at: int) -> None:
    """Changed by one bit, or by its highest, the note is refused: no byte of it is harmless."""
    for bit in (1, 0x80):
        changed = bytearray(NOTE)
        changed[at] ^= bit
        with pytest.raises(NoteError):
            open_note(bytes(changed), parse_verifier(VERIFIER))


@pytest.mark.parametrize("at", range(len(VERIFIER)))
def test_every_byte_of_a_verifier_key(at: int) -> None:
    """Changed, it is no key, or none that signed the note."""
    changed = bytearray(VERIFIER.encode())
    changed[at] ^= 1
    with pytest.raises((KeyTextError, NoteError)):
        open_note(NOTE, parse_verifier(changed.decode()))


@pytest.mark.parametrize("at", range(len(SIGNING)))
def test_every_byte_of_a_signing_key(at: int) -> None:
    """Changed, it is refused, and the refusal shows none of it."""
    changed = bytearray(SIGNING.encode())
    changed[at] ^= 1
    with pytest.raises(KeyTextError) as refused:
        parse_signing(changed.decode())
    assert SIGNING[-20:-4] not in str(refused.value)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        TEXT.encode(),
        NOTE + b"\n",
        NOTE + b"x",
        NOTE[:-1],
        NOTE.replace(b"\n\n", b"\n"),
        NOTE.replace("—".encode(), b"-"),
        NOTE.replace(b"PeterNeumann", b"Peter Neumann"),
        NOTE.replace(b"PeterNeumann", b"Peter+Neumann"),
        NOTE.replace(b"AM=", b"AN="),
        NOTE.replace(b"AM=", b"AM"),
        NOTE.replace(b"don't", b"don\tt"),
        b"\xff" + NOTE,
        NOTE * 600,
        NOTE + NOTE.split(b"\n\n")[1] * 64,
        f"{TEXT}\n— PeterNeumann {b64encode(b'1234').decode()}\n".encode(),
    ],
)
def test_what_is_no_note(wrong: bytes) -> None:
    """Trailing bytes, missing parts, other dashes, other spellings of the same base64, control characters."""
    with pytest.raises(NoteError):
        open_note(wrong, parse_verifier(VERIFIER))


def test_others_may_sign_too() -> None:
    """A signature by a key that nobody asked for is passed over, of whatever kind; it vouches for nothing."""
    other = new_key("other.example")
    line = other.sign(TEXT).split(b"\n\n")[1]
    of_another_kind = f"— witness.example {b64encode(b'abcd' + bytes(72)).decode()}\n".encode()
    both = NOTE + line + of_another_kind
    assert TEXT == open_note(both, parse_verifier(VERIFIER)) == open_note(both, other.verifier())
    with pytest.raises(NoteError, match=r"signed by PeterNeumann, other\.example, witness\.example, want one"):
        open_note(both, new_key("x").verifier())


def test_a_key_of_that_name_that_signed_something_else() -> None:
    """A good signature beside a bad one of the same key does not save the note."""
    line = parse_signing(SIGNING).sign("another\n").split(b"\n\n")[1]
    with pytest.raises(NoteError, match="a signature over other bytes"):
        open_note(NOTE + line, parse_verifier(VERIFIER))


def test_the_same_key_under_another_name_is_another_key() -> None:
    """The id is of name and key together."""
    public = parse_verifier(VERIFIER).public
    with pytest.raises(NoteError, match="want one signed by Peter "):
        open_note(NOTE, VerifierKey("Peter", public))


def test_a_key_of_another_algorithm() -> None:
    """A witness's key, and one that is too short, are refused by what they are."""
    for data in (b"\x04" + bytes(32), b"\x01" + bytes(31), b"\x01" + bytes(33)):
        with pytest.raises(KeyTextError, match="want an Ed25519 key"):
            parse_verifier(f"a+00000000+{b64encode(data).decode()}")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u00a0b", "a\nb", "a\tb"])
def test_names_that_no_key_may_have(name: str) -> None:
    """Blanks of any kind and the plus would make a signature line ambiguous."""
    with pytest.raises(KeyTextError):
        new_key(name)


def test_a_key_is_not_shown_by_accident() -> None:
    """Neither printed nor in a traceback."""
    key = new_key("b3-ledger/test")
    assert "SigningKey('b3-ledger/test')" == repr(key) == str(key)
    assert key.seed != new_key("b3-ledger/test").seed


def test_a_text_needs_its_last_newline() -> None:
    """And holds no control characters."""
    for text in ("a", "a\x00\n", "a\r\n"):
        with pytest.raises(NoteError):
            new_key("x").sign(text)


def test_an_empty_line_in_the_text() -> None:
    """The last blank line is the one that separates."""
    key = new_key("x")
    note = key.sign("a\n\nb\n")
    assert ("a\n\nb\n", 1) == (open_note(note, key.verifier()), len(split_note(note)[1]))
    assert KEY_ID_BYTES == len(key.verifier().key_id)
