"""The log folded beside what is stored: for the digests of its read models, and to hold what is stored against them."""

import os
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import zip_longest
from pathlib import Path

import msgspec

from ledger.chain import EMPTY_HEAD
from ledger.errors import DiskFullError, ShortageError, StorageError, UnwritableError
from ledger.log_source import LogSource
from projections.fold.digest import digest
from projections.fold.folding import replayed
from projections.fold.projection import Projection
from projections.fold.tables import State, Table, Tables
from projections.store.folder import Shelf
from projections.store.lmdb_tables import DamagedRowError, MarkedTable
from projections.store.registry import ALL
from projections.store.runner import check_witness, folded
from projections.store.store import Model
from projections.store.unnamed import unnamed_store

DAMAGED = "damaged"
LACKING = (DiskFullError, UnwritableError, StorageError, ShortageError)  # why a disk does not take what is folded
TEMPORARY = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108 - what is made there has a name that nobody can foresee


class FoldedInMemoryWarning(UserWarning):
    """No disk took what is folded, so it takes memory for every row."""


class StoredDifference(msgspec.Struct, frozen=True, kw_only=True):
    """A projection whose stored state is not what the log says, and the first key where they part.

    `stored` is `damaged` in place of a digest where a row fails its check.
    """

    projection: str
    stored: str
    replayed: str
    table: str
    key: str


def replay(
    log: LogSource,
    stop: int | None = None,
    projections: Sequence[Projection] = ALL,
    *,
    places: Sequence[Path] = (),
) -> dict[str, str]:
    """Return each projection's digest after events [0, stop), as hex; folded as `folded_aside` does in `places`."""
    with folded_aside(log, stop, projections, places) as state:
        return {name: digest(tables).hex() for name, tables in state.items()}


@contextmanager
def folded_aside(
    log: LogSource, stop: int | None, projections: Sequence[Projection], places: Sequence[Path]
) -> Iterator[State]:
    """Give the state after events [0, stop), in a store without a name on the disk of the first of `places` that can.

    Constant in memory there. With no places it is in memory; where none of them takes it too, with one
    FoldedInMemoryWarning.

    Raises: what `fold` raises.
    """
    size = log.head().size if stop is None else min(stop, log.head().size)
    lacking = []
    with ExitStack() as held:
        for place in places:
            try:
                store = held.enter_context(unnamed_store(place, projections))
                folded(log, store, projections, EMPTY_HEAD, size)
                state = held.enter_context(store.view()).state
                break
            except LACKING as error:
                held.close()
                lacking.append(str(error))
        else:
            if lacking:
                message = f"the log is folded in memory, since no disk takes it ({'; '.join(lacking)})"
                warnings.warn(message, FoldedInMemoryWarning, stacklevel=2)
            _, state = replayed(log.read(stop=size), projections)
        yield state


class AskedFor(Mapping[str, Tables]):
    """The state after all of a log, of which each projection is folded when it is first asked for, and no other.

    For a log without stored read models: most commands ask for one of five. `give` gives the state of one projection.
    Closed with `held`.
    """

    def __init__(
        self,
        projections: Sequence[Projection],
        give: Callable[[Projection], AbstractContextManager[State]],
        held: ExitStack,
    ) -> None:
        self._projections = {one.name: one for one in projections}
        self._give = give
        self._held = held
        self._folded: dict[str, Tables] = {}
        self._folding = threading.Lock()

    def __getitem__(self, name: str) -> Tables:
        """Return the projection's tables; folds it the first time.

        Raises: what `fold` raises.
        """
        with self._folding:
            if name not in self._folded:
                self._folded |= self._held.enter_context(self._give(self._projections[name]))
            return self._folded[name]

    def __iter__(self) -> Iterator[str]:
        """Return the projections' names; folds none."""
        return iter(self._projections)

    def __len__(self) -> int:
        """Return how many projections there are."""
        return len(self._projections)


def places_beside(folder: Path | None) -> tuple[Path, ...]:
    """Return where a fold of the log may put what memory would not hold: beside its stores, else among temporary files.

    `folder` is the ledger's, None for an archive.
    """
    beside = () if folder is None else (Shelf(folder).root,)
    temporary = os.environ.get("TMPDIR")
    return (*beside, *((Path(temporary),) if temporary else TEMPORARY))


def compare(
    log: LogSource, folder: Path, projections: Sequence[Projection] = ALL, *, places: Sequence[Path] = ()
) -> list[StoredDifference]:
    """Return where the stored projections differ from a replay up to the position that they stand at.

    Nothing stored is nothing that differs. Replayed as `folded_aside` does in `places`.

    Raises: RolledBackError or ForkedError; what `fold` raises; StorageError when what is stored cannot be read.
    """
    with Shelf(folder).stored() as store:
        if store is None:
            return []
        with store.view() as view:
            check_witness(log, view.head)
            known = [one for one in projections if store.models.get(one.name) == Model(one.version, one.tables)]
            with folded_aside(log, view.head.size, known, places) as want:
                pairs = [(one.name, view.state[one.name], want[one.name]) for one in known]
                return [found for pair in pairs if (found := _difference(*pair))]


def _difference(name: str, stored: Tables, want: Tables) -> StoredDifference | None:
    apart = next((found for table in sorted(want) if (found := _first_apart(table, stored[table], want[table]))), None)
    if apart is None:
        return None
    try:
        held = digest(stored).hex()
    except DamagedRowError:
        held = DAMAGED
    table, key = apart
    return StoredDifference(projection=name, stored=held, replayed=digest(want).hex(), table=table, key=key.hex())


def _first_apart(name: str, stored: Table, want: Table) -> tuple[str, bytes] | None:
    """Return the table's `name` and the first key where the two part, None where all rows are the same."""
    if isinstance(stored, MarkedTable) and isinstance(want, MarkedTable):
        batches = zip_longest(stored.stored(), want.stored())
        if all(ours == theirs for ours, theirs in batches):
            return None
    try:
        for our, their in zip_longest(stored.scan(), want.scan()):
            if our != their:
                return name, min(row[0] for row in (our, their) if row is not None)
    except DamagedRowError as error:
        return name, error.key[1:]  # without the byte that marks its table
    return None
