"""Homes in the states that a restore may find them in."""

import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import lmdb

from ledger.backup.archive_log import ArchiveLog, archive_log
from ledger.backup.restore import Restore, Terms
from ledger.chain import Head, Record
from ledger.codec import decode_envelope
from ledger.ids import append_id, new_id
from ledger.log_source import Witness
from ledger.store.anchor import Anchor
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support.archives import archive, put, small_log
from tests.support.drafts import JOB, StepClock, connection_tested
from tests.support.oracle import check_log

SIZE = 6
OURS = list(small_log(SIZE).read())


def task(
    home: LedgerHome,
    backup: ArchiveLog,
    *,
    lock_timeout_s: float = 5,
    witnesses: Callable[[], Sequence[Witness]] = tuple,
) -> Restore:
    """Return a restore of `backup` into `home`, under a job of its own."""
    job_id = new_id(time.time_ns() // 1000)
    return Restore(home, backup, job_id=job_id, now=StepClock(), lock_timeout_s=lock_timeout_s, witnesses=witnesses)


def fill(home: LedgerHome, size: int, *, ledger_id: bytes = JOB, more: int = 0) -> None:
    """Make `home` hold the first `size` events of the log that the archive is of, and `more` of its own."""
    part = small_log(size, ledger_id=ledger_id)
    folder = home.root / "part"
    folder.mkdir(parents=True)
    task(home, archive_log(put(folder / "part.db", archive(part.read())))).run(Terms())
    shutil.rmtree(folder)
    forget_restore(home, size)
    if more:
        with EventLog(home, now=StepClock()) as log:
            log.append([connection_tested(100 + number) for number in range(more)], append_id=append_id("more"))


def forget_restore(home: LedgerHome, size: int) -> None:
    """Take the restore's own event back, so that the ledger is exactly the part it was made of."""
    folder = home.current()
    assert folder is not None
    engine = Engine(folder, readonly=True)
    records = engine.chunk(0, size)
    run = engine.chunk(size, size + 1)[0]
    engine.close()
    with lmdb.open(str(folder), max_dbs=3) as env, env.begin(write=True) as txn:
        txn.delete(size.to_bytes(8, "big"), db=env.open_db(b"events", txn=txn))
        txn.delete(decode_envelope(run.seq, run.body).append_id, db=env.open_db(b"appends", txn=txn))
    rewrite_head(folder, Head(size, records[-1].link))


def rewrite_head(folder: Path, head: Head) -> None:
    """Store `head` as the ledger's, in the database and in the anchor."""
    engine = Engine(folder, readonly=False)
    engine.update(lambda txn: engine.load_in(txn, [], {}, head=head))
    engine.close()
    Anchor.create(folder / "head", head).close()


def events(home: LedgerHome) -> list[Record]:
    """Return every record of the ledger in use, once the oracle is content with it."""
    with EventLog(home, now=StepClock(), readonly=True) as log:
        check_log(log)
        return list(log.read())
