"""What is published of one log, wherever that is: checkpoints, and below `tile/` the tree that they are heads of.

Everything below `tile/` is written once. Tiles are durable before the checkpoint that needs them has its name.

Source: C2SP tlog-tiles.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from ledger.checkpoint.errors import TileError
from ledger.checkpoint.statement import Statement
from ledger.checkpoint.tiles import ENTRIES, WIDTH, Tile, entries, tile_at

CHECKPOINT, TILES = "checkpoint", "tile"
AT_ONCE = 16  # requests to a store
KEPT_TILES = 64  # more than one proof looks at


class NewTiles(Protocol):
    """New tiles on their way to their names."""

    def add(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Keep `tiles`; no name is given before `publish`."""
        ...

    def publish(self) -> int:
        """Give every new one its name, all of them durable; return how many there are.

        Raises: TileError, ObjectDiffersError where another content has a name: what is published is never replaced.
        """
        ...


class PublishedTree(ABC):
    """The checkpoints and tiles of one log; `where` is the place, as it is shown."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._held: dict[Tile, bytes] = {}

    @abstractmethod
    def read(self, name: str) -> bytes | None:
        """Return what is published under `name`, None where there is nothing.

        Raises: UnreadableError; StoreError.
        """

    @abstractmethod
    def staged(self, covered: int, /) -> AbstractContextManager[NewTiles]:
        """Give a place for new tiles, which have their names once `publish` is called; else nothing of them stays.

        Those of the first `covered` events were published with a checkpoint that is held by the time of `publish`.

        Raises: DiskFullError, UnwritableError for what fails in the block too; StoreError.
        """

    @abstractmethod
    def put_checkpoint(self, statement: Statement, note: bytes) -> None:
        """Publish `note`, which signs `statement`, durably, as the newest checkpoint.

        Raises: DiskFullError, UnwritableError; UnreadableError; ObjectDiffersError, StoreError.
        """

    @abstractmethod
    def put_timestamp(self, statement: Statement, answer: bytes) -> str | None:
        """Keep what an authority said of a checkpoint beside it, durably; return where, None where it is not there.

        Raises: as `put_checkpoint` does.
        """

    @abstractmethod
    def join(self, statement: Statement, lines: Sequence[str]) -> None:
        """Add signatures to the published note of `statement`, unless another one was published meanwhile.

        Raises: as `put_checkpoint` does.
        """

    @abstractmethod
    def checkpoint_at(self, statement: Statement, /) -> str:
        """Return where the checkpoint of `statement` is kept, as it is shown."""

    def notes(self) -> tuple[bytes, ...]:
        """Return the published checkpoints that a new one has to extend, the newest last.

        Raises: as `read` does.
        """
        found = self.read(CHECKPOINT)
        return () if found is None else (found,)

    @abstractmethod
    def claims(self, size: int, /) -> tuple[Statement, ...]:
        """Return what was to be signed after the checkpoint of `size`, each on top of the one before.

        Raises: NoteError, ObjectDiffersError for a claim that is none; as `read` does.
        """

    @abstractmethod
    def claim(self, size: int, statement: Statement) -> None:
        """Make `statement` the only one that may be published after the checkpoint of `size`, 0 for the first.

        Raises: SignedElsewhereError where another one is; StoreError.
        """

    @abstractmethod
    def point_to(self, statement: Statement, note: bytes) -> None:
        """Let what the newest checkpoint is looked up by name `note`, where it does not yet.

        Raises: StoreError.
        """

    def content(self, tile: Tile) -> bytes:
        """Return what is in a tile, cut from the full one where the partial one is gone.

        Raises: TileError where it is missing or has another length; as `read` does.
        """
        if tile in self._held:
            return self._held[tile]
        whole = Tile(tile.level, tile.index, WIDTH)
        content = self.read(tile.path)
        if content is None and tile != whole:
            content = self.read(whole.path)
            content = None if content is None else content[: tile.content_bytes]
        path = f"{self.where}/{tile.path}"
        if content is None:
            raise TileError(path, "no file", wanted=f"{tile.width} of the tree's hashes")
        if len(content) != tile.content_bytes:
            raise TileError(path, f"{len(content)} bytes", wanted=f"{tile.content_bytes}")
        if len(self._held) == KEPT_TILES:
            del self._held[next(iter(self._held))]
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
            raise TileError(f"{self.where}/{tile.path}", "an entry of another length", wanted="leaves") from error
