"""No change to a stored log passes as intact, and the first one is named."""

import os
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.audit.flaw import Flaw
from ledger.audit.rehash import rehash_range
from ledger.audit.verify import verify_ledger
from ledger.chain import Head, Link
from ledger.errors import NoLedgerError
from ledger.ids import append_id
from ledger.log_source import Witness
from ledger.store.anchor import Anchor
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.store.lmdb_file import inspect
from tests.ledger.tampering import EVENTS, edit, filled, key, stored
from tests.support.drafts import StepClock, connection_tested


@pytest.fixture
def full(home: LedgerHome, clock: StepClock) -> LedgerHome:
    """A closed ledger of six events, the last two in one append."""
    return filled(home, clock)


def test_an_untouched_ledger_is_intact(full: LedgerHome) -> None:
    """Every event holds and the anchor agrees."""
    report = verify_ledger(full)
    with EventLog(full, now=StepClock(), readonly=True) as log:
        head = log.head()
    assert ("intact", EVENTS, EVENTS - 1, head.link, None, EVENTS - 1, ("anchor",)) == (
        report.verdict,
        report.events,
        report.head_seq,
        report.head,
        report.first_bad,
        report.last_good_seq,
        report.witnesses,
    )


def test_any_changed_byte_of_any_event_is_named(full: LedgerHome) -> None:
    """Every byte of every stored value, link and body, one at a time: the event's own seq comes back.

    Every change is re-hashed in this process; `verify_ledger`, which re-hashes in children, is asked of some.
    """
    folder = full.current()
    assert folder is not None
    for seq, value in enumerate(stored(full)):
        for at in range(len(value)):
            changed = value[:at] + bytes([value[at] ^ 0x01]) + value[at + 1 :]
            edit(full, lambda txn, db, seq=seq, changed=changed: txn.put(key(seq), changed, db=db))
            engine = Engine(folder, readonly=True)
            found = rehash_range(engine, 0, EVENTS)
            engine.close()
            assert (seq, seq) == (found.good, found.flaw and found.flaw.seq), (seq, at)
            if at % 29 == 0:
                report = verify_ledger(full)
                assert ("tampered", found.flaw) == (report.verdict, report.first_bad), (seq, at)
                assert (seq - 1 if seq else None) == report.last_good_seq
        edit(full, lambda txn, db, seq=seq, value=value: txn.put(key(seq), value, db=db))
    assert "intact" == verify_ledger(full).verdict


def removed(txn: Any, db: Any) -> None:
    """Take event 2 out, leaving a hole."""
    txn.delete(key(2), db=db)


def closed_up(txn: Any, db: Any) -> None:
    """Take event 2 out and move the later ones down."""
    for seq in range(2, EVENTS - 1):
        txn.put(key(seq), bytes(txn.get(key(seq + 1), db=db)), db=db)
    txn.delete(key(EVENTS - 1), db=db)


def doubled(txn: Any, db: Any) -> None:
    """Store event 1 a second time at 2, moving the later ones up."""
    for seq in range(EVENTS, 2, -1):
        txn.put(key(seq), bytes(txn.get(key(seq - 1), db=db)), db=db)
    txn.put(key(2), bytes(txn.get(key(1), db=db)), db=db)


def swapped(txn: Any, db: Any) -> None:
    """Exchange events 2 and 3."""
    second, third = bytes(txn.get(key(2), db=db)), bytes(txn.get(key(3), db=db))
    txn.put(key(2), third, db=db)
    txn.put(key(3), second, db=db)


def inserted(txn: Any, db: Any) -> None:
    """Put an event that was never appended at 2, moving the later ones up."""
    doubled(txn, db)
    txn.put(key(2), bytes(32) + bytes(txn.get(key(1), db=db))[32:], db=db)


def shortened(txn: Any, db: Any) -> None:
    """Leave too few bytes for a link at 2."""
    txn.put(key(2), b"short", db=db)


