"""Proofs at every size from 1 to 300 are the reference's, lead to the root, and are refused with one bit flipped."""

import random

import pytest

from ledger.checkpoint.merkle_proof import (
    ProofError,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
)
from ledger.checkpoint.tiles import GrowingTree, Tile, subtree_of
from ledger.checkpoint.tree import Subtree, leaf_hash
from tests.ledger.checkpoint import reference
from tests.ledger.checkpoint.reference import flipped

MOST = 300
DATA = reference.leaves(MOST)


@pytest.fixture(scope="module")
def roots() -> list[bytes]:
    """The reference's root of each size."""
    return [reference.mth(DATA[:size]) for size in range(MOST + 1)]


def subtree(size: int) -> Subtree:
    """Return the hashes of a tree over the first `size` leaves, read from its tiles."""
    growing = GrowingTree()
    kept: dict[Tile, bytes] = dict(growing.add(DATA[:size]))
    kept.update(growing.partial())
    return subtree_of(size, kept.__getitem__)


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_inclusion(size: int, roots: list[bytes]) -> None:
    """Of the first, the last and some leaves between: as the reference has it; no bit of it can be changed."""
    picked, rng = subtree(size), random.Random(size)
    for index in {0, size - 1, size // 2, *(rng.randrange(size) for _ in range(5))}:
        leaf, proof = leaf_hash(DATA[index]), inclusion_proof(index, size, picked)
        assert reference.path(index, DATA[:size]) == proof
        check_inclusion(leaf, index, size, roots[size], proof)
        bit = rng.randrange(256)
        for at in range(len(proof)):
            with pytest.raises(ProofError):
                check_inclusion(
                    leaf, index, size, roots[size], [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]]
                )
        with pytest.raises(ProofError):
            check_inclusion(flipped(leaf, bit), index, size, roots[size], proof)
        with pytest.raises(ProofError):
            check_inclusion(leaf, index, size, flipped(roots[size], bit), proof)


@pytest.mark.parametrize("size", range(1, MOST + 1))
def test_consistency(size: int, roots: list[bytes]) -> None:
    """With the first, the last and some sizes between: as the reference has it; no bit of it can be changed."""
    picked, rng = subtree(size), random.Random(size)
    for old in {1, size, max(1, size - 1), max(1, size // 2), *(rng.randrange(1, size + 1) for _ in range(5))}:
        proof = consistency_proof(old, size, picked)
        assert reference.proof(old, DATA[:size]) == proof
        check_consistency((old, roots[old]), (size, roots[size]), proof)
        bit = rng.randrange(256)
        for at in range(len(proof)):
            broken = [*proof[:at], flipped(proof[at], bit), *proof[at + 1 :]]
            with pytest.raises(ProofError):
                check_consistency((old, roots[old]), (size, roots[size]), broken)
        with pytest.raises(ProofError):
            check_consistency((old, flipped(roots[old], bit)), (size, roots[size]), proof)
        with pytest.raises(ProofError):
            check_consistency((old, roots[old]), (size, flipped(roots[size], bit)), proof)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 9, 255, 256, 257])
def test_a_hash_too_many_or_too_few(size: int, roots: list[bytes]) -> None:
    """Is refused, wherever it is missing or added."""
    picked = subtree(size)
    for index in {0, size - 1, size // 2}:
        proof = inclusion_proof(index, size, picked)
        for wrong in ([*proof, bytes(32)], [bytes(32), *proof], *([proof[:-1], proof[1:]] if proof else [])):
            with pytest.raises(ProofError):
                check_inclusion(leaf_hash(DATA[index]), index, size, roots[size], wrong)
    for old in {1, size // 2 or 1, size}:
        proof = consistency_proof(old, size, picked)
        for wrong in ([*proof, bytes(32)], [bytes(32), *proof], *([proof[:-1], proof[1:]] if proof else [])):
            with pytest.raises(ProofError):
                check_consistency((old, roots[old]), (size, roots[size]), wrong)


def test_a_leaf_elsewhere_is_refused(roots: list[bytes]) -> None:
    """The same proof and leaf under every other index of the tree."""
    size, index = 100, 41
    proof = inclusion_proof(index, size, subtree(size))
    for other in range(size):
        if other != index:
            with pytest.raises(ProofError):
                check_inclusion(leaf_hash(DATA[index]), other, size, roots[size], proof)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_no_such_leaf(index: int, size: int) -> None:
    """Nothing is proven of a leaf that is not in the tree."""
    with pytest.raises(ValueError, match="want one that is in it"):
        inclusion_proof(index, size, subtree(5))
    with pytest.raises(ProofError):
        check_inclusion(bytes(32), index, size, bytes(32), [])


@pytest.mark.parametrize(("old", "new"), [(0, 5), (6, 5)])
def test_no_smaller_tree(old: int, new: int) -> None:
    """A tree extends one that has leaves, and no more of them than it has."""
    with pytest.raises(ValueError, match="want the second"):
        consistency_proof(old, new, subtree(5))
    with pytest.raises(ProofError):
        check_consistency((old, bytes(32)), (new, bytes(32)), [])
