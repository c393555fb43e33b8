"""What is kept of an archive, as tests make, look at and forge it."""

import os
import shutil
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec
from blake3 import blake3

from ledger.chain import Head, Link
from ledger.files.checksum import FileHash
from ledger.store.lmdb_lock import allocate_lock
from projections.fold.tables import State
from projections.store import archive_cache
from projections.store.archive_cache import SCAN, SEAL, KeptScan
from projections.store.registry import ALL
from projections.store.store import Store
from tests.projections.story import told
from tests.support.archives import archive

LOG = told(list(range(60)))
WHOLE = archive(LOG.read())
NAMES = [one.name for one in ALL]


def kept(cache: Path) -> list[str]:
    """Return what is kept, by its path in the folder of its archive."""
    return sorted(str(Path(*one.relative_to(cache).parts[1:])) for one in cache.rglob("*") if one.is_file())


def entry(cache: Path) -> Path:
    """Return the folder of the one archive that is cached."""
    (folder,) = cache.iterdir()
    return folder


def sealed(folder: Path) -> None:
    """Make the seal of a store that of its file as it is now."""
    (folder / SEAL).write_bytes(blake3((folder / "data.mdb").read_bytes()).digest())


def refuse(*_: object, **__: object) -> None:
    """Fail the test: what is kept was to be used."""
    raise AssertionError


def other_head(kept: KeptScan) -> KeptScan:
    """Return the scan with another link at the end."""
    return msgspec.structs.replace(kept, head=Head(kept.head.size, Link(bytes(32))))


def forged(cache: Path, change: Callable[[KeptScan], KeptScan] = lambda kept: kept) -> Path:
    """Have a copy of the one entry be of another file that is as long and ends alike, used last; return its folder."""
    true = entry(cache)
    kept = change(msgspec.msgpack.decode((true / SCAN).read_bytes()[32:], type=KeptScan))
    kept = msgspec.structs.replace(kept, file=FileHash(bytes(32), kept.file.file_bytes))
    folder = cache / archive_cache._name(kept.file, ALL)
    shutil.copytree(true, folder)
    content = msgspec.msgpack.encode(kept)
    (folder / SCAN).write_bytes(archive_cache.blake3(content).digest() + content)
    os.utime(true, (1, 1))
    return folder


def halved(folder: Path) -> None:
    """Take every other row away of all tables there, mend what names them, and seal the stores again."""
    for folder_of in (one for one in folder.iterdir() if one.is_dir()):
        allocate_lock(folder_of)
        with closing(Store(folder_of, durable=False)) as store:
            store.advance(partial(_halved, head=store.head()))
        (folder_of / "lock.mdb").unlink()
        sealed(folder_of)


def _halved(state: State, *, head: Head) -> Head:
    for table in (table for tables in state.values() for table in tables.values()):
        for key in [key for key, _ in table.scan()][::2]:
            table.delete(key)
    return head
