"""Builds a ledger folder from an archive: whole under a temporary name, then renamed, or not there at all."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from itertools import chain, compress, count
from operator import itemgetter, ne
from pathlib import Path

from ledger.appending import Append
from ledger.audit.counts import ID, ID_BYTES, TIME_BYTES, UINT64, Tally
from ledger.audit.rehash import seq_prefix
from ledger.audit.verify import verify_folder
from ledger.backup.archive_log import ArchiveLog
from ledger.backup.scan import Advance
from ledger.chain import EMPTY_HEAD, LINK_BYTES, Head, Link
from ledger.codec import Draft, decode_envelopes
from ledger.errors import DamagedError, StorageError, unwritable
from ledger.files.durable import make_private_folder, sync_folder
from ledger.ids import append_id
from ledger.store.anchor import Anchor
from ledger.store.create import settle
from ledger.store.engine import AppendRun, Engine
from ledger.store.home import ANCHOR_FILE, LedgerHome

BATCH_BYTES = 4 * 1024 * 1024  # of events per transaction, which holds as much again in memory until it is durable


def build_folder(
    home: LedgerHome, source: ArchiveLog, last: Draft, *, now_us: int, advance: Advance | None = None
) -> Path:
    """Return a new ledger folder under `home`, not in use yet: the events of `source`, then `last`.

    The caller holds the writer lock. Reads `source` once, then re-hashes what was built; constant memory.
    After a crash its remains have a name that no reader opens, and the next call removes them.

    Raises: DamagedError when `source` is no sound log; DiskFullError, StorageError, UnwritableError.
    """
    folder = home.next_folder()
    with _building(folder.with_name(f"{folder.name}.new")) as building:
        with closing(new_engine(building, source)) as engine:
            head = fill(engine, source, advance=advance)
            identifier = append_id(f"backup.restored/{last.job_id.hex()}", job_id=last.job_id)
            step = partial(engine.append_in, appends=[Append([last], identifier)], head=head, now=lambda: now_us)
            head = engine.update(step)[-1].head
        Anchor.create(building / ANCHOR_FILE, head).close()
        settle(building)
        check_built(building, head)
        building.rename(folder)
        sync_folder(home.root)
    return folder


@contextmanager
def _building(folder: Path) -> Iterator[Path]:
    """Give `folder`, made empty, for the block; nothing of it stays when the block fails."""
    shutil.rmtree(folder, ignore_errors=True)
    make_private_folder(folder)
    try:
        yield folder
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise unwritable(folder, error) from error
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def new_engine(folder: Path, source: ArchiveLog) -> Engine:
    """Return a new database in the empty `folder`, its map as large as the events of `source` come to need.

    Growing on the way would put a whole transaction again each time.
    """
    return Engine(folder, readonly=False, create=True, room_bytes=source.scan.archive_bytes * 3 // 2)


def fill(engine: Engine, source: ArchiveLog, *, advance: Advance | None = None, tally: Tally | None = None) -> Head:
    """Put every event of `source` into the empty database of `engine`, with its index of appends; return the head.

    Consecutive events with one append id were appended together. Nothing is re-hashed: `check_built` is to follow.
    `tally` counts every event. About 4 MiB per transaction.

    Raises: DamagedError for an append id that is used again; DiskFullError, StorageError.
    """
    index, head = _Index(), EMPTY_HEAD
    batch: list[bytes] = []
    batch_bytes = 0
    for values in source.values():
        index.add(values)
        if tally is not None:
            tally.add_checked(values, head.size)
        head = Head(head.size + len(values), Link(values[-1][:LINK_BYTES]))
        if advance is not None:
            advance(len(values))
        batch += values
        batch_bytes += sum(map(len, values))
        if batch_bytes >= BATCH_BYTES:
            _load(engine, batch, index.take(), head)
            batch, batch_bytes = [], 0
    _load(engine, batch, index.take_last(), head)
    return head


def appends_begun(values: Sequence[bytes], start: int, before: bytes) -> list[tuple[int, bytes]]:
    """Return (seq, append id as msgpack has it) of those of `values` that were appended by another id than the last.

    `values` are link ‖ body from seq `start` on, their bytes checked before; `before` is the id of the event before.
    The ids are cut out: before them are the seq and a time, nearly always as long as each other. Decoding costs
    five times as much, and is what events of any other shape get.

    Raises: DamagedError for a body that is no envelope, where it is decoded at all.
    """
    time = LINK_BYTES + len(seq_prefix(start))
    at = time + TIME_BYTES
    if len(seq_prefix(start)) == len(seq_prefix(start + len(values) - 1)):
        ids = list(map(itemgetter(slice(at, at + ID_BYTES)), values))
        begun = _changes(ids, start, before)
        # What is too short for an id has none of that shape, and then its time is not looked at.
        shaped = all(one.startswith(ID) and len(one) == ID_BYTES for one in (ids[0], *(one for _, one in begun)))
        if shaped and set(map(itemgetter(time), values)) == {UINT64}:
            return begun
    envelopes = decode_envelopes([value[LINK_BYTES:] for value in values], start=start)
    return _changes([ID + one.append_id for one in envelopes], start, before)


def _changes(ids: Sequence[bytes], start: int, before: bytes) -> list[tuple[int, bytes]]:
    return list(compress(zip(count(start), ids), map(ne, ids, chain((before,), ids))))


def check_built(folder: Path, head: Head) -> None:
    """Return quietly when the ledger in `folder` re-hashes to `head`.

    Raises: DamagedError.
    """
    report = verify_folder(folder)
    if flaw := report.first_bad:
        raise DamagedError(flaw.seq or 0, flaw.kind, expected=flaw.expected, found=flaw.found)
    assert report.head is not None  # noqa: S101 - what verified has one
    if (report.events, report.head) != (head.size, head.link):
        raise DamagedError(head.size - 1, "head", expected=head.link.hex(), found=report.head.hex())


class _Index:
    """Which events each append wrote, as its events pass; an append may span batches."""

    def __init__(self) -> None:
        self._done: dict[bytes, AppendRun] = {}
        self._id = b""  # as msgpack has it; of no append yet
        self._first = self._stop = 0

    def add(self, values: Sequence[bytes]) -> None:
        """Take the events that come next.

        Raises: DamagedError.
        """
        for seq, one in appends_begun(values, self._stop, self._id):
            self._close(seq)
            self._id, self._first = one, seq
        self._stop += len(values)

    def take(self) -> dict[bytes, AppendRun]:
        """Return the appends that have ended since the last call."""
        done, self._done = self._done, {}
        return done

    def take_last(self) -> dict[bytes, AppendRun]:
        """Return the append under way as well: no event follows."""
        self._close(self._stop)
        return self.take()

    def _close(self, stop: int) -> None:
        if not self._id:
            return
        run, identifier = AppendRun(self._first, stop - self._first), self._id[len(ID) :]
        if identifier in self._done:
            raise _used_twice(identifier, run)
        self._done[identifier] = run


def _load(engine: Engine, values: Sequence[bytes], runs: dict[bytes, AppendRun], head: Head) -> None:
    try:
        engine.update(lambda txn: engine.load_in(txn, values, runs, head=head))
    except StorageError as error:
        # Explained by an append id that an earlier transaction stored, if there is one.
        with engine.reading() as txn:
            for identifier, run in runs.items():
                if engine.run_in(txn, identifier) is not None:
                    raise _used_twice(identifier, run) from error
        raise


def _used_twice(identifier: bytes, run: AppendRun) -> DamagedError:
    return DamagedError(run.first, "append id", expected="one not used before", found=f"{identifier.hex()} again")
