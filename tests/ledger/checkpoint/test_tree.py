"""The tree is RFC 6962's."""

from hashlib import sha256

import pytest

from ledger.checkpoint import tree
from ledger.checkpoint.tiles import GrowingTree
from tests.ledger.checkpoint import reference

# The inputs and roots that implementations of certificate transparency test themselves by.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def subtree_over(data: list[bytes]) -> tree.Subtree:
    """Return the reference's hash of each perfect subtree."""
    return lambda level, index: reference.mth(data[index << level : (index + 1) << level])


@pytest.mark.parametrize("size", range(9))
def test_public_vectors(size: int) -> None:
    """The roots over the first inputs are those that every implementation gives; the reference's too."""
    data = [bytes.fromhex(one) for one in INPUTS[:size]]
    assert ROOTS[size] == reference.mth(data).hex() == tree.root(size, subtree_over(data)).hex()


def test_a_leaf_is_seq_link_and_hash_of_the_body() -> None:
    """72 bytes, so that a stranger needs SHA-256 alone."""
    link, body = bytes(range(32)), b"body"
    expected = (7).to_bytes(8, "big") + link + sha256(body).digest()
    assert expected == tree.leaf(7, link, body) == tree.leaves([b"", link + body], start=6)[1]
    assert 72 == len(expected)
    assert sha256(b"\x00" + expected).digest() == tree.leaf_hash(expected)


def test_roots_of_a_growing_tree() -> None:
    """After each of 1,100 leaves, added in runs of all lengths, the root is the reference's; the empty one's first."""
    data = reference.leaves(1100)
    growing, at, run = GrowingTree(), 0, 0
    assert reference.mth([]) == growing.root()
    while at < len(data):
        run = run % 37 + 1
        list(growing.add(data[at : at + run]))
        at = min(at + run, len(data))
        if at <= 300 or at % 5 == 0:
            assert reference.mth(data[:at]) == growing.root()
    assert 1100 == growing.size


def test_ranges_are_the_references() -> None:
    """Every range that a proof can name, cut into perfect subtrees and put together again."""
    data = reference.leaves(70)
    for stop in range(1, 70):
        assert reference.mth(data[:stop]) == tree.range_hash(0, stop, subtree_over(data))
        assert reference.mth(data[64 : 64 + stop % 6 + 1]) == tree.range_hash(64, 65 + stop % 6, subtree_over(data))
