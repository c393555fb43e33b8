"""What was worked out of archives, kept from one command to the next: the scan of each, the read models asked for.

Kept under a name made of the archive's SHA-256, which is taken anew each time, and of whatever decides what is worked
out of those bytes: the formats and the versions of all models. Nothing here is believed past that: a file that does
not hash to its seal is not opened, rows keep their checks and are held against the states that the archive itself
commits to, and whatever is missing, damaged or another user's is worked out again.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
from blake3 import blake3

from ledger.backup.archive_log import ArchiveLog, proven
from ledger.backup.frames import FRAME, HEADER, START, Mark, opened
from ledger.backup.scan import Scan, scan
from ledger.chain import EMPTY_HEAD, Head
from ledger.codec import UNDECODABLE
from ledger.errors import LedgerError, UnreadableError, unreadable
from ledger.files.atomic_file import sweep, write_whole
from ledger.files.checksum import CHANGES, FileHash, hash_file
from ledger.files.durable import make_private_folder, put_file
from ledger.files.hash_beside import HashBeside
from ledger.files.regular import open_regular, read_regular
from ledger.log_source import LogSource, created
from ledger.store.home import DATA_FILE
from ledger.store.lmdb_lock import LOCK_FILE
from projections.fold.projection import Projection
from projections.fold.tables import State
from projections.store import store as stores
from projections.store.commitments import departure
from projections.store.mending import Mending
from projections.store.registry import ALL
from projections.store.replaying import LACKING, AskedFor, folded_aside, places_beside
from projections.store.runner import folded, open_view
from projections.store.store import Store, View, create, models_of
from projections.store.unnamed import PREFIX, locked_folder

FORMAT = "b3-ledger archive cache 1"
FOLDER = "b3-ledger"
SCAN, SEAL = "scan", "seal"
SCAN_BYTES = 256 * 1024 * 1024  # of an archive of terabytes
SEAL_BYTES = 32
NAME_LETTERS = 64  # of a folder: a BLAKE3 in hex
SEALED_BYTES = 256 * 1024  # at a time: what stays in a processor's cache
KEPT_ARCHIVES = 3
OTHERS_MAY_WRITE = 0o022


class KeptScan(msgspec.Struct, frozen=True, array_like=True):
    """What scanning a whole archive found in which nothing was wrong, but for what is read from it in an instant."""

    file: FileHash
    head: Head
    marks: tuple[Mark, ...]


Answer = TypeVar("Answer")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(KeptScan).decode


def cache_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return where this user's archives are cached, None without a home.

    Source: XDG Base Directory Specification; a relative path counts as none.
    """
    given, home = (Path(environment.get(name, "")) for name in ("XDG_CACHE_HOME", "HOME"))
    if given.is_absolute():
        return given / FOLDER
    return home / ".cache" / FOLDER if home.is_absolute() and home.is_dir() else None


class CachedArchive(ArchiveLog):
    """An archive whose scan is kept, and whose read models are once they were asked for."""

    def __init__(self, scanned: Scan, folder: Path, projections: Sequence[Projection]) -> None:
        """Read by a scan that found no flaw; keep what is folded of it in `folder`."""
        super().__init__(scanned)
        self._folder = folder
        self._projections = projections

    def _prove(self) -> None:
        """Called before anything is folded, kept, removed or warned of: raises where this may be another file."""

    @contextmanager
    def view(self) -> Iterator[View]:
        """Give the read models at the archive's head, each from the cache or folded into it once it is asked for."""
        with ExitStack() as asked:
            yield View(self.head(), AskedFor(self._projections, self._kept, asked))

    @contextmanager
    def _kept(self, one: Projection) -> Iterator[State]:
        aside = partial(folded_aside, self, None, [one], places_beside(None))
        with ExitStack() as held:
            store = self._opened(one, held)
            if store is None:
                self._prove()
                store = self._opened(one, held) if self._fill(one) else None
            if store is None:
                yield held.enter_context(aside())
                return

            def fold_again() -> State:
                _remove(self._folder / one.name)
                return held.enter_context(aside())

            stored = held.enter_context(store.view()).state
            yield Mending(
                store.folder, stored, fold_again=fold_again, departure=partial(departure, self), first=self._prove
            ).state

    def _opened(self, one: Projection, held: ExitStack) -> Store | None:
        """Return the store of the projection, None where there is none that is whole."""
        folder = self._folder / one.name
        # Hashed before the engine maps it: a file that is damaged or cut could kill this process.
        with suppress(OSError, LedgerError):
            if read_regular(folder / SEAL, limit_bytes=SEAL_BYTES, follow=False) == _sealed(folder):
                store = held.enter_context(stores.opened(folder, frozen=True))
                if (store.models, store.head()) == (models_of([one]), self.head()):
                    return store
        return None

    def _fill(self, one: Projection) -> bool:
        """Fold the projection into a store that takes its name once it is whole; return whether it did.

        Nothing waits for the disk: what a power cut leaves does not hash to its seal.
        """
        with suppress(OSError, *LACKING), _building(self._folder) as building:
            create(building, models_of([one]))
            with closing(Store(building, durable=False)) as store:
                if folded(self, store, [one], EMPTY_HEAD, self.head().size) != self.head():
                    return False
            (building / LOCK_FILE).unlink()  # of no use where nothing is written any more
            put_file(building / SEAL, _sealed(building))
            # Of two that fill it at once the second one's stands; who reads the first goes on.
            _remove(self._folder / one.name)
            building.rename(self._folder / one.name)
            return True
        return False


