"""One digest of everything a projection holds, the same on any machine. Pure."""

from blake3 import blake3

from projections.fold.tables import Tables

LENGTH_BYTES = 8


def digest(tables: Tables) -> bytes:
    """Return BLAKE3 over every row as (table, key, value), each preceded by its length, in order; O(rows)."""
    hasher = blake3()
    for name in sorted(tables):
        table = _framed(name.encode())
        for key, value in tables[name].scan():
            hasher.update(table + _framed(key) + _framed(value))
    return hasher.digest()


def _framed(part: bytes) -> bytes:
    return len(part).to_bytes(LENGTH_BYTES, "big") + part
