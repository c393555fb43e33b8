"""Tables of which no row can go missing unseen: each row says which key comes after its own.

What heads a page of the tree says how many rows are in it. A bit that flips there hides some of them, or, further up,
whole pages of them, and what is left is in order and passes every check. Prices and decisions are held against what
the log commits to; every other table is a chain. It begins with a row at the empty key, and a row is handed out once
the one before it names its key; so that a scan is whole once the row before its first one names that, and its last one
names a key past its end, or none.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import add
from struct import Struct
from typing import Any
from zlib import crc32

from projections.fold.keys import past_prefix
from projections.fold.tables import Row, Stored, encode
from projections.store.lmdb_tables import CHECK_BYTES, DamagedRowError, MarkedTable, sealed, unsealed

LINK_BYTES = 4
TAIL_BYTES = LINK_BYTES + CHECK_BYTES
LAST = bytes(LINK_BYTES)  # the link of a row that no other comes after
LEAST = b"\0"  # no key of a table is less, but that of the row that begins its chain
NO_GAP = b"", b""

_packed = Struct(">I").pack


def begun(mark: bytes) -> Row:
    """Return the row, as it is stored, of a table with `mark` in which there is no other."""
    return mark, sealed(mark, LAST)


class LinkedTable(MarkedTable):
    """A table whose rows have a link each: the CRC-32 of the key after theirs. Its mark is one byte.

    Reading raises DamagedRowError where a row is not what was written, or where one is missing; and so does writing.
    """

    # Two keys in between which, the first one included, there is no row: by one that was looked for, until one is put.
    _gap: tuple[bytes, bytes | None] = NO_GAP

    def get(self, key: bytes) -> bytes | None:
        """Return the value at `key`; None where there is none, by the row before it."""
        whole = self._mark + key
        first, after = self._gap
        # A fold asks for thousands of new keys, in order: one look at the row before them tells of all.
        if first and first <= whole and (after is None or whole < after):
            return None
        stored: bytes | None = self._get(whole)
        if stored is not None:
            return unsealed(self._folder, whole, stored)[:-LINK_BYTES]
        self._gap = whole, self._around(self._txn.cursor(), whole)[2]
        return None

    def named(self, key: bytes) -> bytes:
        """Return the value at `key`, of which another row says that it is there."""
        value = self.get(key)
        if value is None:
            raise DamagedRowError(self._folder, self._mark + key)
        return value

    def put(self, key: bytes, value: bytes) -> None:
        """Make `value` the one at `key`."""
        self.put_all(((key, value),))

    def store(self, key: bytes, row: Stored) -> None:
        """Make `row`, as msgpack, the value at `key`."""
        self.put_all(((key, encode(row)),))

    def put_all(self, rows: Sequence[Row]) -> None:
        """Put rows, which come in order of keys, each once; those that are new and lie side by side cost least.

        A row that is stored already, to the byte, is left where it is: to put it would write its page anew.
        """
        self._gap = NO_GAP
        mark, get, at = self._mark, self._get, 0
        whole = [mark + key for key, _ in rows]
        again: list[bytes] = []
        ended: list[bytes] = []
        while at < len(rows):
            stored = get(whole[at])
            if stored is None:
                if again:  # the last of them may be the one before what is new
                    self._seal(again, ended, map(crc32, again))
                    again, ended = [], []
                at = self._insert(whole, rows, at)
            else:
                with_link = rows[at][1] + stored[-TAIL_BYTES:-CHECK_BYTES]
                if not stored.startswith(with_link) or stored != sealed(whole[at], with_link):
                    again.append(whole[at])
                    ended.append(with_link)
                at += 1
        if again:
            self._seal(again, ended, map(crc32, again))

    def delete(self, key: bytes) -> None:
        """Make `key` absent; harmless when it is."""
        self._gap = NO_GAP
        whole = self._mark + key
        stored = self._get(whole)
        if stored is not None:
            before, value, _ = self._around(self._txn.cursor(), whole, there=True)
            link = unsealed(self._folder, whole, stored)[-LINK_BYTES:]
            self._put(before, sealed(before, value + link))
            self._delete(whole)

    def scan(self, prefix: bytes = b"", *, reverse: bool = False, start: bytes = b"") -> Iterator[Row]:
        """Yield the rows from `start` on whose key begins with `prefix`; O(log n), the rows, and one on each side."""
        whole = self._mark + prefix
        first, end = max(whole, self._mark + (start or LEAST)), past_prefix(whole)
        return self._backwards(first, end) if reverse else self._forwards(first, end)

    def _insert(self, whole: Sequence[bytes], rows: Sequence[Row], at: int) -> int:
        """Put the rows from `at` on that are before the next one that is stored, and return how far they go.

        Their keys are `whole`.
        """
        before, value, after = self._around(self._txn.cursor(), whole[at])
        stop = len(rows) if after is None else bisect_left(whole, after, at)
        keys, last = whole[at:stop], LAST if after is None else _packed(crc32(after))
        sums = [*map(crc32, keys)]
        first, *links = [*map(_packed, sums), last]
        self._put(before, sealed(before, value + first))
        if len(keys) == 1:  # most often, where each of many tickers has a row more
            self._put(keys[0], sealed(keys[0], rows[at][1] + last))
        else:
            self._seal(keys, [*map(add, [value for _, value in rows[at:stop]], links)], sums)
        return stop

    def _seal(self, keys: Sequence[bytes], ended: Sequence[bytes], sums: Iterable[int]) -> None:
        """Put at each of the `keys`, whose CRC-32 are `sums`, what ends in a link already, with its check.

        `sealed` for many, without a call of ours for each.
        """
        checks = map(_packed, map(crc32, ended, sums))
        self._txn.cursor().putmulti(zip(keys, map(add, ended, checks), strict=True))

    def _around(self, cursor: Any, key: bytes, *, there: bool = False) -> tuple[bytes, bytes, bytes | None]:
        """Return key and value of the row before `key`, and the key of the next one, None where there is none.

        That is `key` itself where it is `there`.

        Raises: DamagedRowError where the one before does not name the next one, or where that is another than it is.
        """
        found = cursor.set_range(key)
        named = cursor.key() if found else b""
        after: bytes | None = named if named.startswith(self._mark) else None
        if not (cursor.prev() if found else cursor.last()):
            raise DamagedRowError(self._folder, key)
        before, stored = cursor.item()
        value = self._in_chain(before, stored)
        beside = before < key and (after == key if there else after is None or after > key)
        if not beside or value[-LINK_BYTES:] != (LAST if after is None else _packed(crc32(after))):
            raise DamagedRowError(self._folder, key)
        return before, value[:-LINK_BYTES], after

    def _in_chain(self, key: bytes, stored: bytes) -> bytes:
        """Return the value of a row of this table, with its link."""
        if not key.startswith(self._mark):
            raise DamagedRowError(self._folder, key)
        return unsealed(self._folder, key, stored)

    def _forwards(self, first: bytes, end: bytes | None) -> Iterator[Row]:
        """Yield the rows in [first, end), each once the one before it named it."""
        cursor, skip = self._txn.cursor(), len(self._mark)
        if not (cursor.prev() if cursor.set_range(first) else cursor.last()):
            raise DamagedRowError(self._folder, first)
        rows = cursor.iternext()
        key, stored = next(rows)
        link = self._in_chain(key, stored)[-LINK_BYTES:]
        if key >= first:
            raise DamagedRowError(self._folder, key)
        for key, stored in chain(rows, ((b"", b""),)):
            inside = key.startswith(self._mark)
            if link != (_packed(crc32(key)) if inside else LAST):
                raise DamagedRowError(self._folder, key)
            if not inside or (end is not None and key >= end):
                return
            value = unsealed(self._folder, key, stored)
            link = value[-LINK_BYTES:]
            if key >= first:
                yield key[skip:], value[:-LINK_BYTES]

    def _backwards(self, first: bytes, end: bytes | None) -> Iterator[Row]:
        """Yield the rows in [first, end), the last one first, each once it names the one after it."""
        cursor, skip = self._txn.cursor(), len(self._mark)
        if end is None or not cursor.set_range(end):
            cursor.last()
        elif not cursor.key().startswith(self._mark):
            cursor.prev()
        link: bytes | None = LAST if end is None or cursor.key() < end else None
        for key, stored in cursor.iterprev():
            value = self._in_chain(key, stored)
            if link is not None and value[-LINK_BYTES:] != link:
                raise DamagedRowError(self._folder, key)
            if key < first:
                return
            link = _packed(crc32(key))
            if end is None or key < end:
                yield key[skip:], value[:-LINK_BYTES]
        raise DamagedRowError(self._folder, first)