class LikelyArchive(CachedArchive):
    """What a file is likely to be while it is hashed: nothing that is read of it counts before it `is_proven`."""

    def __init__(self, scanned: Scan, folder: Path, projections: Sequence[Projection], hashing: HashBeside) -> None:
        """Read by the scan kept in `folder`, to whose end the file leads."""
        super().__init__(scanned, folder, projections)
        self._hashing = hashing
        self.was_proven = False

    def is_proven(self) -> bool:
        """Whether the file is the one that was scanned, once it is hashed; not where it cannot be read."""
        want = FileHash(self.scan.sha256, self.scan.archive_bytes)
        self.was_proven = False
        with suppress(OSError, LedgerError):
            if self._hashing.proves(want):
                _use(self._folder)
                self.was_proven = True
        return self.was_proven

    def _prove(self) -> None:
        if not self.is_proven():
            raise UnreadableError(self.path, CHANGES)


def read_archive(
    path: Path, cache: Path | None, projections: Sequence[Projection] = ALL, *, hashing: HashBeside | None = None
) -> ArchiveLog:
    """Return the archive at `path` as a log, once all of it holds, as `archive_log` does.

    What was worked out of the same bytes before is taken from the folder `cache`, if any, and kept there for the next.
    `hashing` is the hash of the file where it is under way already.

    Raises: as `archive_log` does.
    """
    if cache is None or not _is_ours(cache):
        if hashing is not None:
            hashing.end()  # a scan takes it with the rest
        return ArchiveLog(proven(scan(path)))
    try:
        opened(path).close()  # what is no archive is refused before it is hashed
        file = hash_file(path) if hashing is None else hashing.result()
    except OSError as error:
        raise unreadable(path, error) from error
    folder = cache / _name(file, projections)
    kept = _kept_scan(folder)
    found = _scanned_before(path, kept) if kept is not None and kept.file == file else None
    if found is None:
        found = scan(path)
        if (found.sha256, found.archive_bytes) != (file.sha256, file.file_bytes):
            raise UnreadableError(path, CHANGES)
        if found.flaw is None:
            _keep(found, folder)
    _use(folder)
    return CachedArchive(proven(found), folder, projections)


def answered(
    path: Path,
    cache: Path | None,
    work: Callable[[LogSource, View], Answer],
    projections: Sequence[Projection] = ALL,
    *,
    hashing: HashBeside | None = None,
) -> Answer:
    """Return what `work` makes of the archive at `path` and of its read models; it does nothing but that.

    With `hashing` it begins while the file is hashed, over what is kept of the one that the file is likely to be.
    What that comes to counts, an error too, once the hash has proven it; else `work` is called again, over what
    `read_archive` returns, as if it never had been.

    Raises: as `read_archive` and `work` do.
    """
    likely = None if hashing is None or cache is None else _likely(path, cache, projections, hashing)
    if likely is not None:
        try:
            with likely.view() as view:
                answer = work(likely, view)
        except Exception:
            # Of whatever kind: over what is kept of another file it says nothing of this one.
            if likely.is_proven():
                raise
        else:
            if likely.is_proven():
                return answer
    log = read_archive(path, cache, projections, hashing=hashing)
    with log.view() if isinstance(log, CachedArchive) else open_view(log, None) as view:
        return work(log, view)


