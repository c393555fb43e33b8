"""The stored read models: one LMDB database, and the head that they all stand at.

Disposable: whatever is wrong with it, it is built again from the log. What is not disposable is the head it
remembers, a second witness beside the anchor.

Source: docs/format.md, "Read models".
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import lmdb
import msgspec

from ledger.chain import EMPTY_HEAD, Head
from ledger.codec import UNDECODABLE
from ledger.errors import DiskFullError, LedgerError, StorageError, shortage, unwritable
from ledger.files.durable import make_private_folder, open_private
from ledger.ingest.rules.held import Held, Reach
from ledger.market.series import Series
from ledger.store.home import DATA_FILE
from ledger.store.lmdb_file import inspect, newest_meta
from ledger.store.lmdb_lock import allocate_lock, one_opener
from ledger.store.lmdb_read import begin_reading
from ledger.store.shared import Shared
from projections.fold.projection import Projection
from projections.fold.tables import State, Table
from projections.models import prices
from projections.store.linked_tables import LinkedTable, begun
from projections.store.lmdb_tables import DamagedRowError, LmdbTable, StillTable, sealed, unsealed

if TYPE_CHECKING:
    from projections.store.bulk import Batch

FORMAT = "b3-ledger projections 3"
# Of these only the head that is remembered is taken over: rows without a link, and without a check.
UNLINKED_FORMAT, UNCHECKED_FORMAT = "b3-ledger projections 2", "b3-ledger projections 1"
HEAD_KEY = b"\0standing"  # below every table's mark
LEAVES_MARK = b"\0leaves"  # of a table that belongs to no projection
LARGEST_MARK = 256  # a table is one byte before each of its keys
FIRST_MAP_BYTES = 64 * 1024 * 1024  # address space, not disk; grows by doubling


class StoreBusyError(LedgerError):
    """The store cannot grow while this process reads from it; what is not stored can be folded in memory."""

    def __init__(self, folder: Path) -> None:
        super().__init__(f"got a map that is full and in use at {folder}, want it free to grow")
        self.folder = folder


class Model(msgspec.Struct, frozen=True):
    """A projection that is stored here: its version and its tables."""

    version: int
    tables: tuple[str, ...]


class StoredHead(msgspec.Struct, frozen=True):
    """The head that a store has reached, one for all its projections, and which projections those are."""

    format: str
    head: Head
    models: dict[str, Model]


class View(msgspec.Struct, frozen=True):
    """Read models that stand at `head`, by projection and table; they hold still while the view is open.

    `part` reads a series, or a part of it without the rest; None where it is read row by row. `bulk` reads many whole
    series at once, None where they are scanned.
    """

    head: Head
    state: State
    part: Callable[[Series, Reach | None], Held] | None = None
    bulk: Callable[[Iterable[Series], int | None], "Iterator[Batch]"] | None = None

    def held(self, series: Series, reach: Reach | None = None) -> Held:
        """Return the series as it is held now, as far as `reach` looks at least; None: all of it."""
        return prices.held(self.state[prices.NAME], series) if self.part is None else self.part(series, reach)

    def hold(self, wanted: Iterable[Series], position: int) -> None:
        """Hold the series `wanted`, as of `position` too, against the log, many at once: else each once it is read."""
        if self.bulk is not None:
            deque(self.bulk(wanted, position), maxlen=0)

    def versions(self, wanted: Iterable[Series], position: int | None = None) -> "Iterator[Batch]":
        """Yield every version of the series `wanted`, in their order, as columns of some series at a time.

        Those in force now and as of `position` are held against the log; None: all that there ever were.
        """
        # Imported here: numpy is worth its start where many rows are read.
        from projections.store import bulk

        return bulk.batches(self.state, wanted) if self.bulk is None else self.bulk(wanted, position)


Done = TypeVar("Done")

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StoredHead).decode


def models_of(projections: Sequence[Projection]) -> dict[str, Model]:
    """Return what a store of these projections says it holds."""
    return {one.name: Model(one.version, one.tables) for one in projections}


class Store:
    """One open environment. One a process and folder: get it through `opened`."""

    def __init__(self, folder: Path, *, durable: bool = True, frozen: bool = False) -> None:
        """Open the environment in `folder` and read which models it holds; not `durable`, no commit waits for the disk.

        With `frozen` it is read only, and without a lock: nobody writes to it any more.

        Raises: NoLedgerError, NotALedgerError or UnreadableError for a file that must not be mapped;
        StorageError for one that the engine or the decoder refuses; ShortageError.
        """
        self.folder = folder
        self.readonly = frozen or not os.access(folder, os.W_OK)
        used_bytes = inspect(folder / DATA_FILE).file_bytes
        self._readers = 0
        self._moving = threading.Condition()
        with self._translated():
            self._env = _environment(folder, map_bytes=_map_bytes(used_bytes), readonly=self.readonly, durable=durable)
            try:
                with self._reading() as txn:
                    self.models = self._stored_head(txn).models
            except BaseException:
                self._env.close()
                raise

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def head(self) -> Head:
        """Return the head that the stored models stand at; O(1)."""
        with self.view() as view:
            return view.head

    @contextmanager
    def view(self) -> Iterator[View]:
        """Give what is stored as of now, held still; the file grows for as long as writers overtake it."""
        with self.view_with_leaves() as (view, _):
            yield view

    @contextmanager
    def view_with_leaves(self) -> Iterator[tuple[View, Table]]:
        """Give what `view` does, and the table of leaves as of the same instant."""
        with self._reading() as txn:
            view = View(self._stored_head(txn).head, self._state(txn, StillTable))
            yield view, LmdbTable(txn, LEAVES_MARK, self.folder)

    def keep(self, leaves: Mapping[bytes, bytes]) -> None:
        """Put these rows into the table of leaves, all or none.

        Raises: what `advance` raises.
        """

        def step(txn: Any) -> None:
            table = LmdbTable(txn, LEAVES_MARK, self.folder)
            for key, value in leaves.items():
                table.put(key, value)

        self._write(step)

    def advance(self, step: Callable[[State], Head], *, room_bytes: int = 0) -> Head:
        """Run `step` over the tables and store the head it returns, in one transaction: both or neither.

        `step` runs again, over the same tables, when the map has to grow first. Where less than `room_bytes` of it is
        free, and nobody of this process reads from it, it grows before.

        Raises: DiskFullError; StorageError; StoreBusyError; ShortageError.
        """

        def advanced(txn: Any) -> Head:
            head = step(self._state(txn))
            _put_head(txn, StoredHead(FORMAT, head, self.models))
            return head

        with self._translated(), suppress(StoreBusyError):
            map_bytes = self._env.info()["map_size"]
            if map_bytes - self._used_bytes() < room_bytes:
                self._resize(map_bytes * 2)
        return self._write(advanced)

    def _write(self, step: Callable[[Any], Done]) -> Done:
        with self._translated():
            while True:
                try:
                    with self._env.begin(write=True) as txn:
                        done = step(txn)
                except lmdb.MapFullError:
                    self._resize(self._env.info()["map_size"] * 2)
                except lmdb.MapResizedError:
                    self._resize(_used_map_bytes(self.folder))
                else:
                    return done

    def _stored_head(self, txn: Any) -> StoredHead:
        stored = txn.get(HEAD_KEY)
        if stored is None:
            raise StorageError(self.folder, "no remembered head")
        try:
            found = _decode(unsealed(self.folder, HEAD_KEY, stored))
        except DamagedRowError:
            with suppress(*UNDECODABLE):
                found = _decode(stored)
                if found.format == UNCHECKED_FORMAT:
                    # Of the format before this one: its models are left out, since they are built again.
                    return StoredHead(found.format, found.head, {})
            raise
        if found.format == UNLINKED_FORMAT:
            return StoredHead(found.format, found.head, {})
        if found.format != FORMAT:
            raise StorageError(self.folder, f"format {found.format!r}")
        return found

    def _state(self, txn: Any, kind: type[LmdbTable] = LmdbTable) -> State:
        """Return the tables; those that decisions commit to are of the `kind`, since no link has to hold them."""
        state: dict[str, dict[str, Table]] = {name: {} for name in self.models}
        for mark, name, table in _marks(self.models):
            held = is_committed(name, table)
            state[name][table] = (kind if held else LinkedTable)(txn, mark, self.folder)
        return state

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        with self._translated(), self._moving:
            txn = begin_reading(self._env, adopt_map=lambda: self._resize(_used_map_bytes(self.folder)))
            self._readers += 1
        try:
            yield txn
        except (lmdb.Error, *UNDECODABLE) as error:
            # No error of the operating system: whoever reads may write a file or print meanwhile, and fail at that.
            raise self._told(error) from error
        finally:
            txn.abort()
            with self._moving:
                self._readers -= 1

    def _resize(self, map_bytes: int) -> None:
        # LMDB moves the map; a transaction of this process that still reads from it would read nothing mapped.
        with self._moving:
            if self._readers:
                raise StoreBusyError(self.folder)
            self._env.set_mapsize(map_bytes)

    def _used_bytes(self) -> int:
        used: int = (self._env.info()["last_pgno"] + 1) * self._env.stat()["psize"]
        return used

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (lmdb.Error, OSError, *UNDECODABLE) as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> LedgerError:
        """Return an error of the engine, or of a stored row, as one of ours."""
        if isinstance(error, lmdb.DiskError):
            return DiskFullError(self.folder)
        return shortage(error) or StorageError(self.folder, str(error))


def _map_bytes(used_bytes: int) -> int:
    """Return how much to map of a store that uses so much: as a writer needs, and no more than it may come to need.

    A store remembers the largest map that it had, which a process of little memory could not map.
    """
    return max(FIRST_MAP_BYTES, used_bytes * 2)


def _used_map_bytes(folder: Path) -> int:
    return _map_bytes(newest_meta(folder / DATA_FILE).file_bytes)


def _put_head(txn: Any, head: StoredHead) -> None:
    txn.put(HEAD_KEY, sealed(HEAD_KEY, _encode(head)))


def is_committed(projection: str, table: str) -> bool:
    """Return whether what the table holds is held against what decisions commit to."""
    return projection == prices.NAME and table in prices.OF_SERIES


def _marks(models: Mapping[str, Model]) -> Iterator[tuple[bytes, str, str]]:
    """Yield the mark of each table, with its projection and its name."""
    tables = ((name, table) for name, model in models.items() for table in model.tables)
    for mark, (name, table) in zip(range(1, LARGEST_MARK), tables, strict=False):
        yield bytes([mark]), name, table


def create(folder: Path, models: dict[str, Model]) -> None:
    """Make a store of empty tables in the new folder `folder`, standing at no event.

    Raises: DiskFullError, StorageError, UnwritableError or ShortageError.
    """
    make_private_folder(folder)
    allocate_lock(folder)
    try:
        os.close(open_private(folder / DATA_FILE, os.O_WRONLY))  # LMDB takes an empty file for a new one
        env = _environment(folder, map_bytes=FIRST_MAP_BYTES, readonly=False)
        try:
            with env.begin(write=True) as txn:
                _put_head(txn, StoredHead(FORMAT, EMPTY_HEAD, models))
                for mark, name, table in _marks(models):
                    if not is_committed(name, table):
                        txn.put(*begun(mark))
        finally:
            env.close()
    except lmdb.DiskError as error:
        raise DiskFullError(folder) from error
    except lmdb.Error as error:
        raise shortage(error) or StorageError(folder, str(error)) from error
    except OSError as error:
        raise unwritable(folder, error) from error


_stores = Shared[Path, Store]()


def opened(folder: Path, *, frozen: bool = False) -> AbstractContextManager[Store]:
    """Give the store in `folder`, one a process however many threads ask; closed when the last of them is done.

    `frozen` as of `Store`.

    Raises: what `Store` raises.
    """
    return _stores.opened(folder.resolve, partial(Store, frozen=frozen))


def _environment(folder: Path, *, map_bytes: int, readonly: bool, durable: bool = True) -> Any:
    with one_opener(folder / DATA_FILE):
        env = lmdb.open(
            os.fspath(folder),
            map_size=map_bytes,
            readonly=readonly,
            lock=not readonly,  # where nobody can write, no lock is needed and no lock file can be made
            create=False,
            mode=0o600,
            sync=durable,
            metasync=durable,
            max_readers=512,
            readahead=False,
        )
    if not readonly:
        # Processes that were killed while they read hold on to their slots, and to the pages they read.
        env.reader_check()
    return env
