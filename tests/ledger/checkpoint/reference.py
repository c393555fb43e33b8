"""RFC 6962, section 2.1, word for word: recursive, slow and obvious; what the tree and its proofs are held against."""

from collections.abc import Sequence
from hashlib import sha256

from ledger.checkpoint.tree import LEAF


def split(size: int) -> int:
    """Return k, the largest power of two smaller than `size`."""
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def mth(data: Sequence[bytes]) -> bytes:
    """Return the Merkle Tree Hash of `data`."""
    if not data:
        return sha256().digest()
    if len(data) == 1:
        return sha256(b"\x00" + data[0]).digest()
    k = split(len(data))
    return sha256(b"\x01" + mth(data[:k]) + mth(data[k:])).digest()


def path(m: int, data: Sequence[bytes]) -> list[bytes]:
    """Return PATH(m, D[n])."""
    if len(data) == 1:
        return []
    k = split(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def proof(m: int, data: Sequence[bytes]) -> list[bytes]:
    """Return PROOF(m, D[n])."""
    return subproof(m, data, whole=True)


def subproof(m: int, data: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """Return SUBPROOF(m, D[n], b)."""
    if m == len(data):
        return [] if whole else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], whole=whole), mth(data[k:])]
    return [*subproof(m - k, data[k:], whole=False), mth(data[:k])]


def leaves(count: int) -> list[bytes]:
    """Return `count` leaves that differ in every field."""
    return [LEAF.pack(seq, sha256(b"link%d" % seq).digest(), sha256(b"body%d" % seq).digest()) for seq in range(count)]


def flipped(data: bytes, bit: int) -> bytes:
    """Return `data` with one bit changed."""
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)
