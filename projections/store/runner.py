"""Brings read models up to the log: catch-up, views, rebuild.

Order matters to the witness: the store's remembered head is read before the log's head, or a writer between the
two would look like a log that was rolled back.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ledger.chain import EMPTY_HEAD, Head
from ledger.errors import (
    DiskFullError,
    ShortageError,
    StorageError,
    UnwritableError,
    WriterLockError,
)
from ledger.log_source import LogSource, check_head, link_at
from ledger.market.series import Series
from projections.fold.folding import capped, fold, replayed
from projections.fold.overlay import Overlay
from projections.fold.projection import Projection
from projections.fold.tables import Row, State
from projections.store.commitments import departure
from projections.store.folder import Shelf
from projections.store.lmdb_tables import DamagedRowError
from projections.store.mending import Mending, warn_dropped
from projections.store.registry import ALL
from projections.store.store import Store, StoreBusyError, View, create, models_of, opened
from projections.store.windows import Windows

if TYPE_CHECKING:
    from projections.store.bulk import Batch

BATCH_EVENTS = 8_000
BATCH_BODY_BYTES = 32 * 1024 * 1024
ROOM_BYTES = BATCH_BODY_BYTES * 3 // 2  # of the map that a batch may fill: what it writes, and pages it writes anew
REBUILD_TIMEOUT_S = 30.0
WITNESS = "projections"
GIVES_WAY = (WriterLockError, StoreBusyError, DiskFullError, UnwritableError, ShortageError)


def check_witness(log: LogSource, remembered: Head) -> Head:
    """Return the log's head, once the log is known to hold the head that was `remembered`; O(1).

    Raises: RolledBackError when the log is shorter; ForkedError when it holds another event there.
    """
    head = log.head()
    check_head(partial(link_at, log), lambda: head, remembered, WITNESS)
    return head


def remembered(folder: Path) -> Head | None:
    """Return the head that the ledger's stored projections stand at, None when there are none to be read.

    Raises: ShortageError, since a witness that could not be asked must not count as one that remembers nothing.
    """
    with Shelf(folder).stored(needed=True) as store:
        return None if store is None else store.head()


def forget(folder: Path) -> None:
    """Drop the stored projections and the head they remember: a person accepted the log as it is."""
    Shelf(folder).forget()


def catch_up(log: LogSource, folder: Path, projections: Sequence[Projection] = ALL) -> Head:
    """Bring the ledger's stored projections up to the log; return the head they stand at then.

    Up to 8,000 events a transaction. A store that is missing, damaged or of other versions is built whole beside
    the old one. Gives way, with the head that is stored, when somebody else is at it or the disk takes no more.

    Raises: RolledBackError or ForkedError when the log does not hold the head that is stored; what `fold` raises.
    """
    shelf = Shelf(folder)
    with shelf.stored() as store:
        # The usual case of a reading command: there is nothing to do, and no lock is taken.
        head = None if store is None or store.models != models_of(projections) else _stored_head(store)
        if head is not None and check_witness(log, head) == head:
            return head
    try:
        with shelf.locked():
            return _advanced(log, shelf, projections)
    except GIVES_WAY:
        with shelf.stored() as store:
            return EMPTY_HEAD if store is None else store.head()


def advance(log: LogSource, folder: Path, projections: Sequence[Projection] = ALL) -> None:
    """Do what `catch_up` does where the stored projections can be brought up as they are; else leave them.

    Raises: of GIVES_WAY; StorageError for a store that is damaged; what `catch_up` raises.
    """
    shelf = Shelf(folder)
    with shelf.locked(), shelf.stored() as store:
        if store is not None and not store.readonly and store.models == models_of(projections):
            start = store.head()
            folded(log, store, projections, start, check_witness(log, start).size)


@contextmanager
def open_view(
    log: LogSource, folder: Path | None, projections: Sequence[Projection] = ALL, *, storing: bool = True
) -> Iterator[View]:
    """Give the read models at the log's head, held still for the block.

    They are brought up to date on disk where that can be done and `storing` is wanted, else what is missing is folded
    in memory over what is stored; with no `folder` (an archive), each projection is folded aside once it is asked for.
    Never waits for a writer.
    A stored row that fails its check drops the store while the view is read: it is built again where that can be
    done, else folded in memory, with one StoreDroppedWarning, and the view goes on as it would have been.

    Raises: what `catch_up` raises.
    """
    if folder is None:
        with ExitStack() as asked:
            yield View(log.head(), state_asked_for(log, projections, asked))
        return
    shelf = Shelf(folder)
    if storing and shelf.writable():
        catch_up(log, folder, projections)
    with shelf.stored() as store:
        if store is None or store.models != models_of(projections):
            head, state = replayed(log.read(), projections)
            yield View(head, state)
            return
        with ExitStack() as held:
            view, leaves = held.enter_context(store.view_with_leaves())

            def fold_again() -> State:
                built = _built_again(log, shelf, projections, view.head, held) if storing else None
                return built or replayed(log.read(stop=view.head.size), projections)[1]

            mending = Mending(store.folder, view.state, fold_again=fold_again, departure=partial(departure, log))
            windows = Windows(log, view.state, leaves, mending)

            bulk = partial(read_in_bulk, log, view.state, mending)
            yield _up_to_date(log, View(view.head, mending.state, windows.held, bulk), projections)
    if storing and windows.noted:
        # Where that may be done at once: the next who needs them works them out again.
        with suppress(*GIVES_WAY, StorageError), shelf.locked(), shelf.stored() as store:
            if store is not None and not store.readonly:
                store.keep(windows.noted)


def read_in_bulk(
    log: LogSource, stored: State, mending: Mending, wanted: Iterable[Series], position: int | None
) -> "Iterator[Batch]":
    """Yield every version of the series `wanted`; see `View.versions`."""
    # Imported here, as there.
    from projections.store.bulk import Bulk

    return Bulk(log, stored, mending, position).batches(wanted)


def state_asked_for(log: LogSource, projections: Sequence[Projection], held: ExitStack) -> State:
    """Return the state after all of `log`, of which each projection is folded once it is asked for; closed with `held`.

    Raises: what `fold` raises, when it is asked.
    """
    # Imported here: it imports this module.
    from projections.store.replaying import AskedFor, folded_aside, places_beside

    return AskedFor(projections, lambda one: folded_aside(log, None, [one], places_beside(None)), held)


def view_at(log: LogSource, position: int, projections: Sequence[Projection] = ALL) -> View:
    """Return the read models as events [0, position) leave them, in memory."""
    head, state = replayed(log.read(stop=position), projections)
    return View(head, state)


def rebuild(
    log: LogSource, folder: Path, names: Sequence[str] | None = None, projections: Sequence[Projection] = ALL
) -> Head:
    """Build the stored projections (those `names`; None: all) again from the log; return the head they stand at.

    The new state is made beside the old one and swapped by one rename: a reader sees one or the other, whole.
    Constant in memory.

    Raises: ValueError for a name that is no projection; WriterLockError when somebody else is at it;
    RolledBackError or ForkedError; what `fold` raises.
    """
    chosen = [one for one in projections if names is None or one.name in names]
    if unknown := set(names or ()) - {one.name for one in chosen}:
        message = f"got projection {', '.join(sorted(unknown))}, want one of {', '.join(models_of(projections))}"
        raise ValueError(message)
    shelf = Shelf(folder)
    with shelf.locked(REBUILD_TIMEOUT_S):
        if len(chosen) == len(projections):
            return _built(log, shelf, projections)
        _advanced(log, shelf, projections)
        try:
            _rebuilt(log, shelf, chosen)
        except DamagedRowError as error:
            # One of the others cannot be copied, so none is.
            warn_dropped(error.path, str(error))
            return _built(log, shelf, projections)
        return _advanced(log, shelf, projections)


def _stored_head(store: Store) -> Head | None:
    try:
        return store.head()
    except StorageError:
        return None


def _advanced(log: LogSource, shelf: Shelf, projections: Sequence[Projection]) -> Head:
    """Bring the store up to the log; the caller holds the lock."""
    with shelf.stored(needed=True) as store:
        if store is not None and not store.readonly and store.models == models_of(projections):
            try:
                start = store.head()
                return folded(log, store, projections, start, check_witness(log, start).size)
            except StorageError as error:
                # Damaged, so disposable; the log itself speaks up with errors of its own.
                if isinstance(error, DamagedRowError):
                    warn_dropped(store.folder, str(error))
    return _built(log, shelf, projections)


def _built_again(
    log: LogSource, shelf: Shelf, projections: Sequence[Projection], head: Head, held: ExitStack
) -> State | None:
    """Replace a store that does not hold by one at the same `head`, open as long as `held`; None where that fails."""
    if not shelf.writable():
        return None
    try:
        with shelf.locked():
            _built(log, shelf, projections, stop=head.size)
    except GIVES_WAY:
        return None
    store = held.enter_context(shelf.stored())
    view = None if store is None else held.enter_context(store.view())
    return view.state if view is not None and view.head == head else None


def _built(log: LogSource, shelf: Shelf, projections: Sequence[Projection], stop: int | None = None) -> Head:
    """Build a store of all projections at `stop` events (None: all) and swap it in; the caller holds the lock."""
    with shelf.stored(needed=True) as old:
        start = None if old is None else _stored_head(old)
    size = check_witness(log, start or EMPTY_HEAD).size
    folder = shelf.fresh()
    create(folder, models_of(projections))
    with opened(folder) as store:
        head = folded(log, store, projections, EMPTY_HEAD, size if stop is None else stop)
    shelf.switch(folder)
    return head


def _rebuilt(log: LogSource, shelf: Shelf, chosen: Sequence[Projection]) -> None:
    """Swap in a store with the `chosen` projections folded again, the others copied; the caller holds the lock."""
    folder = shelf.fresh()
    with shelf.stored() as old:
        assert old is not None  # noqa: S101 - the caller has just brought it up to date
        create(folder, old.models)
        with opened(folder) as store, old.view() as view:
            for name in set(old.models) - {one.name for one in chosen}:
                _copied(view, store, name)
            folded(log, store, chosen, EMPTY_HEAD, view.head.size)
    shelf.switch(folder)


def _copied(view: View, store: Store, name: str) -> None:
    """Copy one projection's rows into `store`, which stands at no event until the rest is folded."""
    for table, source in view.state[name].items():
        rows = source.scan()
        while batch := list(islice(rows, BATCH_EVENTS)):
            store.advance(partial(_put_all, name, table, batch))


