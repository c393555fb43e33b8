"""A folder that is published: `checkpoint`, what dates it, and below `tile/` the tree that it is the head of.

Every file below `tile/` is written once. Tiles are durable before the checkpoint that needs them has its name.

Source: C2SP tlog-tiles.
"""

import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.checkpoint.errors import TileError
from ledger.checkpoint.tiles import ENTRIES, WIDTH, Tile, entries, tile_at
from ledger.errors import unreadable, unwritable
from ledger.files.atomic_file import SHARED_MODE, write_whole
from ledger.files.durable import make_folder, make_private_folder, open_private, pwrite_whole, sync_folder
from ledger.files.regular import read_regular

CHECKPOINT, TILES = "checkpoint", "tile"
TIMESTAMP = "checkpoint.tsr"
STAGING = ".b3-ledger-staging"
LONGEST_BYTES = 256 * 1024 * 1024  # of one file; a bundle holds 256 events
FEW_FILES = 16  # so many are synced one by one; for more, one sync of everything is cheaper


class Published:
    """The files of one log's checkpoints under `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._held: dict[Tile, bytes] = {}

    def checkpoint(self) -> bytes | None:
        """Return the checkpoint as it lies there, None where there is none.

        Raises: UnreadableError.
        """
        return _read(self.folder / CHECKPOINT)

    def put_checkpoint(self, note: bytes) -> None:
        """Make `note` the checkpoint, durably, by one rename; the timestamp of another one goes first.

        Raises: DiskFullError, UnwritableError; UnreadableError.
        """
        if (before := self.checkpoint()) is not None and before.split(b"\n\n")[0] != note.split(b"\n\n")[0]:
            try:
                (self.folder / TIMESTAMP).unlink(missing_ok=True)
            except OSError as error:
                raise unwritable(self.folder, error) from error
        write_whole(self.folder / CHECKPOINT, note)

    def put_timestamp(self, answer: bytes) -> Path:
        """Keep what an authority said of the checkpoint beside it, durably; return the file.

        Raises: DiskFullError, UnwritableError.
        """
        write_whole(self.folder / TIMESTAMP, answer)
        return self.folder / TIMESTAMP

    def content(self, tile: Tile) -> bytes:
        """Return what is in a tile, cut from the full one where the partial one is gone.

        Raises: TileError where it is missing or has another length; UnreadableError.
        """
        if tile in self._held:
            return self._held[tile]
        path, whole = self.folder / tile.path, Tile(tile.level, tile.index, WIDTH)
        content = _read(path)
        if content is None and tile != whole:
            content = _read(self.folder / whole.path)
            content = None if content is None else content[: tile.content_bytes]
        if content is None:
            raise TileError(path, "no file", wanted=f"{tile.width} of the tree's hashes")
        if len(content) != tile.content_bytes:
            raise TileError(path, f"{len(content)} bytes", wanted=f"{tile.content_bytes}")
        self._held[tile] = content
        return content

    def leaves(self, index: int, *, size: int) -> list[bytes]:
        """Return the leaves in bundle `index` of a tree over `size` leaves.

        Raises: as `content` does.
        """
        tile = tile_at(ENTRIES, index, size)
        try:
            return entries(self.content(tile))
        except ValueError as error:
            raise TileError(self.folder / tile.path, "an entry of another length", wanted="leaves") from error

    @contextmanager
    def staged(self) -> Iterator["Staging"]:
        """Give a place for new tiles, which have their names once `publish` is called; else nothing of them stays.

        One at a time: the caller holds the lock of whoever signs.

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


class Staging:
    """New tiles on their way to their names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._staging = folder / STAGING
        self._files: list[tuple[Path, Path]] = []  # where each lies, and where it belongs
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
                part = self._staging / str(len(self._files))
                fd = open_private(part, os.O_WRONLY, SHARED_MODE)
                try:
                    pwrite_whole(fd, content, 0)
                finally:
                    os.close(fd)
                self._files.append((part, path))
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
        for part, path in self._files:
            if path.parent not in folders:
                make_folder(path.parent)
                folders.update((path.parent, *path.parent.parents))
            part.rename(path)
        for folder in sorted(one for one in folders if one.is_relative_to(self._folder)):
            sync_folder(folder)
        return len(self._files)

    def discard(self) -> None:
        """Leave nothing that was not published."""
        shutil.rmtree(self._staging, ignore_errors=True)

    def _sync_contents(self) -> None:
        if len(self._files) > FEW_FILES:
            os.sync()
            return
        for part, _ in self._files:
            fd = os.open(part, os.O_RDONLY)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def _read(path: Path) -> bytes | None:
    try:
        return read_regular(path, limit_bytes=LONGEST_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unreadable(path, error) from error
