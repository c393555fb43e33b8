"""Which restore took a head out of use is found by following the records back; the newest that fits counts."""

import shutil

import pytest

from ledger.backup.restore_history import Replaced, replaced_by
from ledger.chain import GENESIS, Head, Link
from ledger.codec import Draft, decode_envelope
from ledger.events import LEDGER_STREAM, BackupRestored
from ledger.ids import append_id
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.ledger.reading import refuse_writing
from tests.support.drafts import JOB, StepClock, connection_tested

NOBODY = Head(2, Link(bytes(32)))


def restored(backup: str, folder: str | None) -> Draft:
    """Return the event that tells of a restore of `backup` in the place of `folder`."""
    event = BackupRestored(
        name=backup,
        size=0,
        link=GENESIS,
        sha256=bytes(32),
        replaced_folder=folder,
        replaced_size=1,
        replaced_link=bytes(32),
        rollback=False,
    )
    return Draft(job_id=JOB, stream=LEDGER_STREAM, event=event)


def append(home: LedgerHome, clock: StepClock, *drafts: Draft) -> Head:
    """Append `drafts` to the ledger under `home`; return its head."""
    with EventLog(home, now=clock) as log:
        return log.append(drafts, append_id=append_id(f"n/{log.head().size}")).head


def other(home: LedgerHome, name: str, clock: StepClock, *drafts: Draft) -> Head:
    """Put a ledger that holds `drafts` beside that of `home`, as one that was replaced; return its head."""
    elsewhere = LedgerHome(home.root.parent / name)
    create_ledger(elsewhere, kind="real", software="b3-ledger test", now=clock, lock_timeout_s=5)
    head = append(elsewhere, clock, *drafts, connection_tested(len(name)))
    shutil.copytree(elsewhere.root / "ledger-1", home.root / name)
    return head


def told(home: LedgerHome, folder: str, backup: str, seq: int, replaced: str) -> Replaced:
    """Return the record at `seq` of the ledger in `folder`, which tells of a restore of `backup`."""
    reader = LedgerHome(home.root.parent / f"reader-{folder}-{seq}")
    shutil.copytree(home.root / folder, reader.root / "ledger-1")
    (reader.root / "CURRENT").write_text("ledger-1\n", "ascii")
    with EventLog(reader, now=int, readonly=True) as log:
        (record,) = log.read(seq, seq + 1)
    recorded_at = decode_envelope(seq, record.body).recorded_at
    return Replaced(backup=backup, seq=seq, recorded_at=recorded_at, folder=replaced)


def test_a_head_is_traced_to_the_restore_that_replaced_its_ledger(home: LedgerHome, clock: StepClock) -> None:
    """Any head that ledger went through, and no other."""
    head = other(home, "ledger-9", clock)
    append(home, clock, connection_tested(1), restored("a.db", "ledger-9"), connection_tested(2))
    want = told(home, "ledger-1", "a.db", 2, "ledger-9")
    with EventLog(home, now=clock, readonly=True) as log:
        ours = [Head(record.seq + 1, record.link) for record in log.read()]
    assert want == replaced_by(home, head)
    assert [None] * len(ours) == [replaced_by(home, one) for one in ours]
    assert None is replaced_by(home, NOBODY)


def test_of_two_restores_that_fit_the_newer_one_is_told(home: LedgerHome, clock: StepClock) -> None:
    """Both ledgers that were replaced hold the head: it was in use until the second."""
    head = other(home, "ledger-8", clock)
    shutil.copytree(home.root / "ledger-8", home.root / "ledger-9")
    append(home, clock, restored("a.db", "ledger-8"), restored("b.db", "ledger-9"))
    assert told(home, "ledger-1", "b.db", 2, "ledger-9") == replaced_by(home, head)


@pytest.mark.parametrize("newer", ["ledger-7", "ledger-1", None, "ledger-8"])
def test_a_restore_that_does_not_fit_is_passed_over(newer: str | None, home: LedgerHome, clock: StepClock) -> None:
    """A folder that is gone, the ledger itself under its old name, no folder at all, one that lacks the head."""
    head = other(home, "ledger-9", clock)
    other(home, "ledger-8", clock)
    append(home, clock, restored("a.db", "ledger-9"), restored("b.db", newer))
    assert told(home, "ledger-1", "a.db", 1, "ledger-9") == replaced_by(home, head)


def test_records_are_followed_through_the_ledgers_that_were_replaced(home: LedgerHome, clock: StepClock) -> None:
    """The record that tells lies in a ledger that is itself out of use, after one that leads nowhere."""
    head = other(home, "ledger-7", clock)
    other(home, "ledger-8", clock, restored("a.db", "ledger-7"))
    other(home, "ledger-9", clock)
    append(home, clock, restored("b.db", "ledger-8"), restored("c.db", "ledger-9"))
    assert told(home, "ledger-8", "a.db", 1, "ledger-7") == replaced_by(home, head)


@pytest.mark.damages("the database's file")
def test_where_nothing_can_be_read_nothing_is_told(home: LedgerHome, clock: StepClock) -> None:
    """No ledger, no `CURRENT`, a replaced ledger in ruins, the one in use in ruins."""
    head = other(home, "ledger-9", clock)
    append(home, clock, restored("a.db", "ledger-9"))
    assert None is replaced_by(LedgerHome(home.root / "none"), head)
    (home.root / "CURRENT").rename(home.root / "kept")
    assert None is replaced_by(home, head)
    (home.root / "kept").rename(home.root / "CURRENT")
    (home.root / "ledger-9" / "data.mdb").write_bytes(b"ruin")
    assert None is replaced_by(home, head)
    (home.root / "ledger-1" / "data.mdb").write_bytes(b"ruin")
    assert None is replaced_by(home, head)


def test_no_ledger_is_opened_for_writing(home: LedgerHome, clock: StepClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the one in use nor those that were replaced."""
    head = other(home, "ledger-9", clock)
    append(home, clock, restored("a.db", "ledger-9"))
    refuse_writing(monkeypatch, "ledger.backup.restore_history")
    assert told(home, "ledger-1", "a.db", 1, "ledger-9") == replaced_by(home, head)