def _put_all(name: str, table: str, rows: Sequence[Row], state: State) -> Head:
    state[name][table].put_all(rows)
    return EMPTY_HEAD


def folded(log: LogSource, store: Store, projections: Sequence[Projection], start: Head, stop: int) -> Head:
    """Fold events [start, stop) into `store`, a batch a transaction; return the head it stands at."""
    head = start
    while head.size < stop:
        # Behind a batch comes another one mostly, as large: one that fills the map is folded twice.
        head = _batch(log, store, projections, head, stop, room_bytes=ROOM_BYTES if head.size > start.size else 0)
    return head


def _batch(
    log: LogSource, store: Store, projections: Sequence[Projection], head: Head, stop: int, *, room_bytes: int
) -> Head:
    def step(state: State) -> Head:
        # Read within the transaction: it runs again, from the same event, when the map has to grow.
        records = log.read(head.size, min(stop, head.size + BATCH_EVENTS))
        return fold(capped(records, body_bytes=BATCH_BODY_BYTES), head, projections, state)

    return store.advance(step, room_bytes=room_bytes)


def _up_to_date(log: LogSource, view: View, projections: Sequence[Projection]) -> View:
    """Return `view` with what the log holds past it folded over it in memory."""
    if check_witness(log, view.head) == view.head:
        return view
    state = {name: {table: Overlay(base) for table, base in tables.items()} for name, tables in view.state.items()}
    head = fold(log.read(view.head.size), view.head, projections, state)
    return View(head, state)
