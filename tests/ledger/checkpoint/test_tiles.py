"""Tiles and bundles are those of C2SP tlog-tiles, at every size from 1 to 300 and at the examples of the page."""

from hashlib import sha256

import pytest

from ledger.checkpoint.tiles import ENTRIES, GrowingTree, Tile, bundle, entries, hashes, tiles_of
from tests.ledger.checkpoint import reference


@pytest.mark.parametrize(
    ("tile", "expected"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(1, 67, 1), "tile/1/067.p/1"),
        (Tile(0, 1234067, 256), "tile/0/x001/x234/067"),
        (Tile(ENTRIES, 1000, 255), "tile/entries/x001/000.p/255"),
        (Tile(ENTRIES, 999, 256), "tile/entries/999"),
        (Tile(2, 1_000_000, 256), "tile/2/x001/x000/000"),
    ],
)
def test_paths(tile: Tile, expected: str) -> None:
    """Three digits a step, all but the last after an x; partial ones under their width."""
    assert expected == tile.path


def test_the_example_of_70000() -> None:
    """273 full and one partial tile of 112, one full and one of 17 above, one of 1 at the top."""
    found = list(tiles_of(70_000))
    for level in (ENTRIES, 0):
        assert [256] * 273 + [112] == [one.width for one in found if one.level == level]
    assert [256, 17] == [one.width for one in found if one.level == 1]
    assert [1] == [one.width for one in found if one.level == 2]
    assert {ENTRIES, 0, 1, 2} == {one.level for one in found}


def test_the_example_of_256() -> None:
    """A full tile, and a partial one of width 1 above."""
    assert [Tile(ENTRIES, 0, 256), Tile(0, 0, 256), Tile(1, 0, 1)] == list(tiles_of(256))


def test_contents_at_every_size() -> None:
    """Each tile's hashes are the reference's of the leaves below it; each bundle's entries are the leaves."""
    data = reference.leaves(300)
    growing, full = GrowingTree(), dict[Tile, bytes]()
    for size in range(1, 301):
        full.update(growing.add(data[size - 1 : size]))
        found = full | dict(growing.partial())
        assert set(tiles_of(size)) == set(found)
        for tile in {one for one in found if one.width < 256 or one.index == size // 256 - 1}:
            check(tile, found[tile], data)


def check(tile: Tile, content: bytes, data: list[bytes]) -> None:
    """Hold one tile against the leaves."""
    assert tile.content_bytes == len(content)
    first = tile.index * 256
    if tile.level == ENTRIES:
        assert data[first : first + tile.width] == entries(content)
    elif tile.level == 0:
        expected = [sha256(b"\x00" + one).digest() for one in data[first : first + tile.width]]
        assert expected == hashes(content)
    else:
        spans = range(first, first + tile.width)
        assert [reference.mth(data[at * 256 : (at + 1) * 256]) for at in spans] == hashes(content)


def test_entries_carry_their_length() -> None:
    """Two bytes, then the 72 of the leaf; another length is refused."""
    data = reference.leaves(2)
    assert b"\x00\x48" + data[0] + b"\x00\x48" + data[1] == bundle(data)
    for wrong in (bundle(data)[:-1], b"\x00\x47" + bundle(data)[2:], bundle(data) + b"\x00"):
        with pytest.raises(ValueError, match="another length"):
            entries(wrong)
