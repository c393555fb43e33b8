"""The ledger's LMDB environment: its databases, its growing map, its errors translated.

Default durable flags, no writemap: the only setting that survived simulated power cuts without losing
an acknowledged commit, and writemap dies of SIGBUS on a full disk.

Source: docs/format.md, "Database".
"""

import os
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

import lmdb
import msgspec

from ledger.appending import Append, Appended, chain_records, head_after, hold_back
from ledger.chain import EMPTY_HEAD, LINK_BYTES, Head, Link, Record, Seq
from ledger.claims import check_claims
from ledger.codec import decode_envelope
from ledger.errors import (
    DamagedError,
    DiskFullError,
    LedgerError,
    NewerFormatError,
    NotALedgerError,
    StorageError,
    UnreadableError,
    shortage,
)
from ledger.files.durable import open_private
from ledger.store.home import DATA_FILE
from ledger.store.lmdb_file import inspect
from ledger.store.lmdb_lock import allocate_lock, denied, one_opener
from ledger.store.lmdb_read import begin_reading

T = TypeVar("T")

FORMAT = b"b3-ledger 1"
FORMAT_KEY, HEAD_KEY = b"format", b"head"
EVENTS, APPENDS = b"events", b"appends"
HEAD = struct.Struct(">Q32s")
APPEND = struct.Struct(">QI")  # first seq, count
KEY_BYTES = 8
CHUNK_BYTES = 1024 * 1024
COMMIT_BODY_BYTES = 4 * 1024 * 1024  # of many appends in one transaction
FIRST_MAP_BYTES = 64 * 1024 * 1024
FULL_BYTES = 64 * 1024  # a disk with less than this takes no commit
MAP_STEP_BYTES = 1024 * 1024 * 1024  # past this, grow by a quarter, not by doubling
ADOPTED = 0  # the map size that another process gave the file


class AppendRun(msgspec.Struct, frozen=True):
    """Which events one append wrote: [first, first + count)."""

    first: int
    count: int


def key(seq: int) -> bytes:
    """Return the database key of `seq`: u64 big-endian, so that keys sort as numbers do."""
    return seq.to_bytes(KEY_BYTES, "big")


class Hole(msgspec.Struct, frozen=True):
    """Where event `seq` belongs: a record under another key, one too short for a link, or the end (no key)."""

    seq: int
    found_key: bytes = b""
    value_bytes: int = 0

    def error(self) -> DamagedError:
        """Return what reading past the hole raises."""
        if self.found_key == key(self.seq):
            expected = f"at least {LINK_BYTES} bytes"
            return DamagedError(self.seq, "record", expected=expected, found=f"{self.value_bytes} bytes")
        found = f"seq {int.from_bytes(self.found_key, 'big')}" if self.found_key else "the end"
        return DamagedError(self.seq, "missing event", expected=f"seq {self.seq}", found=found)


