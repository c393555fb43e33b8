"""The folder of stores: `CURRENT` names the one in use, so a rebuild is made beside it and swapped by one rename."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ledger.errors import LedgerError, unwritable
from ledger.files.durable import sync_folder
from ledger.store.home import CURRENT, PROJECTIONS, point_current
from ledger.store.writer_lock import WriterLock
from projections.store.store import Store, opened

LOCK_FILE = "lock"
NAME_PREFIX = "store-"
RETRIES = 3


class Shelf:
    """Where one ledger's stores lie: `projections/` in its folder."""

    def __init__(self, ledger_folder: Path) -> None:
        self.root = ledger_folder / PROJECTIONS

    def writable(self) -> bool:
        """Whether this user may write here, or make the folder."""
        return os.access(self.root if self.root.exists() else self.root.parent, os.W_OK)

    @contextmanager
    def locked(self, timeout_s: float = 0.0) -> Iterator[None]:
        """Be the only one who changes a store here, for the block.

        Two catch-ups would otherwise queue inside LMDB's write transaction, which can neither time out nor be
        interrupted; the one that comes second has nothing to do anyway.

        Raises: WriterLockError when another process or thread is, for `timeout_s`; UnwritableError.
        """
        lock = WriterLock(self.root / LOCK_FILE)
        try:
            with lock.held(timeout_s):
                yield
        finally:
            lock.close()

    def current(self) -> Path | None:
        """Return the folder of the store in use, None where there is none."""
        try:
            name = (self.root / CURRENT).read_bytes().strip()
        except OSError:
            return None
        number = name.removeprefix(NAME_PREFIX.encode())
        return self.root / os.fsdecode(name) if number.isdigit() and name != number else None

    @contextmanager
    def stored(self) -> Iterator[Store | None]:
        """Give the store in use; None where there is none that can be read, since it can be built again."""
        with ExitStack() as stack:
            yield self._enter(stack)

    def fresh(self) -> Path:
        """Return the folder for the next store, nothing in it yet; what a crash left beside the current one is gone.

        The caller holds the lock.
        """
        kept = self.current()
        for folder in self.root.glob(f"{NAME_PREFIX}*"):
            if folder != kept:
                _remove(folder)
        return self.root / f"{NAME_PREFIX}{_number(kept) + 1}"

    def switch(self, folder: Path) -> None:
        """Make `folder` the store in use, by one fsynced rename, and remove the one before it.

        Who reads the one before it goes on: its files stay until it is closed.

        Raises: UnwritableError.
        """
        replaced = self.current()
        try:
            sync_folder(folder)
            point_current(self.root, folder)
            if replaced is not None and replaced.exists():
                _remove(replaced)
        except OSError as error:
            raise unwritable(self.root, error) from error

    def forget(self) -> None:
        """Make it that nothing is stored and no head remembered, once a person accepted another log."""
        with self.locked(timeout_s=10.0):
            (self.root / CURRENT).unlink(missing_ok=True)
            sync_folder(self.root)

    def _enter(self, stack: ExitStack) -> Store | None:
        for _ in range(RETRIES):
            folder = self.current()
            if folder is None:
                return None
            try:
                return stack.enter_context(opened(folder))
            except LedgerError:
                # A rebuild may have removed it since CURRENT was read; then CURRENT names the next one.
                if self.current() == folder:
                    return None
        return None


def _number(folder: Path | None) -> int:
    return 0 if folder is None else int(folder.name.removeprefix(NAME_PREFIX))


def _remove(folder: Path) -> None:
    # Imported here: it costs a fifth of what reading commands spend on imports, and they remove nothing.
    from shutil import rmtree

    rmtree(folder)
