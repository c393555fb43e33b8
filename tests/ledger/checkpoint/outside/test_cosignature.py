"""A cosignature is a known witness's word over this very checkpoint and its time."""

import pytest

from ledger.checkpoint.errors import KeyTextError, NoteError
from ledger.checkpoint.note import COSIGNATURE, open_note, parse_verifier
from ledger.checkpoint.outside.cosignature import cosignatures, cosigned_text
from tests.ledger.checkpoint.places import KEY
from tests.support.witness import TIME_S, Witness

TEXT = "b3-ledger/" + "ab" * 16 + "\n7\nq6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=\n"
NOTE = KEY.sign(TEXT)
ONE, OTHER = Witness("one"), Witness("other")
KEYS = [parse_verifier(one.vkey(), COSIGNATURE) for one in (ONE, OTHER)]


def test_what_is_signed() -> None:
    """The example of the specification, its header and its time in front of the three lines."""
    expected = b"cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nx\n"
    assert expected == cosigned_text("example.com/behind-the-sofa\n20852163\nx\n", 1679315147)


def test_the_example_of_the_specification_names_its_key() -> None:
    """The id that a key of kind 04 has is not the one that it has as a signer of notes."""
    key = KEYS[0]
    assert ONE.vkey() == str(key)
    assert key.key_id != parse_verifier(str(KEY.verifier())).key_id


def test_known_witnesses_are_found_and_others_passed_over() -> None:
    """In the order of the keys; the signer's own note opens as before."""
    note = NOTE + OTHER.line(TEXT) + Witness("stranger").line(TEXT) + ONE.line(TEXT)
    assert [("one", TIME_S), ("other", TIME_S)] == [(one.key.name, one.time_s) for one in cosignatures(note, KEYS)]
    assert [ONE.line(TEXT)] == [one.line.encode() for one in cosignatures(note, KEYS[:1])]
    assert TEXT == open_note(note, KEY.verifier())
    assert () == cosignatures(NOTE, KEYS)


def test_the_newest_of_one_witness() -> None:
    """Whoever cosigned twice counts once."""
    later = Witness("one")
    later._private, later.time_s = ONE._private, TIME_S + 5
    (found,) = cosignatures(NOTE + later.line(TEXT) + ONE.line(TEXT), [*KEYS, KEYS[0]])
    assert TIME_S + 5 == found.time_s


def test_two_names_of_one_key_are_one_witness() -> None:
    """A cosignature does not commit to its signer's name."""
    alias = Witness("alias")
    alias._private = ONE._private
    keys = [KEYS[0], parse_verifier(alias.vkey(), COSIGNATURE)]
    assert 1 == len(cosignatures(NOTE + ONE.line(TEXT) + alias.line(TEXT), keys))


@pytest.mark.parametrize("at", range(72))
def test_every_byte(at: int) -> None:
    """Of time and signature, turned: refused."""
    line = ONE.line(TEXT).decode()
    from base64 import b64decode, b64encode

    blob = bytearray(b64decode(line.split(" ")[2]))
    blob[4 + at] ^= 1
    with pytest.raises(NoteError, match="got a cosignature over other bytes, want one by one over this text"):
        cosignatures(NOTE + f"— one {b64encode(blob).decode()}\n".encode(), KEYS)


def test_of_another_length_or_checkpoint() -> None:
    """Refused: a known witness's line that is not good is worse than none."""
    from base64 import b64encode

    short = f"— one {b64encode(KEYS[0].key_id + bytes(71)).decode()}\n".encode()
    with pytest.raises(NoteError, match="got a cosignature of 71 bytes"):
        cosignatures(NOTE + short, KEYS)
    with pytest.raises(NoteError, match="over other bytes"):
        cosignatures(NOTE + ONE.line(TEXT.replace("\n7\n", "\n8\n")), KEYS)


@pytest.mark.parametrize("time_s", [253_402_300_800, 2**63])
def test_a_time_that_no_date_has(time_s: int) -> None:
    """Signed as it may be."""
    far = Witness("one")
    far._private, far.time_s = ONE._private, time_s
    with pytest.raises(NoteError, match=f"got a cosignature of second {time_s}"):
        cosignatures(NOTE + far.line(TEXT), KEYS)


def test_kinds_of_keys_are_not_mixed() -> None:
    """A key that signs notes is no witness's, and the other way round."""
    with pytest.raises(KeyTextError, match="of kind 04"):
        parse_verifier(str(KEY.verifier()), COSIGNATURE)
    with pytest.raises(KeyTextError, match="want an Ed25519 key"):
        parse_verifier(ONE.vkey())
