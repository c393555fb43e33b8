"""`main export --format delta`: a Delta table of every revision, to which a run adds one commit.

The data file of a run has its name from the positions between which it lies, so that what a run left that was killed
before its commit is known: no reader ever sees it, and the next run removes it. The commit carries the position as an
application's transaction, which Delta takes once.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from cli.app.errors import NotAnExportError, TableRefusedError
from cli.commands.prices.export.row import DeltaRow
from cli.render import parquet
from ledger.errors import UnwritableError, unwritable
from ledger.files.durable import make_folder
from ledger.log_source import LogSource, created
from ledger.objects.errors import PlaceError
from ledger.urls import masked
from projections.api import extras
from projections.api.columns import arrow_schema
from projections.queries.position import recorded_at
from projections.relations.bar_revisions import BarRevision, bar_revisions, retirement_revisions
from projections.store.store import View

EXTRA = "delta"
CONFIGURATION = {"delta.appendOnly": "true"}
DESCRIPTION = (
    "Every revision of every bar: docs/tutorial.md shows how the latest prices, and those of a time, are read."
)
LEDGER, HEAD = "b3ledgerId", "b3ledgerHead"
STATISTICS = ("ticker", "provider", "date", "seq")  # what readers skip files by
LOG = "_delta_log"
LOCK_TIMEOUT_S, POLL_S = 30.0, 0.05
MS_US = 1000


class Place(NamedTuple):
    """Where a table lies: its address, and its folder in a file system of Arrow's."""

    address: str
    files: Any
    root: str


class DataFile(NamedTuple):
    """A data file that was written: its name, size and rows, and the least and the greatest of some columns."""

    name: str
    size_bytes: int
    rows: int
    ends: dict[str, tuple[Any, Any]]


class DeltaCommit(NamedTuple):
    """What a commit says of the table that it makes: how much it has of which ledger, up to which link and time."""

    ledger_id: str
    position: int
    head: str
    changed_ms: int


def exported(log: LogSource, view: View, position: int, out: Path | str) -> DeltaRow:
    """Add to the table at `out` what it lacks of the first `position` events, by one commit; none where it has them.

    Raises: PlaceError; TableRefusedError; NotAnExportError for a folder that holds something else; MissingExtraError
    without deltalake or pyarrow; UnwritableError, DiskFullError.
    """
    delta: Any = extras.load("deltalake", extra=EXTRA)
    files: Any = extras.load("pyarrow.fs", extra=EXTRA)
    ledger_id = created(log).ledger_id.hex()
    with _alone(out), _translated(out):
        place = _place(files, out)
        table = _opened(delta, place.address)
        if table is None and isinstance(out, Path):
            _check_empty(out)
        start = 0 if table is None else _held(table, log, ledger_id, position)
        head = next((record.link.hex() for record in log.read(position - 1, position)), "")
        rows = 0
        if table is None or start < position:
            data = _written(place, log, view, start, position)
            rows = data.rows
            changed_ms = recorded_at(log, position - 1) // MS_US if position else 0
            _commit(place, table, data, DeltaCommit(ledger_id, position, head, changed_ms))
        version = delta.DeltaTable(place.address).version()
    return DeltaRow(table=masked(str(out)), version=version, since=start, position=position, rows=rows, head=head)


def _place(files: Any, out: Path | str) -> Place:
    """Return where the table is, for both libraries.

    Raises: PlaceError for a scheme that Arrow does not know.
    """
    url = out if isinstance(out, str) else out.absolute().as_uri()
    try:
        return Place(str(out), *files.FileSystem.from_uri(url))
    except ValueError as error:
        raise PlaceError(url, "another scheme or no place", wanted="one of Arrow's: s3://BUCKET/PATH") from error


def _opened(delta: Any, address: str) -> Any:
    """Return the table, None where there is none."""
    try:
        return delta.DeltaTable(address)
    except extras.load("deltalake.exceptions", extra=EXTRA).TableNotFoundError:
        return None


def _held(table: Any, log: LogSource, ledger_id: str, position: int) -> int:
    """Return how many events of this ledger the table has.

    Raises: TableRefusedError.
    """
    address, size = table.table_uri, log.head().size
    commit: dict[str, Any] = next((one for one in table.history() if LEDGER in one), {})
    if commit.get(LEDGER) != ledger_id:
        raise TableRefusedError(address, "a table of another ledger", wanted=f"one of {ledger_id}")
    held: int = table.transaction_version(ledger_id) or 0
    if held > size:
        raise TableRefusedError(address, f"a table of {held} events", wanted=f"at most the {size} of the log")
    link = next((record.link.hex() for record in log.read(held - 1, held)), "") if held else ""
    if commit[HEAD] != link:
        raise TableRefusedError(address, f"head {commit[HEAD]} after {held} events", wanted=f"the log's, {link}")
    if held > position:
        raise TableRefusedError(address, f"a table of {held} events", wanted=f"at most {position}, as asked")
    return held


