"""Builds a ledger folder from an archive: whole under a temporary name, then renamed, or not there at all."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

from ledger.appending import Append
from ledger.audit.verify import verify_folder
from ledger.backup.archive_log import ArchiveLog
from ledger.backup.counts import Tally
from ledger.backup.scan import Advance
from ledger.chain import EMPTY_HEAD, LINK_BYTES, Head, Link
from ledger.codec import Draft, Envelope, decode_envelopes
from ledger.errors import DamagedError, StorageError, unwritable
from ledger.files.durable import make_private_folder, sync_folder
from ledger.ids import append_id
from ledger.store.anchor import Anchor
from ledger.store.create import settle
from ledger.store.engine import AppendRun, Engine
from ledger.store.home import ANCHOR_FILE, LedgerHome

BATCH_BYTES = 8 * 1024 * 1024  # of events per transaction, which holds as much again in memory until it is durable


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
        with closing(Engine(building, readonly=False, create=True)) as engine:
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


def fill(engine: Engine, source: ArchiveLog, *, advance: Advance | None = None, tally: Tally | None = None) -> Head:
    """Put every event of `source` into the empty database of `engine`, with its index of appends; return the head.

    Consecutive events with one append id were appended together. Nothing is re-hashed: `check_built` is to follow.
    `tally` counts every event. About 8 MiB per transaction.

    Raises: DamagedError when a body is no envelope; DiskFullError, StorageError.
    """
    index, head = _Index(), EMPTY_HEAD
    batch: list[bytes] = []
    batch_bytes = 0
    for values in source.values():
        envelopes = decode_envelopes([value[LINK_BYTES:] for value in values], start=head.size)
        index.add(envelopes)
        if tally is not None:
            tally.add(envelopes)
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
        self._id: bytes | None = None
        self._first = self._stop = 0

    def add(self, envelopes: Sequence[Envelope]) -> None:
        for envelope in envelopes:
            if envelope.append_id != self._id:
                self._close(envelope.seq)
                self._id, self._first = envelope.append_id, envelope.seq
        self._stop = envelopes[-1].seq + 1

    def take(self) -> dict[bytes, AppendRun]:
        """Return the appends that have ended since the last call."""
        done, self._done = self._done, {}
        return done

    def take_last(self) -> dict[bytes, AppendRun]:
        """Return the append under way as well: no event follows."""
        self._close(self._stop)
        return self.take()

    def _close(self, stop: int) -> None:
        if self._id is None:
            return
        run = AppendRun(self._first, stop - self._first)
        if self._id in self._done:
            raise _used_twice(self._id, run)
        self._done[self._id] = run


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
