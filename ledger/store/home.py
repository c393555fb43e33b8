"""A data folder: `CURRENT` names the ledger folder in use, so one atomic rename switches ledgers.

Source: docs/format.md, "Folders"; the trick is LevelDB's.
"""

import os
import re
from collections.abc import Sequence
from pathlib import Path

from ledger.errors import AnchorDamagedError, NotALedgerError, UnreadableError, unwritable
from ledger.files.durable import put_file, sync_folder
from ledger.store.anchor import read_anchor

CURRENT = "CURRENT"
DATA_FILE = "data.mdb"
ANCHOR_FILE = "head"
PROJECTIONS = "projections"
LOCKS = "locks"
SAMPLE = "sample"

_FOLDER_NAME = re.compile(r"ledger-([1-9][0-9]*)")


class LedgerHome:
    """Where a ledger, the ledgers that it replaced, and its locks live."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._current = os.path.join(root, CURRENT)  # made once: `stamp` is asked at every append

    @property
    def locks(self) -> Path:
        """The folder of lock files: one a ticker, and the writer lock."""
        return self.root / LOCKS

    @property
    def writer_lock(self) -> Path:
        """The file that whoever appends, creates or restores holds locked."""
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
            text = path.read_text("ascii")
        except FileNotFoundError:
            self._refuse_lost_current()
            return None
        except UnicodeDecodeError as error:
            raise NotALedgerError(path, "bytes that are no text") from error
        except NotADirectoryError as error:
            raise UnreadableError(self.root, error.strerror or str(error), want="a folder") from error
        except OSError as error:
            raise UnreadableError(path, error.strerror or str(error)) from error
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
            raise UnreadableError(self.root, error.strerror or str(error)) from error
        return [self.root / name for name in sorted(names, key=lambda name: int(name.split("-")[1]))]

    def next_folder(self) -> Path:
        """Return the folder that the next ledger takes; it does not exist yet."""
        numbers = [int(folder.name.split("-")[1]) for folder in self.folders()]
        return self.root / f"ledger-{max(numbers, default=0) + 1}"

    def switch(self, folder: Path) -> None:
        """Make `folder` the ledger in use, by one fsynced rename; the caller holds the writer lock."""
        temporary = self.root / f"{CURRENT}.new"
        try:
            put_file(temporary, f"{folder.name}\n".encode())
            temporary.rename(self.root / CURRENT)
            sync_folder(self.root)
        except OSError as error:
            raise unwritable(self.root, error) from error

    def switch_token(self) -> tuple[int, int] | None:
        """Return what changes whenever `switch` runs (inode and time of `CURRENT`), for a fraction of a read."""
        try:
            found = os.stat(self._current)
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _refuse_lost_current(self) -> None:
        # A lost CURRENT must not quietly start a second ledger beside the first.
        folders = self.folders()
        # Looked for once more at the end: another process may have made the ledger, and used it, since.
        if folders and not _never_used(folders) and self.switch_token() is None:
            raise NotALedgerError(self.root, f"{folders[-1].name} and no {CURRENT} that names it")


def _never_used(folders: Sequence[Path]) -> bool:
    """Whether `folders` are what a creation leaves that is killed before its switch; the next creation takes it up.

    Told by the anchor, which remembers one event until the first append.
    """
    try:
        head = read_anchor(folders[0] / ANCHOR_FILE)
    except (AnchorDamagedError, UnreadableError):
        return False
    return len(folders) == 1 and head is not None and head.size == 1
