"""Proof files: made for every kind of event, checked by themselves, refused with any byte changed."""

from pathlib import Path

import pytest

from ledger.checkpoint.errors import NotCoveredError, NoteError, NotProvenError
from ledger.checkpoint.merkle_proof import check_consistency
from ledger.checkpoint.note import open_note
from ledger.checkpoint.proving import FromLog, FromTiles, prove, prove_extension
from ledger.checkpoint.published import Published
from ledger.checkpoint.statement import parse_statement
from ledger.checkpoint.tlog_proof import TlogProof, parse_proof
from ledger.store.event_log import EventLog
from tests.ledger.checkpoint.places import KEY, more, sign


class Proved:
    """A log of 301 events with a checkpoint, and its proofs."""

    def __init__(self, log: EventLog, out: Path) -> None:
        self.log, self.out = log, out
        more(log, 300)
        self.signed = sign(log, out)

    def proof(self, seq: int, *, tiles: bool = True, with_body: bool = False) -> TlogProof:
        """Prove one event."""
        source = FromTiles(Published(self.out)) if tiles else FromLog(lambda: self.log.values(0, 301))
        return prove(self.log, seq, self.signed.statement, self.signed.note, source=source, with_body=with_body)


@pytest.fixture
def proved(log: EventLog, tmp_path: Path) -> Proved:
    """The same for all."""
    return Proved(log, tmp_path / "out")


def accepted(content: bytes) -> TlogProof:
    """Return the proof in `content`, once signature, leaf, body and root hold.

    Raises: NotProvenError, NoteError.
    """
    proof = parse_proof(content)
    proof.check(parse_statement(open_note(proof.note, KEY.verifier())))
    return proof


@pytest.mark.parametrize("seq", [0, 1, 127, 255, 256, 299, 300])
def test_from_tiles_or_from_the_log(proved: Proved, seq: int) -> None:
    """The same proof; it reads as it was written and holds by itself."""
    record = next(proved.log.read(seq, seq + 1))
    proof = proved.proof(seq)
    assert str(proof) == str(proved.proof(seq, tiles=False))
    assert proof == accepted(str(proof).encode())
    assert (seq, record.link) == (proof.index, proof.link)
    assert record.body == accepted(str(proved.proof(seq, with_body=True)).encode()).body


def test_every_byte_of_a_proof(proved: Proved) -> None:
    """Changed, the proof is refused: no byte of it is harmless."""
    content = str(proved.proof(258, with_body=True)).encode()
    for at in range(len(content)):
        for bit in (1, 0x80):
            changed = bytearray(content)
            changed[at] ^= bit
            with pytest.raises((NotProvenError, NoteError)):
                accepted(bytes(changed))
    for wrong in (content + b"\n", content[:-1], b"", content.replace(b"\n", b"\r\n")):
        with pytest.raises((NotProvenError, NoteError)):
            accepted(wrong)


def test_the_form_is_that_of_the_specification(proved: Proved) -> None:
    """Header, extra, index, hashes, an empty line, the checkpoint verbatim."""
    text = str(proved.proof(3))
    head, note = text.split("\n\n", 1)
    first, extra, index, *hashes = head.split("\n")
    assert ("c2sp.org/tlog-proof@v1", "index 3", proved.signed.note.decode()) == (first, index, note)
    assert extra.startswith("extra ")
    assert 9 == len(hashes)


def test_what_the_checkpoint_does_not_cover(proved: Proved) -> None:
    """Its own event, for one."""
    with pytest.raises(NotCoveredError, match="got a checkpoint of 301 events, want one that covers seq 301"):
        proved.proof(301)


def test_an_event_that_is_not_the_one_signed(proved: Proved) -> None:
    """Tiles of another tree prove nothing."""
    tile = proved.out / "tile" / "0" / "000"
    tile.write_bytes(bytes(8192))
    with pytest.raises(NotProvenError, match="a proof that leads elsewhere"):
        proved.proof(3)


def test_one_proof_does_not_serve_for_another_event(proved: Proved) -> None:
    """Leaf, body and index are held against each other."""
    one, other = proved.proof(3, with_body=True), proved.proof(4, with_body=True)
    for changes in ({"leaf": other.leaf}, {"body": other.body}, {"index": 4}, {"leaf": other.leaf, "index": 4}):
        mixed = TlogProof(**{name: getattr(one, name) for name in one.__struct_fields__} | changes)
        with pytest.raises(NotProvenError):
            accepted(str(mixed).encode())


def test_extension(proved: Proved) -> None:
    """From the tiles and from the log alike."""
    old = proved.signed.statement
    more(proved.log, 90)
    new = sign(proved.log, proved.out).statement
    head = proved.log.head().size
    proofs = [
        prove_extension(old, new, source=source)
        for source in (FromTiles(Published(proved.out)), FromLog(lambda: proved.log.values(0, head)))
    ]
    assert proofs[0] == proofs[1]
    assert (old.root, new.root) == (proofs[0].old_root, proofs[0].new_root)
    check_consistency((old.size, old.root), (new.size, new.root), proofs[0].hashes)
