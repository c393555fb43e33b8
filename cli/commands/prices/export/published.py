"""An export at a place in an object store: what its manifest names is there, or there is no manifest.

Stores cannot rename many objects at once. So a claim first takes the place of `manifest.json`: it says what is there or
will be, and names nothing as an export's. Then files are written, and removed that only the export before had. The
manifest takes the claim's place last; each of the two steps holds only where nobody else came between. What a kill
leaves is a claim, by which the next export knows what is there for its own.
"""

import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec.structs import replace

from cli.app import output
from cli.app.errors import ExportUnderWayError, ForeignObjectError
from cli.commands.prices.export.folder import MANIFEST, MANIFEST_BYTES, named_by
from cli.commands.prices.export.row import CLAIM_FORMAT, ExportClaim, ExportedFile, Manifest
from ledger.files.atomic_file import PART_SUFFIX, SHARED_MODE, part_file, sweep
from ledger.files.durable import make_folder, sync_folder
from ledger.objects.errors import ObjectDiffersError
from ledger.objects.place import FoundObject, ObjectPlace
from projections.api import extras

EXTRA = "objects"
AT_ONCE = 8  # objects that are on their way
PART_BYTES, PARTS_AT_ONCE = 8 * 1024 * 1024, 2  # of a larger object: a request each
RUN_BYTES = 8

T = TypeVar("T")


class HeldExport(NamedTuple):
    """What is at a place: the manifest or the claim, and the names of all other objects."""

    said: FoundObject | None
    names: frozenset[str]


class ExportPlace(ObjectPlace):
    """A place where everything is an export's; unlike a backup's, its objects are replaced and removed."""

    def __init__(self, url: str) -> None:
        super().__init__(url, create=True, shared=True)

    def held(self) -> HeldExport:
        """Return what is there.

        Raises: ForeignObjectError for what no export wrote; StoreError.
        """
        while True:
            said = self.said()
            names = {one.name for one in self.objects() if not (self._folder and one.name.endswith(PART_SUFFIX))}
            strangers = names - named_by(said.content if said else b"")
            if not strangers:
                return HeldExport(said, frozenset(names - {MANIFEST}))
            if said == self.said():  # else they are of an export that began meanwhile
                raise ForeignObjectError(self.url, min(strangers))

    def said(self) -> FoundObject | None:
        """Return the manifest or the claim.

        Raises: StoreError.
        """
        return self.find(MANIFEST, limit_bytes=MANIFEST_BYTES)

    def say(self, content: bytes, *, before: FoundObject | None) -> None:
        """Make `content` the manifest or the claim, where that is still the one `before`.

        Raises: ExportUnderWayError where it is another; StoreError; DiskFullError, UnwritableError.
        """
        if not self.replace(MANIFEST, content, before=before):
            now = self.said()  # a store may have done it, and its answer was lost
            if now is None or now.content != content:
                raise ExportUnderWayError(self.url)

    def claimed_by(self, run: str) -> FoundObject:
        """Return the claim, which is the `run`'s, whoever doubted it.

        Raises: ExportUnderWayError where it is another's, or no claim; StoreError.
        """
        now = self.said()
        claim = claim_in(now)
        if now is None or claim is None or claim.run != run:
            raise ExportUnderWayError(self.url)
        return now

    def doubt(self, claim: ExportClaim) -> None:
        """Have all that is there looked at again: the run of `claim` wrote while the place was another's.

        By that other run, while it is at work; where it has ended, the place is this run's again, and it looks itself.

        Raises: ExportUnderWayError where another is at work; StoreError; DiskFullError, UnwritableError.
        """
        while True:
            said = self.said()
            holder = claim_in(said) or claim
            names = {*claim.names, *(named_by(said.content) if said else ())} - {MANIFEST}
            content = msgspec.json.encode(replace(holder, names=sorted(names), doubts=holder.doubts + 1))
            if self.replace(MANIFEST, content, before=said):
                break
        if holder.run != claim.run:
            raise ExportUnderWayError(self.url)

    def holds(self, file: ExportedFile) -> bool:
        """Return whether the object of that name is there with the file's bytes; a buffer of them in memory.

        Raises: StoreError.
        """
        found = sha256()
        with self.asking():
            try:
                content = self._api.get(self._store, file.path)
            except (FileNotFoundError, self._api.exceptions.NotFoundError):
                return False  # another export may have removed it since it was listed
            for some in content:
                found.update(bytes(some))
        return found.hexdigest() == file.sha256

    def put_file(self, file: ExportedFile, path: Path) -> None:
        """Make the object hold what is at `path`, whole or not at all, and read it back; what it held is replaced.

        Raises: ObjectDiffersError; StoreError; DiskFullError, UnwritableError.
        """
        if self._folder:
            target = self._folder / file.path
            make_folder(target.parent)
            with part_file(target, replace=True, mode=SHARED_MODE, sweeping=False) as part:
                with path.open("rb") as made:
                    for some in iter(partial(made.read, PART_BYTES), b""):
                        part.write(some)
                part.publish()
        else:
            with self.asking(writing=True):
                at_once: dict[str, Any] = {"chunk_size": PART_BYTES, "max_concurrency": PARTS_AT_ONCE}
                self._api.put(self._store, file.path, path, mode="overwrite", **at_once)
        if not self.holds(file):
            raise ObjectDiffersError(self.url, file.path)

    def remove(self, name: str) -> None:
        """Remove the object where it is there, and folders that it leaves empty.

        Raises: StoreError.
        """
        with self.asking(writing=True), suppress(FileNotFoundError, self._api.exceptions.NotFoundError):
            self._api.delete(self._store, name)
        if self._folder:
            folder = (self._folder / name).parent
            with suppress(OSError):  # one that is not empty
                while folder != self._folder:
                    folder.rmdir()
                    folder = folder.parent
            sync_folder(folder)

    def sweep(self) -> None:
        """Remove what a kill left half-written in a folder; stores keep nothing of the kind under a name."""
        if self._folder:
            sweep(self._folder, f"**/.*{PART_SUFFIX}", Path.unlink)


