"""The folder of stores: `CURRENT` names the one in use, so a rebuild is made beside it and swapped by one rename."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ledger.errors import LedgerError, ShortageError, UnwritableError, shortage, unwritable
from ledger.files.durable import sync_folder
from ledger.files.regular import read_regular
from ledger.store.home import CURRENT, DATA_FILE, PROJECTIONS, point_current
from ledger.store.writer_lock import WriterLock
from projections.store.store import Store, opened

LOCK_FILE = "lock"
NAME_PREFIX = "store-"
NAME_BYTES = 32  # far more than a number takes
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
        path = self.root / LOCK_FILE
        try:
            lock = WriterLock(path)
        except UnwritableError:
            # Another user's, left in this user's folder: all that it guards can be built again, so it may go.
            with suppress(OSError):
                path.unlink()
            lock = WriterLock(path)
        try:
            with lock.held(timeout_s):
                yield
        finally:
            lock.close()

    def current(self) -> Path | None:
        """Return the folder of the store in use, None where there is none.

        Raises: ShortageError.
        """
        try:
            name = read_regular(self.root / CURRENT, limit_bytes=NAME_BYTES).strip()
        except OSError as error:
            if lacking := shortage(error):
                raise lacking from error
            return None
        number = name.removeprefix(NAME_PREFIX.encode())
        return self.root / os.fsdecode(name) if number.isdigit() and name != number else None

    @contextmanager
    def stored(self, *, needed: bool = False) -> Iterator[Store | None]:
        """Give the store in use; None where there is none that can be read, since it can be built again.

        `needed` where one that could be read but for a shortage must not count as none: to replace it, or to ask it
        which head it remembers.

        Raises: ShortageError when `needed`.
        """
        with ExitStack() as stack:
            yield self._enter(stack, needed=needed)

    def fresh(self) -> Path:
        """Return the folder for the next store, nothing in it yet; what a crash left beside the current one is gone.

        The caller holds the lock.
        """
        kept = self.current()
        for folder in self.root.glob(f"{NAME_PREFIX}*"):
            if folder != kept:
                _remove(folder)
        # Another user's may be left, which this one cannot remove.
        left = [_number(folder) for folder in self.root.glob(f"{NAME_PREFIX}*") if _number(folder)]
        return self.root / f"{NAME_PREFIX}{max(left, default=_number(kept)) + 1}"

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

    def _enter(self, stack: ExitStack, *, needed: bool) -> Store | None:
        for _ in range(RETRIES):
            folder = None
            try:
                if (folder := self.current()) is None:
                    return None
                return stack.enter_context(opened(folder))
            except ShortageError:
                if needed:
                    raise
                return None
            except LedgerError:
                # A rebuild may have removed it since CURRENT was read; then CURRENT names the next one.
                if self.current() == folder:
                    return None
        return None


class KeptOpen:
    """The store in use, open from one view of a run to the next: to open it costs more than to read a series."""

    def __init__(self) -> None:
        self._held = ExitStack()
        self._what: tuple[Path, int] | None = None

    def keep(self, ledger_folder: Path) -> None:
        """Keep open what is in use in the ledger's folder now, and let go of what was before."""
        shelf, what = Shelf(ledger_folder), None
        # The number of the file: a folder that was removed may be made again under its name.
        with suppress(OSError, ShortageError):
            folder = shelf.current()
            what = None if folder is None else (folder, (folder / DATA_FILE).stat().st_ino)
        if what != self._what:
            self.close()
            if self._held.enter_context(shelf.stored()) is not None:
                self._what = what

    def close(self) -> None:
        """Let go of it."""
        self._held.close()
        self._what = None


def _number(folder: Path | None) -> int:
    """Return the number in the name of a store's folder, 0 where there is none."""
    number = "" if folder is None else folder.name.removeprefix(NAME_PREFIX)
    return int(number) if number.isdecimal() and number.isascii() else 0


def _remove(folder: Path) -> None:
    # Imported here: it costs a fifth of what reading commands spend on imports, and they remove nothing.
    from shutil import rmtree

    # What stays is another user's, and only takes space.
    with suppress(PermissionError):
        rmtree(folder)
