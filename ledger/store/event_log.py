"""The live ledger: an append-only log on LMDB that follows `CURRENT`, with its anchor and its writer lock.

Source: docs/format.md; docs/architecture.md, "Invariants".
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Any, Self

import msgspec

from ledger.appending import Append, Appended, check_call, head_after, match_repeat
from ledger.chain import Head, Link, Record, Seq
from ledger.codec import Draft, decode_envelope
from ledger.errors import (
    ConflictError,
    DiskFullError,
    LedgerError,
    LedgerReplacedError,
    NoLedgerError,
    StorageError,
    UnwritableError,
)
from ledger.log_source import Witness, check_head
from ledger.store.anchor import Anchor, read_anchor
from ledger.store.ceiling import Ceiling
from ledger.store.engine import AppendRun, Engine
from ledger.store.home import ANCHOR_FILE, LedgerHome
from ledger.store.mark import heed
from ledger.store.writer_lock import WriterLock

WRITER_LOCK_TIMEOUT_S = 120.0
ANCHOR = "anchor"
COMMIT_APPENDS = 1_000

Clock = Callable[[], int]  # microseconds UTC


class Guards(msgspec.Struct, frozen=True, kw_only=True):
    """What a writer heeds beside the anchor: heads that others remember of a folder's log, and its clock's ceiling."""

    witnesses: Callable[[Path], Sequence[Witness]]
    ceiling: Ceiling | None


NO_GUARDS = Guards(witnesses=lambda _: (), ceiling=None)


class EventLog:
    """The ledger in use under a home; one per process and home, shared by threads.

    Opening for writing creates nothing: `ledger.store.create.create_ledger` does.
    """

    def __init__(
        self,
        home: LedgerHome,
        *,
        now: Clock,
        readonly: bool = False,
        check: bool = True,
        lock_timeout_s: float = WRITER_LOCK_TIMEOUT_S,
        guards: Guards = NO_GUARDS,
    ) -> None:
        """Open the ledger that `CURRENT` names, and check that it holds the head its anchor remembers.

        `check` False skips the check, for commands that examine a ledger which may be damaged.
        A writer also heeds its `guards`, and the mark of a bad verification.

        Raises: NoLedgerError, NotALedgerError, NewerFormatError, UnreadableError; RolledBackError,
        ForkedError or AnchorDamagedError when the anchor contradicts the log or cannot be read; MarkedError.
        """
        self.home = home
        self.readonly = readonly
        self._now = now
        self._ceiling = guards.ceiling
        self._lock_timeout_s = lock_timeout_s
        self._lock = None if readonly else WriterLock(home.writer_lock)
        self._switching = threading.Lock()
        self._anchor: Anchor | None = None
        self._switch_token = home.switch_token()
        folder = home.current()
        if folder is None:
            raise NoLedgerError(home.root)
        # The anchor is read before the log: the other order gives false alarms while somebody appends.
        anchored = read_anchor(folder / ANCHOR_FILE) if check else None
        known = [] if readonly else list(guards.witnesses(folder))
        if anchored is not None:
            known.insert(0, Witness(ANCHOR, anchored))
        if not readonly:
            heed(folder)
        self._engine = Engine(folder, readonly=readonly)
        try:
            for one in known:
                self.require(one.head, witness=one.name)
        except LedgerError:
            self._engine.close()
            raise

    @property
    def folder(self) -> Path:
        """The ledger folder that is open."""
        return self._engine.folder

    def close(self) -> None:
        """Close the database, the anchor and the lock."""
        self._engine.close()
        if self._anchor is not None:
            self._anchor.close()
            self._anchor = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- reading -----------------------------------------------------------------------------

    def head(self) -> Head:
        """Return the size and the last link; O(1)."""
        return self._engine.head()

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield the records of [start, stop), stop clipped to the head when reading began.

        Reads in transactions of about 1 MiB: the log only grows, so the view is consistent all the same,
        and no long reader makes the file grow.

        Raises: DamagedError where a stored record is missing or too short to hold a link.
        """
        engine = self._engine
        size = engine.head().size
        end = size if stop is None else min(stop, size)
        while start < end:
            for record in engine.chunk(start, end):
                yield record
                start = record.seq + 1

    def values(self, start: int, stop: int) -> Iterator[list[bytes]]:
        """Yield the events of [start, stop) as stored (link ‖ body), in lists of about 1 MiB.

        Costs two thirds of `read`. `stop` is at most the log's size.

        Raises: as `read` does.
        """
        while start < stop:
            values = self._engine.values(start, stop)
            yield values
            start += len(values)

    def link_at(self, seq: int) -> Link | None:
        """Return the link stored at `seq`, None when there is no such event; O(1)."""
        return self._engine.link_at(seq)

    def append_run(self, append_id: bytes) -> AppendRun | None:
        """Return which events the append `append_id` wrote, None when there was none; O(1)."""
        with self._engine.reading() as txn:
            return self._engine.run_in(txn, append_id)

    def append_runs(self, append_ids: Iterable[bytes]) -> dict[bytes, AppendRun]:
        """Return what `append_run` does of many ids at once, those that there are alone."""
        with self._engine.reading() as txn:
            found = ((name, self._engine.run_in(txn, name)) for name in append_ids)
            return {name: run for name, run in found if run is not None}

    def require(self, remembered: Head, *, witness: str) -> None:
        """Return quietly when the log still holds the head that `witness` remembers; O(1).

        Raises: RolledBackError when it is shorter, ForkedError when it holds another event there.
        """
        check_head(self._engine.link_at, self._engine.head, remembered, witness)

    def require_folder(self, expected: Path) -> None:
        """Return quietly when the ledger that is open is the one in the folder `expected`.

        Waits while another thread switches ledgers.

        Raises: LedgerReplacedError.
        """
        with self._switching:
            actual = self.folder
        if actual != expected:
            raise LedgerReplacedError(expected=expected, actual=actual)

    # --- writing -----------------------------------------------------------------------------

    def append(
        self,
        drafts: Sequence[Draft],
        *,
        append_id: bytes,
        expected_size: int | None = None,
        expected_folder: Path | None = None,
    ) -> Appended:
        """Append all of `drafts` or none; when this returns, they are durable and anchored.

        The same `append_id` with the same events returns the first result again and appends nothing,
        so a caller that does not know whether its append was acknowledged simply calls again.
        Takes the writer lock, then one transaction; about 0.4 ms on an SSD.
        `expected_folder` is for events derived from what the log held: after a restore they would mean something else.

        Raises: ConflictError for another size than `expected_size`; LedgerReplacedError for another ledger in use
        than the one in `expected_folder`, which is open from then on; OtherLogError for an event that records a head
        of another log; AppendIdError for an id used for other events; BodyTooLargeError; WriterLockError;
        DiskFullError, StorageError (the ledger is reopened and stays usable); RolledBackError, ForkedError,
        AnchorDamagedError, MarkedError; ClockAheadError.
        """
        return self.append_many(
            [Append(drafts, append_id)], expected_size=expected_size, expected_folder=expected_folder
        )[0]

    def append_many(
        self, appends: Sequence[Append], *, expected_size: int | None = None, expected_folder: Path | None = None
    ) -> list[Appended]:
        """Do what `append` does for each of `appends`, in their order, many of them in one transaction.

        Up to 1,000, or 4 MiB of bodies, a transaction: each append is in the log whole or not at all, and so are those
        of a transaction together; what was committed stays when a later one fails. One that is there already is
        skipped. `expected_size` is the log's before the first that is new.

        Raises: as `append` does.
        """
        for one in appends:
            check_call(one)
        lock = self._writer_lock()
        with lock.held(self._lock_timeout_s):
            token = self.home.switch_token()
            if token != self._switch_token:
                folder = self.home.current()
                if folder is None:
                    raise NoLedgerError(self.home.root)
                if folder != self.folder:
                    self._reopen(folder)
                self._switch_token = token
            if expected_folder is not None:
                self.require_folder(expected_folder)
            heed(self.folder)
            if self._anchor is None:
                path = self.folder / ANCHOR_FILE
                # No file at all: somebody removed it. The log goes on under a new one; `verify` reported its absence.
                self._anchor = Anchor(path) if path.exists() else Anchor.create(path, self._engine.head())
            done: list[Appended] = []
            while left := appends[len(done) : len(done) + COMMIT_APPENDS]:
                fresh = all(one.repeated for one in done)
                done += self._append_locked(self._anchor, left, expected_size if fresh else None)
            return done

    def locked(self) -> WriterLock:
        """Return the writer lock, for an append that must be atomic with the reads before it."""
        return self._writer_lock()

    # --- inside ------------------------------------------------------------------------------

    def _writer_lock(self) -> WriterLock:
        if self._lock is None:
            message = "got an append to a log that is closed or open for reading, want one open for writing"
            raise ValueError(message)
        return self._lock

    def _append_locked(self, anchor: Anchor, appends: Sequence[Append], expected_size: int | None) -> list[Appended]:
        """Take the first of `appends`, as many as one transaction does, and return what became of each."""
        remembered = anchor.read()
        landing: list[Head] = []

        def step(txn: Any) -> tuple[list[Appended], Head]:
            check_head(partial(self._engine.link_in, txn), partial(self._engine.head_in, txn), remembered, ANCHOR)
            head = self._engine.head_in(txn)
            known, new = self._known_and_new(txn, appends)
            if not new:
                return list(known.values()), head
            if expected_size is not None and expected_size != head.size:
                raise ConflictError(expected=expected_size, actual=head.size)
            now_us = self._now()
            if self._ceiling is not None:
                last_us = decode_envelope(head.size - 1, self._engine.body_in(txn, head.size - 1)).recorded_at
                # What comes after the first is at no distance from it.
                self._ceiling.check(next(iter(new.values())).drafts, now_us=now_us, last_us=last_us)
            landed = self._engine.append_in(txn, list(new.values()), head=head, now=lambda: now_us)
            landing[:] = [landed[-1].head]
            done = known | dict(zip(new, landed, strict=False))
            taken = (one.append_id for one in appends[: len(known) + len(new)])
            return [done[name] for name in takewhile(done.__contains__, taken)], landing[0]

        appended, head = self._commit(step, landing)
        # A crash here leaves the anchor behind the log: it may lag, never lead. A retry brings it up.
        if head != remembered:
            try:
                anchor.write(head)
            except (DiskFullError, UnwritableError) as error:
                raise StorageError(self._engine.path, str(error), landed=True) from error
        return appended

    def _known_and_new(self, txn: Any, appends: Sequence[Append]) -> tuple[dict[bytes, Appended], dict[bytes, Append]]:
        """Return which of `appends` are in the log, and which are not, up to the first that comes a second time."""
        known: dict[bytes, Appended] = {}
        new: dict[bytes, Append] = {}
        for one in appends:
            if one.append_id in known or one.append_id in new:
                break  # a repeat, once the first one is there: in the next transaction
            if run := self._engine.run_in(txn, one.append_id):
                known[one.append_id] = self._repeated(one, run)
            else:
                new[one.append_id] = one
        return known, new

    def _repeated(self, append: Append, run: AppendRun) -> Appended:
        """Return what was said of an append when it was new.

        Raises: AppendIdError when it was another one.
        """
        stored = list(self.read(run.first, run.first + run.count))
        match_repeat(append.drafts, stored, append_id=append.append_id, first=run.first)
        return Appended(first=Seq(run.first), count=run.count, head=head_after(stored), repeated=True)

    def _commit(
        self, step: Callable[[Any], tuple[list[Appended], Head]], landing: list[Head]
    ) -> tuple[list[Appended], Head]:
        try:
            return self._engine.update(step)
        except (DiskFullError, StorageError) as error:
            # After a failed commit the environment cannot be trusted, whatever it reports next.
            self._reopen(self.folder)
            if landing and self._engine.head() == landing[0]:
                raise StorageError(self._engine.path, str(error), landed=True) from error
            raise

    def _reopen(self, folder: Path) -> None:
        with self._switching:
            self._engine.close()
            if self._anchor is not None:
                self._anchor.close()
                self._anchor = None
            self._engine = Engine(folder, readonly=self.readonly)
