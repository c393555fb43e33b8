"""A tree that is published at a URL: tiles, and each checkpoint as `checkpoints/<size>`, all of them written once.

Who signs next is settled before a tile is put there, by `checkpoints/<size before>.next`, which only one can write:
so no two machines publish two histories, however they race, nor tiles of both. The object `checkpoint` is a
convenience that follows.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ledger.checkpoint.errors import SignedElsewhereError
from ledger.checkpoint.note import split_note
from ledger.checkpoint.published import missing_lines
from ledger.checkpoint.published_tree import AT_ONCE, CHECKPOINT, TILES, PublishedTree
from ledger.checkpoint.statement import Statement, parse_statement
from ledger.checkpoint.tiles import Tile
from ledger.errors import unwritable
from ledger.objects.errors import ObjectDiffersError, StoreError
from ledger.objects.place import ObjectPlace
from ledger.objects.segments import CHECKPOINTS

TRIES = 5  # at naming the newest checkpoint, while others do
STAMP_HEX = 12

_KEPT = re.compile(rf"{CHECKPOINTS}/([1-9][0-9]{{0,18}})")


class PublishedObjects(PublishedTree):
    """The objects of one log's checkpoints at `place`."""

    def __init__(self, place: ObjectPlace) -> None:
        super().__init__(place.url)
        self.place = place

    def read(self, name: str) -> bytes | None:
        """Return what the object `name` holds, None where there is none.

        Raises: StoreError.
        """
        found = self.place.find(name)
        return None if found is None else found.content

    def notes(self) -> tuple[bytes, ...]:
        """Return what the object `checkpoint` names, and the largest of the checkpoints that are kept.

        Raises: StoreError.
        """
        kept = [int(match[1]) for one in self.place.objects(CHECKPOINTS) if (match := _KEPT.fullmatch(one.name))]
        names = (CHECKPOINT, *([f"{CHECKPOINTS}/{max(kept)}"] if kept else []))
        return tuple(note for name in names if (note := self.read(name)) is not None)

    def claims(self, size: int, /) -> tuple[Statement, ...]:
        """Return what was to be signed after the checkpoint of `size`, each on top of the one before.

        Raises: NoteError for a claim that states nothing, ObjectDiffersError for one of no more than the one before;
        StoreError.
        """
        found = list[Statement]()
        while (text := self.read(_claim_name(size))) is not None:
            found.append(parse_statement(text.decode(errors="replace")))
            if found[-1].size <= size:
                raise ObjectDiffersError(self.where, _claim_name(size))
            size = found[-1].size
        return tuple(found)

    def claim(self, size: int, statement: Statement) -> None:
        """Make `statement` the only one that may be published after the checkpoint of `size`, 0 for the first.

        Raises: SignedElsewhereError where another one is; StoreError, UnwritableError.
        """
        try:
            self.place.put(_claim_name(size), statement.text().encode())
        except ObjectDiffersError as error:
            raise SignedElsewhereError(self.where) from error

    def put_checkpoint(self, statement: Statement, note: bytes) -> None:
        """Keep `note` as an object of its own, which is never replaced.

        Raises: ObjectDiffersError; StoreError, UnwritableError.
        """
        self.place.put(f"{CHECKPOINTS}/{statement.size}", note)

    def put_timestamp(self, statement: Statement, answer: bytes) -> str | None:
        """Keep what an authority said of a checkpoint beside it, under a name by its content; return its URL.

        Raises: as `put_checkpoint` does.
        """
        name = f"{CHECKPOINTS}/{statement.size}.{sha256(answer).hexdigest()[:STAMP_HEX]}.tsr"
        self.place.put(name, answer)
        return f"{self.where}/{name}"

    def join(self, statement: Statement, lines: Sequence[str]) -> None:
        """Add signatures to the object `checkpoint`, unless it names another one meanwhile.

        Raises: StoreError, UnwritableError.
        """
        for _ in range(TRIES):
            found = self.place.find(CHECKPOINT)
            if found is None or split_note(found.content)[0] != statement.text():
                return
            new = missing_lines(found.content, lines)
            if not new or self.place.replace(CHECKPOINT, found.content + new, before=found):
                return
        raise StoreError(self.where, f"{CHECKPOINT} was changed {TRIES} times")

    def point_to(self, statement: Statement, note: bytes) -> None:
        """Let the object `checkpoint` name `note`, unless it names a newer one, or this with more signatures.

        Raises: StoreError, UnwritableError.
        """
        for _ in range(TRIES):
            found = self.place.find(CHECKPOINT)
            if found is not None and parse_statement(split_note(found.content)[0]).size >= statement.size:
                return
            if self.place.replace(CHECKPOINT, note, before=found):
                return
        raise StoreError(self.where, f"{CHECKPOINT} was changed {TRIES} times")

    def checkpoint_at(self, statement: Statement, /) -> str:
        """Return the URL of the checkpoint that is never replaced."""
        return f"{self.where}/{CHECKPOINTS}/{statement.size}"

    @contextmanager
    def staged(self, covered: int, /) -> Iterator["StagedObjects"]:
        """Give a place for new tiles, which have their names once `publish` is called; else nothing of them stays.

        Of those of the first `covered` events lengths are compared; `main verify` compares all bytes.

        Raises: DiskFullError, UnwritableError for what fails in the block too; StoreError.
        """
        with tempfile.TemporaryDirectory(prefix="b3-ledger-") as folder:
            try:
                yield StagedObjects(self.place, Path(folder), covered)
            except OSError as error:
                raise unwritable(Path(folder), error) from error


class StagedObjects:
    """New tiles among the temporary files, on their way to their place."""

    def __init__(self, place: ObjectPlace, folder: Path, covered: int) -> None:
        self._place, self._folder, self._covered = place, folder, covered
        self._there = {one.name: one.size_bytes for one in place.objects(TILES)}
        self._names = list[str]()

    def add(self, tiles: Iterable[tuple[Tile, bytes]]) -> None:
        """Keep those of `tiles` that are not known to be there.

        Raises: ObjectDiffersError for one that is there with another length.
        """
        for tile, content in tiles:
            found = self._there.get(tile.path)
            if found is not None and found != len(content):
                raise ObjectDiffersError(self._place.url, tile.path)
            if found is None or tile.stop > self._covered:
                (self._folder / str(len(self._names))).write_bytes(content)
                self._names.append(tile.path)

    def publish(self) -> int:
        """Write every one of them, some at once; return how many were not there.

        Raises: ObjectDiffersError where another content has a name; StoreError, UnwritableError.
        """
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return sum(threads.map(self._put, range(len(self._names))))

    def _put(self, number: int) -> bool:
        return self._place.put(self._names[number], (self._folder / str(number)).read_bytes())


def _claim_name(size: int) -> str:
    return f"{CHECKPOINTS}/{size}.next"