@contextmanager
def fresh_place(url: str) -> Iterator[Path]:
    """Give an empty folder among the temporary files; when the block ends well, what it holds is the export at `url`.

    An export that is there already is replaced, but for files with the same bytes, which are left alone.

    Raises: ForeignObjectError for anything else that is there; ExportUnderWayError; MissingExtraError without obstore;
    PlaceError, StoreError, ObjectDiffersError; DiskFullError, UnwritableError.
    """
    extras.load("obstore", extra=EXTRA)
    place = ExportPlace(url)
    place.held()
    with TemporaryDirectory(prefix="b3-ledger-") as folder:
        yield Path(folder)
        publish(place, Path(folder))


def publish(place: ExportPlace, folder: Path) -> None:
    """Make the export in `folder` that at `place`.

    Raises: as `fresh_place` does.
    """
    content = (folder / MANIFEST).read_bytes()
    files = {file.path: file for file in msgspec.json.decode(content, type=Manifest).files}
    held = place.held()
    changed, gone = _differing(place, held, files)
    if not changed and not gone and claim_in(held.said) is None:
        # Both manifests are true of what is there.
        if held.said is None or held.said.content != content:
            place.say(content, before=held.said)
        return
    names = {*held.names, *files, *(named_by(held.said.content) if held.said else ())} - {MANIFEST}
    claim = ExportClaim(format=CLAIM_FORMAT, run=secrets.token_hex(RUN_BYTES), names=sorted(names))
    place.say(msgspec.json.encode(claim), before=held.said)
    place.sweep()
    looked = claim_in(held.said) is None  # whoever claimed it before may have gone on until now
    while True:
        said = place.claimed_by(claim.run)
        if not looked:
            changed, gone = _differing(place, place.held(), files)
        _write(place, claim, [partial(place.put_file, file, folder / file.path) for file in changed], label="upload")
        _write(place, claim, [partial(place.remove, name) for name in gone], label="clear")
        with suppress(ExportUnderWayError):  # doubted, or another's: whose it is the next look says
            place.say(content, before=said)
            return
        looked = False


def _write(place: ExportPlace, claim: ExportClaim, steps: list[Callable[[], None]], *, label: str) -> None:
    """Take each of the `steps` while the place is the claim's; who loses it meanwhile has what it wrote looked at."""

    def alone(step: Callable[[], None]) -> None:
        place.claimed_by(claim.run)
        try:
            try:
                step()
            except ObjectDiffersError:
                place.claimed_by(claim.run)
                step()  # another wrote there meanwhile: once, since it looks each time whose the place is
            place.claimed_by(claim.run)
        except ExportUnderWayError:
            place.doubt(claim)

    _each(alone, steps, label=label)


def claim_in(said: FoundObject | None) -> ExportClaim | None:
    """Return the claim that stands for the manifest: an export is being written there, or was when it was killed."""
    with suppress(msgspec.DecodeError):
        return None if said is None else msgspec.json.decode(said.content, type=ExportClaim)
    return None


def _differing(
    place: ExportPlace, held: HeldExport, files: dict[str, ExportedFile]
) -> tuple[list[ExportedFile], list[str]]:
    """Return those of the files that are not there with their bytes, and what is there and none of them."""
    there = [file for name, file in files.items() if name in held.names]
    same = {file.path for file, holds in zip(there, _each(place.holds, there, label="compare"), strict=True) if holds}
    return [file for name, file in files.items() if name not in same], sorted(held.names - files.keys())


def _each(work: Callable[[T], Any], over: list[T], *, label: str) -> list[Any]:
    """Return what `work` makes of each, several at once; the first failure ends it."""
    with (
        ThreadPoolExecutor(AT_ONCE) as pool,
        output.progress(pool.map(work, over), label=label, length=len(over)) as done,
    ):
        return list(done)
