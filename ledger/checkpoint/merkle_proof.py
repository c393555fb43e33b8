"""Inclusion and consistency proofs: the ranges whose hashes they are, and their checks. Pure.

At most 2 * log2(size) hashes, in the order of the standard: from the leaf, or the old tree, up to the root.

Source: RFC 6962, sections 2.1.1 and 2.1.2; the checks are those of RFC 9162, sections 2.1.3.2 and 2.1.4.2.
"""

from collections.abc import Iterator, Sequence

from ledger.checkpoint.tree import Subtree, node_hash, range_hash

Range = tuple[int, int]  # leaves [start, stop)


class ProofError(ValueError):
    """A proof does not lead to the root that it is for."""


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """Return the ranges whose hashes prove that leaf `index` is in the tree over the first `size` leaves.

    Raises: ValueError when that tree has no such leaf.
    """
    _require(0 <= index < size, f"leaf {index} of a tree of {size}", "one that is in it")
    return list(_siblings(index, 0, size))


def _siblings(index: int, start: int, stop: int) -> Iterator[Range]:
    if stop - start == 1:
        return
    middle = _middle(start, stop)
    if index < middle:
        yield from _siblings(index, start, middle)
        yield middle, stop
    else:
        yield from _siblings(index, middle, stop)
        yield start, middle


def consistency_ranges(old: int, new: int) -> list[Range]:
    """Return the ranges whose hashes prove that the tree over `new` leaves extends the one over the first `old`.

    Raises: ValueError unless 0 < old <= new.
    """
    _require(0 < old <= new, f"trees of {old} and {new} leaves", "the second at least as large as the first")
    return list(_extension(old, 0, new, whole=True))


def _extension(old: int, start: int, stop: int, *, whole: bool) -> Iterator[Range]:
    if old == stop:
        if not whole:
            yield start, stop
        return
    middle = _middle(start, stop)
    if old <= middle:
        yield from _extension(old, start, middle, whole=whole)
        yield middle, stop
    else:
        yield from _extension(old, middle, stop, whole=False)
        yield start, middle


def _middle(start: int, stop: int) -> int:
    return start + (1 << (stop - start - 1).bit_length() - 1)


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Return the hashes of `inclusion_ranges`."""
    return [range_hash(*one, subtree) for one in inclusion_ranges(index, size)]


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Return the hashes of `consistency_ranges`."""
    return [range_hash(*one, subtree) for one in consistency_ranges(old, new)]


def check_inclusion(leaf: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> None:
    """Return quietly when `proof` leads from the leaf hash `leaf`, at `index`, to the `root` over `size` leaves.

    Raises: ProofError.
    """
    _require(0 <= index < size, f"leaf {index} of a tree of {size}", "one that is in it")
    first, last, found = index, size - 1, leaf
    for sibling in proof:
        _require(last > 0, f"{len(proof)} hashes", "fewer")
        if first & 1 or first == last:
            found = node_hash(sibling, found)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        first, last = first >> 1, last >> 1
    _require(last == 0, f"{len(proof)} hashes", "more")
    _require(found == root, f"root {found.hex()}", root.hex())


def check_consistency(old: tuple[int, bytes], new: tuple[int, bytes], proof: Sequence[bytes]) -> None:
    """Return quietly when `proof` shows that the tree `new` (size, root) extends the tree `old`.

    Raises: ProofError.
    """
    (old_size, old_root), (new_size, new_root) = old, new
    _require(0 < old_size <= new_size, f"trees of {old_size} and {new_size} leaves", "the second as large or larger")
    if old_size == new_size:
        _require(not proof, f"{len(proof)} hashes", "none")
        _require(old_root == new_root, f"root {new_root.hex()}", old_root.hex())
        return
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    _require(bool(path), "no hashes", "some")
    first, last = old_size - 1, new_size - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    old_found = new_found = path[0]
    for one in path[1:]:
        _require(last > 0, f"{len(proof)} hashes", "fewer")
        if first & 1 or first == last:
            old_found, new_found = node_hash(one, old_found), node_hash(one, new_found)
            while first and not first & 1:
                first, last = first >> 1, last >> 1
        else:
            new_found = node_hash(new_found, one)
        first, last = first >> 1, last >> 1
    _require(last == 0, f"{len(proof)} hashes", "more")
    _require(old_found == old_root, f"root {old_found.hex()} of the smaller tree", old_root.hex())
    _require(new_found == new_root, f"root {new_found.hex()} of the larger tree", new_root.hex())


def _require(holds: bool, found: str, wanted: str) -> None:  # noqa: FBT001 - reads as the condition that it is
    if not holds:
        message = f"got {found}, want {wanted}"
        raise ProofError(message)