@pytest.mark.damages("events are moved about")
@pytest.mark.parametrize("change", [removed, closed_up, doubled, swapped, inserted, shortened])
def test_events_moved_about_are_named(full: LedgerHome, change: Callable[[Any, Any], None]) -> None:
    """Removed, doubled, swapped or inserted: the first seq that is not what it was."""
    edit(full, change)
    report = verify_ledger(full)
    assert ("tampered", 2, 1) == (report.verdict, report.first_bad and report.first_bad.seq, report.last_good_seq)


@pytest.mark.damages("there is an event past the stored head")
def test_an_event_past_the_stored_head_is_named(full: LedgerHome) -> None:
    """One more event than the head says is not ours."""
    edit(full, lambda txn, db: txn.put(key(EVENTS), bytes(txn.get(key(5), db=db)), db=db))
    report = verify_ledger(full)
    assert ("tampered", Flaw(EVENTS, "unexpected event", "the end", "seq 6")) == (report.verdict, report.first_bad)


@pytest.mark.damages("the last event is gone")
def test_a_missing_end_is_truncated(full: LedgerHome) -> None:
    """Fewer events than the stored head says."""
    edit(full, lambda txn, db: txn.delete(key(EVENTS - 1), db=db))
    report = verify_ledger(full)
    assert ("truncated", 5, 4) == (report.verdict, report.first_bad and report.first_bad.seq, report.last_good_seq)


@pytest.mark.damages("the stored head")
def test_a_stored_head_that_lies_is_tampered(full: LedgerHome) -> None:
    """The head's link is not the last event's."""
    edit(full, lambda txn, _: txn.put(b"head", struct.pack(">Q32s", EVENTS, bytes(32))))
    report = verify_ledger(full)
    assert ("tampered", 5, "stored head") == (
        report.verdict,
        report.first_bad and report.first_bad.seq,
        report.first_bad and report.first_bad.kind,
    )


@pytest.mark.damages("an older database is put back")
def test_an_older_copy_put_in_place_is_rolled_back(full: LedgerHome, tmp_path: Path, clock: StepClock) -> None:
    """Whole in itself, and behind the anchor."""
    data = full.root / "ledger-1" / "data.mdb"
    shutil.copy(data, tmp_path / "old")
    with EventLog(full, now=clock) as log:
        log.append([connection_tested(10)], append_id=append_id("later"))
    shutil.copy(tmp_path / "old", data)
    report = verify_ledger(full)
    assert ("rolled_back", 6, 5) == (report.verdict, report.first_bad and report.first_bad.seq, report.last_good_seq)


@pytest.mark.damages("the newest meta page")
def test_a_meta_page_rolled_back_is_seen(full: LedgerHome) -> None:
    """The newest meta page's transaction id set to 0 opens as one commit ago, its own checks all green."""
    data = full.root / "ledger-1" / "data.mdb"
    page_bytes, newest = inspect(data).page_bytes, inspect(data).txn_id
    at = next(
        offset
        for offset in (0, page_bytes)
        if struct.unpack_from("=Q", data.read_bytes(), offset + 16 + 128)[0] == newest
    )
    fd = os.open(data, os.O_WRONLY)
    os.pwrite(fd, bytes(8), at + 16 + 128)
    os.close(fd)
    report = verify_ledger(full)
    assert ("rolled_back", 4) == (report.verdict, report.events)


@pytest.mark.damages("the anchor remembers another event")
def test_a_rewritten_end_is_forked(full: LedgerHome) -> None:
    """The same number of events, chained soundly, but not those that the anchor remembers."""
    Anchor.create(full.root / "ledger-1" / "head", Head(5, Link(bytes(32)))).close()
    report = verify_ledger(full)
    assert ("forked", 4) == (report.verdict, report.first_bad and report.first_bad.seq)


