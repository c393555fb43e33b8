"""A data folder: `CURRENT` names the ledger folder in use, so one atomic rename switches ledgers.

Source: docs/format.md, "Folders"; the trick is LevelDB's.
"""

import os
import re
from contextlib import suppress
from pathlib import Path

from ledger.errors import AnchorDamagedError, NotALedgerError, UnreadableError, unreadable, unwritable
from ledger.files.durable import put_file, sync_folder
from ledger.files.regular import read_regular
from ledger.store.anchor import read_anchor

CURRENT = "CURRENT"
CURRENT_BYTES = 64 * 1024  # a name has a dozen
DATA_FILE = "data.mdb"
ANCHOR_FILE = "head"
PROJECTIONS = "projections"
LOCKS = "locks"
SAMPLE = "sample"

_FOLDER_NAME = re.compile(r"ledger-([1-9][0-9]*)")


class LedgerHome:
    """Where a ledger, the ledgers that it replaced, and its locks are kept."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._current = os.path.join(root, CURRENT)  # made once: every append asks for `switch_token`

    @property
    def locks(self) -> Path:
        """The folder of lock files: one per ticker, and the writer lock."""
        return self.root / LOCKS

    @property
    def writer_lock(self) -> Path:
        """The file that is locked during every append, creation and restore."""
        return self.locks / "writer.lock"

    @property
    def sample(self) -> "LedgerHome":
        """The home of the sample's own ledger, inside this one."""
        return LedgerHome(self.root / SAMPLE)

    def current(self) -> Path | None:
        """Return the ledger folder in use, None where there never was a ledger.

        Raises: NotALedgerError when `CURRENT` is damaged, names a folder that is gone, or is missing
        beside a ledger that was in use; UnreadableError without permission.
        """
        path = self.root / CURRENT
        try:
            text = read_regular(path, limit_bytes=CURRENT_BYTES).decode("ascii")
        except FileNotFoundError:
            self._refuse_lost_current()
            return None
        except UnicodeDecodeError as error:
            raise NotALedgerError(path, "bytes that are no text") from error
        except NotADirectoryError as error:
            raise unreadable(self.root, error, want="a folder") from error
        except OSError as error:
            raise unreadable(path, error) from error
        name = text.removesuffix("\n")
        if not _FOLDER_NAME.fullmatch(name):
            raise NotALedgerError(path, f"{text[:40]!r}")
        folder = self.root / name
        if not folder.is_dir():
            raise NotALedgerError(path, f"the name of a folder that is gone ({name})")
        return folder

    def folders(self) -> list[Path]:
        """Return all ledger folders here, oldest first, the one in use among them."""
        try:
            names = [entry for entry in os.listdir(self.root) if _FOLDER_NAME.fullmatch(entry)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise unreadable(self.root, error) from error
        return [self.root / name for name in sorted(names, key=lambda name: int(name.split("-")[1]))]

    def next_folder(self) -> Path:
        """Return the folder that the next ledger takes; it does not exist yet."""
        numbers = [int(folder.name.split("-")[1]) for folder in self.folders()]
        return self.root / f"ledger-{max(numbers, default=0) + 1}"

    def switch(self, folder: Path) -> None:
        """Make `folder` the ledger in use; the caller holds the writer lock."""
        point_current(self.root, folder)

    def switch_token(self) -> tuple[int, int] | None:
        """Return (inode, mtime) of CURRENT, which every `switch` changes, None without one; cheaper than reading it."""
        try:
            found = os.stat(self._current)
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _refuse_lost_current(self) -> None:
        """Raise NotALedgerError where a ledger was in use: a lost `CURRENT` must not quietly start a second one."""
        folders = self.folders()
        if not folders:
            return
        # A creation killed before its switch leaves one folder, whose anchor remembers one event until the first
        # append; the next creation uses it.
        with suppress(AnchorDamagedError, UnreadableError):
            head = read_anchor(folders[0] / ANCHOR_FILE)
            if len(folders) == 1 and head is not None and head.size == 1:
                return
        # Looked for once more at the end: another process may have created the ledger, and used it, since.
        if self.switch_token() is None:
            raise NotALedgerError(self.root, f"{folders[-1].name} and no {CURRENT} that names it")


def point_current(root: Path, folder: Path) -> None:
    """Make the `CURRENT` of `root` name `folder`, by one fsynced rename.

    Raises: DiskFullError, UnwritableError; then `CURRENT` names what it named before, or `folder`.
    """
    temporary = root / f"{CURRENT}.new"
    try:
        temporary.unlink(missing_ok=True)  # one that a crash left, perhaps of another user's
        put_file(temporary, f"{folder.name}\n".encode())
        temporary.rename(root / CURRENT)
        sync_folder(root)
    except OSError as error:
        raise unwritable(root, error) from error
