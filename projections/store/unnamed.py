"""A store whose files have no name: it is gone with the process that made it, however that ends."""

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from ledger.errors import UnwritableError, unwritable
from ledger.files.atomic_file import sweep
from ledger.files.durable import PRIVATE_FOLDER, give_to_owner
from projections.fold.projection import Projection
from projections.store.store import Store, create, models_of

PREFIX = "b3-ledger-unnamed-"


@contextmanager
def unnamed_store(place: Path, projections: Sequence[Projection]) -> Iterator[Store]:
    """Give a new store of empty tables on the disk of the folder `place`, in which nothing of it stays.

    Its files lose their names as soon as they are open; what a process that was killed before that left is removed.

    Raises: UnwritableError where there is no such folder; what `create` and `Store` raise.
    """
    from shutil import rmtree

    if not place.is_dir():
        raise UnwritableError(place, os.strerror(errno.ENOENT))
    sweep(place, f"{PREFIX}*", rmtree)
    held, folder = locked_folder(place)
    try:
        create(folder, models_of(projections))
        store = Store(folder, durable=False)
    finally:
        rmtree(folder, ignore_errors=True)
        os.close(held)
    with closing(store):
        yield store


def locked_folder(place: Path) -> tuple[int, Path]:
    """Return a new folder in `place`, open and locked, so that nobody takes it for one that a crash left.

    Raises: UnwritableError and its like.
    """
    while True:
        folder = place / f"{PREFIX}{os.urandom(8).hex()}"
        with ExitStack() as opened:
            try:
                # Not made durable, nor looked at again by its name: until it is locked a sweep may take it away.
                folder.mkdir(PRIVATE_FOLDER)
                fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
                opened.callback(os.close, fd)
                give_to_owner(fd, place)
                fcntl.flock(fd, fcntl.LOCK_EX)
            except FileNotFoundError:
                if place.is_dir():
                    continue  # another process swept it between the two calls, as one that a crash left
                raise UnwritableError(place, os.strerror(errno.ENOENT)) from None
            except OSError as error:
                raise unwritable(folder, error) from error
            if folder.exists():
                opened.pop_all()
                return fd, folder