def _written(place: Place, log: LogSource, view: View, start: int, position: int) -> DataFile:
    """Write what events [start, position) changed, and remove what a run left there that began where this one does."""
    files: Any = extras.load("pyarrow.fs", extra=EXTRA)
    compute: Any = extras.load("pyarrow.compute", extra=EXTRA)
    place.files.create_dir(place.root, recursive=True)
    for left in place.files.get_file_info(files.FileSelector(place.root)):
        if left.base_name.startswith(_name(start)):
            place.files.delete_file(left.path)
    name = f"{_name(start)}{position:012}.zstd.parquet"
    path = f"{place.root}/{name}"
    ends: dict[str, tuple[Any, Any]] = {}
    rows = 0
    with place.files.open_output_stream(path) as sink:
        stream = parquet.Stream(sink)
        ends_of_tickers = retirement_revisions(log, view, start, position).to_arrow()
        for table in chain([ends_of_tickers], (one.to_arrow() for one in bar_revisions(view, start, position))):
            rows += table.num_rows
            for column in STATISTICS:
                found = compute.min_max(table[column]).as_py()
                known = [one for one in (*ends.get(column, ()), *found.values()) if one is not None]
                ends |= {column: (min(known), max(known))} if known else {}
            stream.write(table)
        stream.close()
    if isinstance(place.files, files.LocalFileSystem):
        # On disk before a commit names it.
        with open(path, "rb") as file:
            os.fsync(file.fileno())
    return DataFile(name, place.files.get_file_info(path).size, rows, ends)


def _name(start: int) -> str:
    return f"part-{start:012}-"


def _commit(place: Place, table: Any, data: DataFile, said: DeltaCommit) -> None:
    delta: Any = extras.load("deltalake", extra=EXTRA)
    transaction: Any = extras.load("deltalake.transaction", extra=EXTRA)
    least, greatest = ({name: found[end] for name, found in data.ends.items()} for end in (0, 1))
    statistics = {"numRecords": data.rows, "minValues": least, "maxValues": greatest, "nullCount": {}}
    action = transaction.AddAction(
        path=data.name,
        size=data.size_bytes,
        partition_values={},
        modification_time=said.changed_ms,
        data_change=True,
        stats=msgspec.json.encode(statistics).decode(),
    )
    properties = delta.CommitProperties(
        custom_metadata={LEDGER: said.ledger_id, HEAD: said.head},
        app_transactions=[delta.Transaction(said.ledger_id, said.position)],
        max_commit_retries=0,
    )
    if table is not None:
        table.create_write_transaction([action], "append", table.schema(), commit_properties=properties)
        return
    transaction.create_table_with_add_actions(
        place.address,
        delta.Schema.from_arrow(arrow_schema(BarRevision, BarRevision.__struct_fields__)),
        [action],
        name="b3-ledger revisions",
        description=DESCRIPTION,
        configuration=CONFIGURATION,
        commit_properties=properties,
    )


@contextmanager
def _alone(out: Path | str) -> Iterator[None]:
    """Hold the folder `out`, made if need be, against other runs; at an address a commit of theirs refuses ours.

    Raises: UnwritableError where another run holds it for long.
    """
    if isinstance(out, str):
        yield
        return
    make_folder(out)
    fd = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    try:
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            if time.monotonic() >= deadline:
                raise UnwritableError(out, "another export at work")
            time.sleep(POLL_S)
        yield
    finally:
        os.close(fd)


def _check_empty(out: Path) -> None:
    """Return quietly where nothing but what a killed run left is in the folder.

    Raises: NotAnExportError.
    """
    for found in sorted(out.iterdir()):
        if not found.name.startswith(_name(0)) and found.name != LOG:
            raise NotAnExportError(out, found.name)


@contextmanager
def _translated(out: Path | str) -> Iterator[None]:
    """Raise what deltalake and Arrow raise as an error of ours."""
    try:
        yield
    except extras.load("deltalake.exceptions", extra=EXTRA).DeltaError as error:
        raise UnwritableError(Path(masked(str(out))), str(error)) from error
    except OSError as error:
        raise unwritable(Path(masked(str(out))), error) from error