def _is_ours(cache: Path) -> bool:
    """Whether the folder is this user's and nobody else may write there; made, mode 0700, where there is none."""
    with suppress(OSError, LedgerError):
        if not os.path.lexists(cache):
            make_private_folder(cache.parent)
            make_private_folder(cache)
        # Opened without following a link: whoever may place one could have it lead to what they wrote.
        fd = os.open(cache, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            found = os.fstat(fd)
        finally:
            os.close(fd)
        return found.st_uid == os.geteuid() and not found.st_mode & OTHERS_MAY_WRITE
    return False


def _name(file: FileHash, projections: Sequence[Projection]) -> str:
    """Return the name of the folder in which what is worked out of a file of that hash is kept."""
    decides = [FORMAT, HEADER, stores.FORMAT, sorted(models_of(projections).items()), file]
    return blake3(_encode(decides)).hexdigest()


def _likely(path: Path, cache: Path, projections: Sequence[Projection], hashing: HashBeside) -> LikelyArchive | None:
    """Return what the file at `path` is likely to be: of what is kept, that used last which is as long and ends so."""
    with suppress(OSError, LedgerError):
        file_bytes = path.stat().st_size
        for folder in _by_use(cache) if _is_ours(cache) else ():
            kept = _kept_scan(folder)
            if kept is None or kept.file.file_bytes != file_bytes or folder.name != _name(kept.file, projections):
                continue
            if (found := _scanned_before(path, kept)) is not None:
                return LikelyArchive(proven(found), folder, projections, hashing)
    return None


def _kept_scan(folder: Path) -> KeptScan | None:
    """Return what is kept in `folder` of a scan, None where there is none that is whole."""
    with suppress(OSError, *UNDECODABLE):
        content = read_regular(folder / SCAN, limit_bytes=SCAN_BYTES, follow=False)
        if blake3(content[SEAL_BYTES:]).digest() == content[:SEAL_BYTES]:
            return _decode(content[SEAL_BYTES:])
    return None


def _scanned_before(path: Path, kept: KeptScan) -> Scan | None:
    """Return what an earlier scan of the same bytes found, None where the file at `path` does not end as it says."""
    found = Scan(
        path=path,
        head=kept.head,
        created=None,
        marks=kept.marks,
        counts=None,
        body_bytes=kept.file.file_bytes - len(HEADER) - FRAME.size * kept.head.size,
        good_bytes=kept.file.file_bytes,
        archive_bytes=kept.file.file_bytes,
        sha256=kept.file.sha256,
        flaw=None,
    )
    try:
        return msgspec.structs.replace(found, created=created(ArchiveLog(found))) if _ends(found) else None
    except (OSError, OverflowError, *UNDECODABLE, LedgerError):
        return None


def _ends(found: Scan) -> bool:
    """Whether the frames behind the last mark end the file, with the head that was found.

    Raises: LedgerError, OverflowError where they are none.
    """
    if found.marks[:1] != (START,):
        return False
    last = found.marks[-1]
    behind = [FRAME.size + len(record.body) for record in ArchiveLog(found).read(last.seq)]
    end = last.seq + len(behind), last.offset_bytes + sum(behind)
    return bool(behind) and end == (found.head.size, found.archive_bytes)


def _keep(found: Scan, folder: Path) -> None:
    """Keep the scan in `folder`, as far as the disk takes it, and what was kept of the archives used last."""
    content = _encode(KeptScan(FileHash(found.sha256, found.archive_bytes), found.head, found.marks))
    with suppress(OSError, LedgerError):
        make_private_folder(folder)
        write_whole(folder / SCAN, blake3(content).digest() + content, mode=0o600)
        from shutil import rmtree

        sweep(folder.parent, f"{PREFIX}*", rmtree)
        for one in [one for one in _by_use(folder.parent) if one != folder][KEPT_ARCHIVES - 1 :]:
            _remove(one)


def _by_use(cache: Path) -> list[Path]:
    """Return the folders of the archives that are kept, the one used last first.

    Raises: OSError.
    """
    used = {one: one.stat().st_mtime_ns for one in cache.iterdir() if len(one.name) == NAME_LETTERS}
    return sorted(used, key=used.__getitem__, reverse=True)


def _use(folder: Path) -> None:
    """Make the archive of `folder` the one used last."""
    with suppress(OSError):
        os.utime(folder)


def _sealed(folder: Path) -> bytes:
    """Return the BLAKE3 of a store's file.

    Raises: OSError.
    """
    with open(open_regular(folder / DATA_FILE, follow=False), "rb") as file:
        hasher = blake3()
        while some := file.read(SEALED_BYTES):
            hasher.update(some)
    return hasher.digest()


@contextmanager
def _building(place: Path) -> Iterator[Path]:
    """Give a new folder in `place` for the block, of which nothing stays under this name."""
    from shutil import rmtree

    make_private_folder(place)
    sweep(place, f"{PREFIX}*", rmtree)
    held, folder = locked_folder(place)
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)
        os.close(held)


def _remove(folder: Path) -> None:
    """Remove the folder, whole or not at all for whoever looks for it, if it is there."""
    from shutil import rmtree

    aside = folder.with_name(f"{PREFIX}{os.urandom(8).hex()}")
    with suppress(OSError):
        folder.rename(aside)
        rmtree(aside)
