"""The anchor alone: two slots, taken in turn."""

from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from ledger.chain import Head, Link
from ledger.errors import AnchorDamagedError, UnreadableError, UnwritableError
from ledger.store.anchor import Anchor, pack_slot, read_anchor, unpack_slot

HEADS = [Head(size, Link(bytes([size]) * 32)) for size in range(6)]


def slots(path: Path) -> list[Head | None]:
    """Return what each slot of the file holds."""
    raw = path.read_bytes()
    return [unpack_slot(raw[:64]), unpack_slot(raw[64:])]


def test_a_new_anchor_holds_its_head_twice(tmp_path: Path) -> None:
    """So that one torn slot never leaves none."""
    Anchor.create(tmp_path / "head", HEADS[3]).close()
    assert [HEADS[3]] * 2 == slots(tmp_path / "head")
    assert 128 == (tmp_path / "head").stat().st_size


@pytest.mark.parametrize("looking", [True, False])
def test_the_two_newest_heads_are_kept(tmp_path: Path, looking: bool) -> None:
    """Whether or not somebody looks between the writes, the one before is never overwritten."""
    anchor = Anchor.create(tmp_path / "head", HEADS[0])
    for before, head in pairwise(HEADS):
        if looking:
            assert before == anchor.read()
        anchor.write(head)
        assert {before, head} == set(slots(tmp_path / "head"))
        assert head == read_anchor(tmp_path / "head")
    anchor.close()


def test_a_writer_that_opens_it_takes_the_older_slot(tmp_path: Path) -> None:
    """Whichever slot that is, once it has looked."""
    Anchor.create(tmp_path / "head", HEADS[0]).close()
    for before, head in pairwise(HEADS):
        anchor = Anchor(tmp_path / "head")
        assert before == anchor.read()
        anchor.write(head)
        anchor.close()
        assert {before, head} == set(slots(tmp_path / "head"))


@pytest.mark.parametrize("at", range(64))
def test_any_changed_byte_empties_its_slot_alone(tmp_path: Path, at: int) -> None:
    """Size, link or checksum."""
    good, bad = pack_slot(HEADS[1]), bytearray(pack_slot(HEADS[2]))
    bad[at] ^= 0x10
    (tmp_path / "head").write_bytes(good + bytes(bad))
    assert [HEADS[1], None] == slots(tmp_path / "head")
    assert HEADS[1] == read_anchor(tmp_path / "head")


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "0 bytes long, not 128"),
        (bytes(127), "127 bytes long, not 128"),
        (bytes(129), "129 bytes long, not 128"),
        (bytes(128), "no slot holds"),
    ],
)
def test_damage_is_told_whole(tmp_path: Path, raw: bytes, reason: str) -> None:
    """By who looks at the file and by who has it open alike."""
    path = tmp_path / "head"
    path.write_bytes(raw)
    anchor = Anchor(path)
    for look in (anchor.read, partial(read_anchor, path)):
        with pytest.raises(AnchorDamagedError) as damage:
            look()
        assert (path, reason, str(AnchorDamagedError(path, reason))) == (
            damage.value.path,
            damage.value.reason,
            str(damage.value),
        )
    anchor.close()


def test_an_anchor_that_cannot_be_read_is_told_whole(tmp_path: Path) -> None:
    """Which file, and why; a folder cannot be read, whoever asks."""
    with pytest.raises(UnreadableError) as refusal:
        read_anchor(tmp_path)
    assert str(UnreadableError(tmp_path, "Is a directory")) == str(refusal.value)


def test_an_anchor_that_cannot_be_opened_or_written_is_told_whole(tmp_path: Path) -> None:
    """Which file, and why."""
    with pytest.raises(UnwritableError) as missing:
        Anchor(tmp_path / "nowhere")
    assert str(UnwritableError(tmp_path / "nowhere", "No such file or directory")) == str(missing.value)
    anchor = Anchor.create(tmp_path / "head", HEADS[0])
    anchor.close()
    with pytest.raises(UnwritableError) as closed:
        anchor.write(HEADS[1])
    assert str(UnwritableError(tmp_path / "head", "Bad file descriptor")) == str(closed.value)
    assert [HEADS[0]] * 2 == slots(tmp_path / "head")
    with pytest.raises(UnwritableError) as homeless:
        Anchor.create(tmp_path / "nowhere" / "head", HEADS[0])
    assert str(UnwritableError(tmp_path / "nowhere" / "head", "No such file or directory")) == str(homeless.value)
