"""What ledgers remember of the backups made of them, as long as they can be read at all."""

import pytest

from ledger.backup.recorded import Recorded, recorded_backups
from ledger.chain import GENESIS, Head, Link
from ledger.codec import Draft, decode_envelope
from ledger.events import LEDGER_STREAM, BackupCreated
from ledger.ids import append_id
from ledger.store.anchor import Anchor
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.ledger.reading import refuse_writing
from tests.support.drafts import JOB, StepClock, connection_tested


def made(name: str, size: int) -> BackupCreated:
    """Return the event that tells of a backup of `size` events."""
    return BackupCreated(
        name=name, size=0, link=GENESIS, archive_bytes=size, sha256=bytes(32), types=(),
        providers=(), streams=0, streams_hash=bytes(32),
    )  # fmt: skip


def tell(home: LedgerHome, clock: StepClock, event: BackupCreated) -> Recorded:
    """Append `event`, and something after it; return what is to be remembered."""
    with EventLog(home, now=clock) as log:
        seq = log.head().size
        draft = Draft(job_id=JOB, stream=LEDGER_STREAM, event=event)
        log.append([draft, connection_tested(seq)], append_id=append_id(f"told/{seq}"))
        (record, _) = log.read(seq)
    return Recorded(seq, decode_envelope(seq, record.body).recorded_at, event)


def test_the_newest_backup_of_each_name_is_remembered(home: LedgerHome, clock: StepClock) -> None:
    """With its seq and its time."""
    tell(home, clock, made("a.db", 1))
    b = tell(home, clock, made("b.db", 2))
    a = tell(home, clock, made("a.db", 3))
    assert {"a.db": a, "b.db": b} == recorded_backups(home)


def test_the_real_ledger_is_believed_before_the_sample(home: LedgerHome, clock: StepClock) -> None:
    """Each tells of its own; of one name both tell of, the real one's counts."""
    create_ledger(home.sample, kind="sample", software="b3-ledger test", now=clock, lock_timeout_s=5)
    tell(home.sample, clock, made("a.db", 1))
    sampled = tell(home.sample, clock, made("s.db", 1))
    a = tell(home, clock, made("a.db", 2))
    assert {"a.db": a, "s.db": sampled} == recorded_backups(home)


@pytest.mark.damages("the database's file")
def test_a_ledger_that_is_not_there_or_ruined_remembers_nothing(home: LedgerHome, clock: StepClock) -> None:
    """Nor does one whose `CURRENT` is lost."""
    tell(home, clock, made("a.db", 1))
    assert {} == recorded_backups(LedgerHome(home.root / "none"))
    (home.root / "CURRENT").unlink()
    assert {} == recorded_backups(home)
    (home.root / "CURRENT").write_text("ledger-1\n", "ascii")
    (home.root / "ledger-1" / "data.mdb").write_bytes(b"ruin")
    assert {} == recorded_backups(home)


@pytest.mark.damages("the anchor remembers more events")
def test_a_rolled_back_ledger_is_asked_all_the_same(
    home: LedgerHome, clock: StepClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it tells of its backups is what shows how much of it is gone; it is only read."""
    a = tell(home, clock, made("a.db", 1))
    Anchor.create(home.root / "ledger-1" / "head", Head(99, Link(bytes(32)))).close()
    refuse_writing(monkeypatch, "ledger.store.event_log")
    assert {"a.db": a} == recorded_backups(home)