class Engine:
    """One open environment; one per process and folder, to be shared.

    Each read is a short transaction of its own; `update` opens the only write transaction, under the writer lock.
    """

    def __init__(self, folder: Path, *, readonly: bool, create: bool = False, room_bytes: int = 0) -> None:
        """Open the environment in `folder`; its map has room for `room_bytes` where it is to be written that much."""
        self.folder = folder
        self.path = folder / DATA_FILE
        self.readonly = readonly
        # Held for one chunk by reads, and while the map grows: LMDB allows no transaction of this process
        # while its map moves.
        self._map_lock = threading.Lock()
        if not create:
            inspect(self.path)
        self._env = self._open(create=create, room_bytes=room_bytes)
        try:
            self.databases = self._named(create=create)
            self._check_format(create=create)
        except lmdb.NotFoundError as error:
            self.close()
            raise NotALedgerError(self.path, "an LMDB file of something else") from error
        except lmdb.Error as error:
            self.close()
            raise self._translated(error) from error
        except LedgerError:
            self.close()
            raise

    def close(self) -> None:
        """Close the environment; harmless twice."""
        self._env.close()

    # --- reading -----------------------------------------------------------------------------

    def head(self) -> Head:
        """Return the head that was stored in one transaction with the last event; O(1).

        Raises: DamagedError when it is missing or not 40 bytes.
        """
        with self.reading() as txn:
            return self.head_in(txn)

    def head_in(self, txn: Any) -> Head:
        """Return the head as the transaction `txn` sees it; raises as `head` does."""
        value = txn.get(HEAD_KEY)
        if value is None or len(value) != HEAD.size:
            found = "none" if value is None else f"{len(value)} bytes"
            raise DamagedError(0, "stored head", expected=f"{HEAD.size} bytes", found=found)
        size, link = HEAD.unpack(value)
        return Head(size, Link(link))

    def tail(self) -> tuple[Head, tuple[int, Link] | None]:
        """Return the stored head, and (seq, link) of the last stored event, both from one transaction."""
        with self.reading() as txn:
            cursor = txn.cursor(db=self.databases[EVENTS])
            if not cursor.last():
                return self.head_in(txn), None
            last, value = cursor.item()
            return self.head_in(txn), (int.from_bytes(last, "big"), Link(value[:LINK_BYTES]))

    def link_at(self, seq: int) -> Link | None:
        """Return the link stored at `seq`, None when there is no such event."""
        with self.reading() as txn:
            return self.link_in(txn, seq)

    def link_in(self, txn: Any, seq: int) -> Link | None:
        """Return the link at `seq` as the transaction `txn` sees it, None when there is no such event."""
        value = txn.get(key(seq), db=self.databases[EVENTS])
        return None if value is None else Link(value[:LINK_BYTES])

    def body_in(self, txn: Any, seq: int) -> bytes:
        """Return the body at `seq` as the transaction `txn` sees it.

        Raises: DamagedError when there is no such event.
        """
        value: bytes | None = txn.get(key(seq), db=self.databases[EVENTS])
        if value is None:
            raise DamagedError(seq, "missing event", expected=f"seq {seq}", found="none")
        return value[LINK_BYTES:]

    def chunk(self, start: int, stop: int) -> list[Record]:
        """Return records from `start` on: up to 1 MiB of them, at least one, none at or past `stop`.

        Raises: DamagedError where one is missing or too short for a link.
        """
        # One cast per chunk: calling `Seq` and `Link` per event would cost a sixth of the rate.
        values = cast("Iterable[tuple[Seq, Any]]", enumerate(self.values(start, stop), start))
        return [Record(seq, value[:LINK_BYTES], value[LINK_BYTES:]) for seq, value in values]

    def values(self, start: int, stop: int) -> list[bytes]:
        """Return the same events as `chunk`, each as stored (link ‖ body), for callers that pass them on unread.

        Raises: as `chunk` does.
        """
        values: list[bytes] = []
        held_bytes = 0
        with self.reading() as txn:
            cursor = txn.cursor(db=self.databases[EVENTS])
            # Every reader of the log pays for this loop, so the keys are looked at where it begins and where it ends.
            if cursor.set_key(key(start)):
                for value in islice(cursor.iternext(keys=False), stop - start):
                    values.append(value)
                    held_bytes += len(value)
                    if held_bytes >= CHUNK_BYTES:
                        break
            # As many in between as there are seqs. Where a key of another length stands in for one that is missing,
            # the event under it says another seq, which whoever reads events looks at.
            if values and cursor.key() == key(start + len(values) - 1) and min(map(len, values)) >= LINK_BYTES:
                return values
        values, hole = self.values_to_hole(start, stop)
        if hole is not None:
            raise hole.error()
        return values

    def values_to_hole(self, start: int, stop: int, limit_bytes: int = 0) -> tuple[list[bytes], Hole | None]:
        """Return what `values` does, up to the first event that is missing or too short for a link, and that hole.

        Of about `limit_bytes`, where it says any, in place of 1 MiB.
        """
        values, held_bytes, want, limit_bytes = list[bytes](), 0, start, limit_bytes or CHUNK_BYTES
        with self.reading() as txn:
            cursor = txn.cursor(db=self.databases[EVENTS])
            # Verification pays for this loop, so `key` is written out in it.
            for found, value in cursor.iternext() if cursor.set_range(key(start)) else ():
                if found != want.to_bytes(KEY_BYTES, "big") or len(value) < LINK_BYTES:
                    return values, Hole(want, found, len(value))
                values.append(value)
                held_bytes += len(value)
                want += 1
                if want == stop or held_bytes >= limit_bytes:
                    return values, None
        return values, Hole(want)

    def run_in(self, txn: Any, append_id: bytes) -> AppendRun | None:
        """Return which events the append `append_id` wrote, None when it is new.

        Raises: DamagedError when its entry in the index is malformed.
        """
        value = txn.get(append_id, db=self.databases[APPENDS])
        if value is None:
            return None
        if len(value) != APPEND.size:
            raise DamagedError(0, "append index", expected=f"{APPEND.size} bytes", found=f"{len(value)} bytes")
        return AppendRun(*APPEND.unpack(value))

    # --- writing -----------------------------------------------------------------------------

    def update(self, step: Callable[[Any], T]) -> T:
        """Run `step` in one write transaction and make what it put durable, all or nothing.

        `step` runs again from the start when the map has to grow first, so it must have no other effect.

        Raises: ShortageError, DiskFullError or StorageError, after which the environment must be closed; whatever
        `step` raises.
        """
        while True:
            try:
                with self._env.begin(write=True) as txn:
                    result = step(txn)
            except lmdb.MapFullError:
                size = self._env.info()["map_size"]
                self._resize(size + min(size, max(MAP_STEP_BYTES, size // 4)))
            except lmdb.MapResizedError:
                self._resize(ADOPTED)
            except lmdb.Error as error:
                raise self._translated(error) from error
            else:
                return result

    def append_in(self, txn: Any, appends: Sequence[Append], *, head: Head, now: Callable[[], int]) -> list[Appended]:
        """Put `appends` (at least one, under ids that are new) after `head`, which is the log's as `txn` sees it.

        Of many, those after the one with which their bodies reach 4 MiB are left for another transaction.
        The one append step: of a log, an accepted head, a restore and a creation.
        The anchor, and what makes the appends wanted, are the caller's concern.

        Raises: BodyTooLargeError; OtherLogError when one records a head that this log does not hold; DamagedError
        when the last event cannot be decoded; StorageError as `load_in` does.
        """
        start = head.size
        last_recorded_at = decode_envelope(start - 1, self.body_in(txn, start - 1)).recorded_at if start else 0
        recorded_at, held_back_us = hold_back(now(), last_recorded_at)
        values: list[bytes] = []
        runs: dict[bytes, AppendRun] = {}
        done: list[Appended] = []
        body_bytes = 0

        def link_at(seq: int) -> Link | None:
            here = values[seq - start : seq - start + 1] if seq >= start else ()
            return Link(here[0][:LINK_BYTES]) if here else self.link_in(txn, seq)

        for one in appends:
            check_claims((draft.event for draft in one.drafts), link_at)
            records = chain_records(one.drafts, head=head, recorded_at=recorded_at, append_id=one.append_id)
            run = runs[one.append_id] = AppendRun(head.size, len(records))
            head = head_after(records)
            done.append(Appended(first=Seq(run.first), count=run.count, head=head, held_back_us=held_back_us))
            values += [record.link + record.body for record in records]
            body_bytes += sum(len(record.body) for record in records)
            if body_bytes >= COMMIT_BODY_BYTES:
                break
        self.load_in(txn, values, runs, head=head)
        return done

    def load_in(self, txn: Any, values: Sequence[bytes], runs: Mapping[bytes, AppendRun], *, head: Head) -> None:
        """Put `values` (link ‖ body) of any number of appends, the index entries `runs` and the `head` after them.

        Raises: StorageError when one of their keys is taken, or out of order.
        """
        items = [(seq.to_bytes(KEY_BYTES, "big"), value) for seq, value in enumerate(values, head.size - len(values))]
        _, added = txn.cursor(db=self.databases[EVENTS]).putmulti(items, overwrite=False, append=True)
        # In the order of their keys: those of many appends then share the pages that they are put into.
        index = [(name, APPEND.pack(run.first, run.count)) for name, run in sorted(runs.items())]
        _, new = txn.cursor(db=self.databases[APPENDS]).putmulti(index, overwrite=False)
        # LMDB returns False, and raises nothing, when a key is out of order or taken.
        if (added, new) != (len(items), len(index)):
            raise StorageError(self.path, "an event or an append id that is there already", landed=False)
        txn.put(HEAD_KEY, HEAD.pack(head.size, head.link))

    def copy(self, folder: Path) -> None:
        """Write a consistent copy of the database into the empty folder `folder`, which `cp` would not give."""
        with self._map_lock:
            try:
                self._env.copy(os.fspath(folder))
            except lmdb.Error as error:
                raise self._translated(error) from error

    # --- inside ------------------------------------------------------------------------------

    def _open(self, *, create: bool, room_bytes: int) -> Any:
        options: dict[str, Any] = {"max_dbs": 2, "mode": 0o600, "create": create, "max_readers": 512}
        try:
            if not self.readonly:
                allocate_lock(self.folder)
                file_bytes = self.path.stat().st_size if self.path.exists() else 0
                size = max(FIRST_MAP_BYTES, file_bytes * 2, room_bytes)
                if create:
                    os.close(open_private(self.path, os.O_WRONLY))  # LMDB takes an empty file for a new one
                with one_opener(self.path):
                    env = lmdb.open(os.fspath(self.folder), map_size=size, **options)
                # Processes that were killed while they read hold on to their slots, and to the pages they read.
                env.reader_check()
                return env
            # Where nothing can be written, nobody is writing: no lock is needed, and none could be made.
            lock = os.access(self.folder, os.W_OK)
            if lock:
                allocate_lock(self.folder)
            with one_opener(self.path):
                return lmdb.open(os.fspath(self.folder), readonly=True, lock=lock, map_size=0, **options)
        except (lmdb.Error, OSError) as error:
            raise self._translated(error) from error

    def _named(self, *, create: bool) -> dict[bytes, Any]:
        while True:
            try:
                return {name: self._env.open_db(name, create=create) for name in (EVENTS, APPENDS)}
            except lmdb.MapResizedError:
                # Another process grew the map between our opening the file and our first look into it.
                self._env.set_mapsize(ADOPTED)

    def _check_format(self, *, create: bool) -> None:
        if create:
            with self._env.begin(write=True) as txn:
                txn.put(FORMAT_KEY, FORMAT)
                txn.put(HEAD_KEY, HEAD.pack(EMPTY_HEAD.size, EMPTY_HEAD.link))
            return
        with self._begin_reading() as txn:
            found = txn.get(FORMAT_KEY)
        if found == FORMAT:
            return
        name, _, version = (found or b"").partition(b" ")
        if name == b"b3-ledger" and version.isdigit():
            raise NewerFormatError(self.path, found=f"b3-ledger {version.decode()}", known=FORMAT.decode())
        raise NotALedgerError(self.path, f"a database of format {found!r}")

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """Give a read transaction for the block, LMDB's errors translated; keep it short."""
        with self._map_lock:
            try:
                txn = self._begin_reading()
            except lmdb.Error as error:
                raise self._translated(error) from error
            try:
                yield txn
            except lmdb.Error as error:
                raise self._translated(error) from error
            finally:
                txn.abort()

    def _begin_reading(self) -> Any:
        # Where another process grew the map, no thread of ours is writing: its own begin would have raised that.
        return begin_reading(self._env, adopt_map=lambda: self._env.set_mapsize(ADOPTED))

    def _resize(self, map_bytes: int) -> None:
        with self._map_lock:
            self._env.set_mapsize(map_bytes)

    def _translated(self, error: Exception) -> LedgerError:
        text = str(error)
        if lacking := shortage(error):
            return lacking
        if isinstance(error, lmdb.DiskError) or "No space left" in text or "Disk quota" in text:
            return DiskFullError(self.path)
        # LMDB reports a short write as EIO, which is how most full disks first show.
        if "Input/output error" in text:
            disk = os.statvfs(self.folder)
            if disk.f_bavail * disk.f_frsize < FULL_BYTES:
                return DiskFullError(self.path)
        if "Permission denied" in text:
            return UnreadableError(denied(self.folder), "Permission denied")
        if isinstance(error, lmdb.InvalidError | lmdb.VersionMismatchError):
            return NotALedgerError(self.path, "no LMDB file")
        return StorageError(self.path, text)