def test_a_saved_head_is_a_witness(full: LedgerHome) -> None:
    """What was remembered elsewhere is held against the log, and named when it agrees."""
    with EventLog(full, now=StepClock(), readonly=True) as log:
        head = log.head()
    kept, ahead = Witness("saved head", head), Witness("saved head", Head(99, Link(bytes(32))))
    assert ("intact", ("anchor", "saved head")) == (
        verify_ledger(full, witnesses=[kept]).verdict,
        verify_ledger(full, witnesses=[kept]).witnesses,
    )
    assert "rolled_back" == verify_ledger(full, witnesses=[ahead]).verdict


def test_without_any_witness_that_is_said(full: LedgerHome) -> None:
    """Intact, and nothing outside the file to hold it against."""
    (full.root / "ledger-1" / "head").unlink()
    report = verify_ledger(full)
    assert ("intact", ()) == (report.verdict, report.witnesses)


@pytest.mark.damages("the anchor")
def test_a_damaged_anchor_is_not_intact(full: LedgerHome) -> None:
    """The log holds, its witness does not."""
    (full.root / "ledger-1" / "head").write_bytes(b"")
    report = verify_ledger(full)
    assert ("unreadable", "anchor") == (report.verdict, report.first_bad and report.first_bad.kind)


def test_no_ledger_is_no_verdict(tmp_path: Path) -> None:
    """Nothing to check is not the same as bad."""
    with pytest.raises(NoLedgerError) as refusal:
        verify_ledger(LedgerHome(tmp_path))
    assert tmp_path == refusal.value.path


def ruins(data: Path) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, bytes) overwritings: each page in turn, zeroed or set to ones."""
    for page in range(data.stat().st_size // 4096):
        for byte in (b"\0", b"\xff"):
            yield page * 4096, byte * 4096


def test_ruined_pages_never_kill_and_never_pass(full: LedgerHome) -> None:
    """Each page zeroed or filled: a verdict comes back from a process that lives, and with --structure never intact.

    A ruined page may be one that no event lies on; then the log is whole, and only the structure check minds.
    """
    data = full.root / "ledger-1" / "data.mdb"
    sound = data.read_bytes()
    verdicts = set()
    for offset, raw in ruins(data):
        data.write_bytes(sound[:offset] + raw + sound[offset + 4096 :])
        verdicts.add(verify_ledger(full, structure=True).verdict)
        verify_ledger(full)
    data.write_bytes(sound)
    assert "intact" == verify_ledger(full, structure=True).verdict
    assert verdicts <= {"unreadable", "rolled_back", "tampered", "truncated", "intact"}


def test_a_ledger_is_looked_at_by_who_only_reads(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer's environment would grow the map and the lock file."""

    def reading(folder: Path, *, readonly: bool) -> Engine:
        assert readonly is True
        return Engine(folder, readonly=True)

    monkeypatch.setattr("ledger.audit.verify.Engine", reading)
    assert "intact" == verify_ledger(full).verdict


def test_two_processes_find_what_one_finds(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work split at any seq gives the same report, for a sound log and for a flaw in either half."""
    monkeypatch.setattr("ledger.audit.rehash.WORTH_A_SECOND_PROCESS", 0)
    values = stored(full)
    for seq in [None, *range(EVENTS)]:
        if seq is not None:
            edit(full, lambda txn, db, seq=seq: txn.put(key(seq), values[seq][:-1] + b"\0", db=db))
        one, *others = (verify_ledger(full, workers=workers) for workers in (1, 2, 3, 6))
        for other in others:
            assert (one.verdict, one.first_bad, one.last_good_seq) == (
                other.verdict,
                other.first_bad,
                other.last_good_seq,
            )
        if seq is not None:
            assert ("tampered", seq) == (one.verdict, one.first_bad and one.first_bad.seq)
            edit(full, lambda txn, db, seq=seq: txn.put(key(seq), values[seq], db=db))
