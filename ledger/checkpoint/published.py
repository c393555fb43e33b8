"""A tree that is published in a folder: `checkpoint`, what dates it, and its tiles below `tile/`, each a file."""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ledger.checkpoint.errors import TileError
from ledger.checkpoint.note import split_note
from ledger.checkpoint.published_tree import CHECKPOINT, PublishedTree
from ledger.checkpoint.statement import Statement
from ledger.checkpoint.tiles import Tile
from ledger.errors import unreadable, unwritable
from ledger.files.atomic_file import SHARED_MODE, write_whole
from ledger.files.durable import make_folder, make_private_folder, open_private, pwrite_whole, sync_folder
from ledger.files.regular import read_regular

TIMESTAMP = "checkpoint.tsr"
STAGING = ".b3-ledger-staging"
LONGEST_BYTES = 256 * 1024 * 1024  # of one file; a bundle holds 256 events
FEW_FILES = 16  # so many are synced one by one; for more, one sync of everything is cheaper


class Published(PublishedTree):
    """The files of one log's checkpoints under `folder`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder

    def read(self, name: str) -> bytes | None:
        """Return what is in the file `name`, None where there is none.

        Raises: UnreadableError.
        """
        return _read(self.folder / name)

    def checkpoint_at(self, _statement: Statement, /) -> str:
        """Return the file that holds the newest checkpoint, whichever that is."""
        return str(self.folder / CHECKPOINT)

    def put_checkpoint(self, statement: Statement, note: bytes) -> None:
        """Make `note` the checkpoint, durably, by one rename; the timestamp of another one goes first.

        Raises: DiskFullError, UnwritableError; UnreadableError.
        """
        if (before := self.read(CHECKPOINT)) is not None and not _states(before, statement):
            try:
                (self.folder / TIMESTAMP).unlink(missing_ok=True)
            except OSError as error:
                raise unwritable(self.folder, error) from error
        write_whole(self.folder / CHECKPOINT, note)

    def claims(self, _size: int, /) -> tuple[Statement, ...]:
        """Return that nothing was claimed: nobody has to."""
        return ()

    def claim(self, size: int, statement: Statement) -> None:
        """Do nothing: the caller holds the lock of whoever signs here."""

    def point_to(self, statement: Statement, note: bytes) -> None:
        """Do nothing: there is one name, and `put_checkpoint` gave it."""

    def put_timestamp(self, statement: Statement, answer: bytes) -> str | None:
        """Keep what an authority said of the checkpoint beside it, durably; return the file.

        Raises: DiskFullError, UnwritableError; UnreadableError.
        """
        if not _states(self.read(CHECKPOINT), statement):
            return None
        write_whole(self.folder / TIMESTAMP, answer)
        return str(self.folder / TIMESTAMP)

    def join(self, statement: Statement, lines: Sequence[str]) -> None:
        """Add signatures to the checkpoint, unless another one was published meanwhile.

        Raises: as `put_checkpoint` does.
        """
        note = self.read(CHECKPOINT)
        if note is not None and _states(note, statement) and (new := missing_lines(note, lines)):
            self.put_checkpoint(statement, note + new)

    @contextmanager
    def staged(self, _covered: int, /) -> Iterator["Staging"]:
        """Give a place for new tiles, which have their names once `publish` is called; else nothing of them stays.

        All that are there are compared, whatever is covered. One at a time: the caller holds the lock of whoever signs.

        Raises: DiskFullError, UnwritableError for what fails in the block too.
        """
        staging = Staging(self.folder)
        try:
            staging.prepare()
            yield staging
        except OSError as error:
            raise unwritable(self.folder, error) from error
        finally:
            staging.discard()


def missing_lines(note: bytes, lines: Sequence[str]) -> bytes:
    """Return those of `lines` that are not in `note` yet, as they are added to it."""
    return "".join(line for line in lines if line.encode() not in note).encode()


class Staging:
    """New tiles on their way to their names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._staging = folder / STAGING
        self._names: list[str] = []  # where each belongs; it lies under its number, as text: there are thousands
        self._conflict: Path | None = None

    def prepare(self) -> None:
        """Make an empty place; what a crash left of an earlier one is removed."""
        make_folder(self._folder)
        self.discard()
        make_private_folder(self._staging)

    def add(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Keep those of `tiles` that are not there yet; where another content has the name, `publish` says so."""
        for tile, content in tiles:
            path = self._folder / tile.path
            found = _read(path)
            if found is None:
                fd = open_private(self._staging / str(len(self._names)), os.O_WRONLY, SHARED_MODE)
                try:
                    pwrite_whole(fd, content, 0)
                finally:
                    os.close(fd)
                self._names.append(tile.path)
            elif found != content:
                self._conflict = self._conflict or path

    def publish(self) -> int:
        """Give every file its name, all of them durable; return how many there are.

        Raises: TileError where another content has a name: a published file is never replaced.
        """
        if self._conflict is not None:
            raise TileError(self._conflict, "other bytes than the log's", wanted="the tile that was published")
        self._sync_contents()
        folders = set[Path]()
        for number, name in enumerate(self._names):
            path = self._folder / name
            if path.parent not in folders:
                make_folder(path.parent)
                folders.update((path.parent, *path.parent.parents))
            (self._staging / str(number)).rename(path)
        for folder in sorted(one for one in folders if one.is_relative_to(self._folder)):
            sync_folder(folder)
        return len(self._names)

    def discard(self) -> None:
        """Leave nothing that was not published."""
        shutil.rmtree(self._staging, ignore_errors=True)

    def _sync_contents(self) -> None:
        if len(self._names) > FEW_FILES:
            os.sync()
            return
        for number in range(len(self._names)):
            fd = os.open(self._staging / str(number), os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def _states(note: bytes | None, statement: Statement) -> bool:
    return note is not None and split_note(note)[0] == statement.text()


def _read(path: Path) -> bytes | None:
    try:
        return read_regular(path, limit_bytes=LONGEST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error
