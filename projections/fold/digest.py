"""One digest of everything a projection holds, the same on any machine. Pure."""

from itertools import islice
from struct import Struct

from blake3 import blake3

from projections.fold.tables import Tables

ROWS_TOGETHER = 2048  # hashed in one call: a call per row costs as much as its hash

_length = Struct(">Q").pack


def digest(tables: Tables) -> bytes:
    """Return BLAKE3 over every row as (table, key, value), each preceded by its length, in order; O(rows)."""
    hasher = blake3()
    for name in sorted(tables):
        named = name.encode()
        table = _length(len(named)) + named
        rows = tables[name].scan()
        while together := list(islice(rows, ROWS_TOGETHER)):
            framed = [
                part for key, value in together for part in (table, _length(len(key)), key, _length(len(value)), value)
            ]
            hasher.update(b"".join(framed))
    return hasher.digest()
