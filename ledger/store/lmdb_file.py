"""The meta pages of an LMDB data file, read as plain bytes: mapping a damaged file can kill the process.

`inspect` guards every `lmdb.open`, of the ledger and of the projections alike; nothing here uses LMDB itself.

Source: LMDB 0.9 `mdb.c`, `MDB_meta`; 64-bit, this machine's byte order.
"""

import os
import stat
import struct
from contextlib import suppress
from pathlib import Path

import msgspec

from ledger.errors import NoLedgerError, NotALedgerError, unreadable

MAGIC = 0xBEEFC0DE
VERSION = 1
PAGE_HEADER_BYTES = 16
META = struct.Struct("=IIQQ48s48sQQ")  # magic, version, address, map size, free db, main db, last page, txn id
PAGE_BYTES = struct.Struct("=I")  # the first field of the free db's record
PAGE_NUMBER = struct.Struct("=Q")  # the first field of every page
PAGE_SIZES = tuple(512 << power for power in range(8))
MAP_BYTES = 1 << 44  # a larger map finds no room in a 47-bit address space, and fails as if memory were short


class MetaPage(msgspec.Struct, frozen=True):
    """What a meta page records about its file."""

    page_bytes: int
    map_bytes: int
    last_page: int
    txn_id: int

    @property
    def file_bytes(self) -> int:
        """How many bytes the file must have at least."""
        return (self.last_page + 1) * self.page_bytes


def inspect(path: Path) -> MetaPage:
    """Return the newest meta page of the data file `path`, which is fit to be mapped.

    A zero-length file would silently become a new ledger, and one cut short would be a SIGBUS.

    Raises: NoLedgerError when there is none; NotALedgerError when it is empty, foreign or cut, or wants a map that no
    process can have; UnreadableError without permission.
    """
    meta, size = _newest_page(path)
    if size < meta.file_bytes:
        raise NotALedgerError(path, f"a file cut to {size} of {meta.file_bytes} bytes")
    return meta


def newest_meta(path: Path) -> MetaPage:
    """Return the newest meta page of the data file `path`, whether or not the file holds all pages that it counts.

    Raises: as `inspect` does, but for a file that was cut behind its meta pages.
    """
    return _newest_page(path)[0]


def readable_metas(path: Path) -> list[int]:
    """Return which of the two meta pages of `path` can be read, the newest first, whatever the other is like."""
    with path.open("rb") as file:
        found = _metas(file.fileno(), path)
    return sorted(found, key=lambda index: found[index].txn_id, reverse=True)


def copy_meta(path: Path, index: int) -> None:
    """Overwrite the other meta page of `path` with the one at `index`, which can be read."""
    with path.open("r+b") as file:
        page_bytes = _metas(file.fileno(), path)[index].page_bytes
        page = os.pread(file.fileno(), page_bytes, index * page_bytes)
        other = PAGE_NUMBER.pack(1 - index) + page[PAGE_NUMBER.size :]
        os.pwrite(file.fileno(), other, (1 - index) * page_bytes)


def _metas(fd: int, path: Path) -> dict[int, MetaPage]:
    """Return the meta pages that can be read, by index; the second is looked for wherever a page size would put it."""
    found = {}
    for index, offset in ((0, 0), *((1, page_bytes) for page_bytes in PAGE_SIZES)):
        with suppress(NotALedgerError):
            meta = _mappable(_meta(os.pread(fd, PAGE_HEADER_BYTES + META.size, offset), path, index), path)
            if offset == index * meta.page_bytes:
                found[index] = meta
    return found


def _newest_page(path: Path) -> tuple[MetaPage, int]:
    """Return the newest meta page of `path`, and how many bytes the file has."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NoLedgerError(path) from error
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            raise NotALedgerError(path, "something other than a regular file")
        if found.st_size == 0:
            raise NotALedgerError(path, "an empty file")
        first = _meta(os.pread(fd, PAGE_HEADER_BYTES + META.size, 0), path, 0)
        second = _meta(os.pread(fd, PAGE_HEADER_BYTES + META.size, first.page_bytes), path, 1)
        if first.page_bytes != second.page_bytes:
            raise NotALedgerError(path, "two meta pages that disagree on the page size")
        # Sized after the meta pages were read: a live file only grows.
        return _mappable(max(first, second, key=lambda meta: meta.txn_id), path), os.fstat(fd).st_size
    finally:
        os.close(fd)


def _mappable(meta: MetaPage, path: Path) -> MetaPage:
    """Return `meta`, whose map size LMDB adopts where it is the newest."""
    if meta.map_bytes > MAP_BYTES:
        raise NotALedgerError(path, f"a map of {meta.map_bytes} bytes")
    return meta


def _meta(raw: bytes, path: Path, index: int) -> MetaPage:
    if len(raw) < PAGE_HEADER_BYTES + META.size:
        raise NotALedgerError(path, f"a file too short for meta page {index}")
    magic, version, _, map_bytes, free_db, _, last_page, txn_id = META.unpack_from(raw, PAGE_HEADER_BYTES)
    if magic != MAGIC:
        raise NotALedgerError(path, f"no LMDB file (meta page {index})")
    if version != VERSION:
        raise NotALedgerError(path, f"an LMDB file of data version {version}")
    (page_bytes,) = PAGE_BYTES.unpack_from(free_db)
    if page_bytes not in PAGE_SIZES:
        raise NotALedgerError(path, f"a page size of {page_bytes} bytes")
    return MetaPage(page_bytes, map_bytes, last_page, txn_id)
