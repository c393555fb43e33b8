"""No change to a stored log passes as intact, and the first one is named."""

import os
import shutil
import signal
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import lmdb
import msgspec
import pytest

from ledger.anchor import Anchor
from ledger.chain import EMPTY_HEAD, GENESIS, Head, Link
from ledger.engine import Engine
from ledger.errors import NewerFormatError, NoLedgerError, NotALedgerError
from ledger.home import LedgerHome
from ledger.ids import append_id
from ledger.lmdb_file import inspect
from ledger.log import EventLog
from ledger.quarantine import QuarantineError
from ledger.verify import VerifyReport, Witness, _end_flaw, _Look, _look, verify_folder, verify_ledger
from ledger.walker import Flaw
from tests.support.drafts import StepClock, connection_tested

EVENTS = 6


@pytest.fixture
def full(home: LedgerHome, clock: StepClock) -> LedgerHome:
    """A closed ledger of six events, the last two in one append."""
    with EventLog(home, now=clock) as log:
        for number in range(3):
            log.append([connection_tested(number)], append_id=append_id(f"n/{number}"))
        log.append([connection_tested(8), connection_tested(9)], append_id=append_id("pair"))
    return home


def key(seq: int) -> bytes:
    """Return the database key of `seq`."""
    return seq.to_bytes(8, "big")


def edit(home: LedgerHome, change: Callable[[Any, Any], None]) -> None:
    """Run `change(txn, events)` on the database behind the ledger's back."""
    with lmdb.open(str(home.root / "ledger-1"), max_dbs=3, sync=False) as env:
        events = env.open_db(b"events")
        with env.begin(write=True) as txn:
            change(txn, events)


def stored(home: LedgerHome) -> list[bytes]:
    """Return all stored values."""
    with lmdb.open(str(home.root / "ledger-1"), max_dbs=3) as env, env.begin() as txn:
        return [bytes(value) for _, value in txn.cursor(db=env.open_db(b"events", txn=txn))]


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
    """Every byte of every stored value, link and body, one at a time: the event's own seq comes back."""
    checked = 0
    for seq, value in enumerate(stored(full)):
        for at in range(len(value)):
            changed = value[:at] + bytes([value[at] ^ 0x01]) + value[at + 1 :]
            edit(full, lambda txn, db, seq=seq, changed=changed: txn.put(key(seq), changed, db=db))
            report = verify_ledger(full)
            assert ("tampered", seq) == (report.verdict, report.first_bad and report.first_bad.seq), (seq, at)
            assert (seq - 1 if seq else None) == report.last_good_seq
            checked += 1
        edit(full, lambda txn, db, seq=seq, value=value: txn.put(key(seq), value, db=db))
    assert sum(map(len, stored(full))) == checked
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


@pytest.mark.parametrize("change", [removed, closed_up, doubled, swapped, inserted, shortened])
def test_events_moved_about_are_named(full: LedgerHome, change: Callable[[Any, Any], None]) -> None:
    """Removed, doubled, swapped or inserted: the first seq that is not what it was."""
    edit(full, change)
    report = verify_ledger(full)
    assert ("tampered", 2, 1) == (report.verdict, report.first_bad and report.first_bad.seq, report.last_good_seq)


def test_an_event_past_the_stored_head_is_named(full: LedgerHome) -> None:
    """One more event than the head says is not ours."""
    edit(full, lambda txn, db: txn.put(key(EVENTS), bytes(txn.get(key(5), db=db)), db=db))
    report = verify_ledger(full)
    assert ("tampered", Flaw(EVENTS, "unexpected event", "the end", "seq 6")) == (report.verdict, report.first_bad)


def test_a_missing_end_is_truncated(full: LedgerHome) -> None:
    """Fewer events than the stored head says."""
    edit(full, lambda txn, db: txn.delete(key(EVENTS - 1), db=db))
    report = verify_ledger(full)
    assert ("truncated", 5, 4) == (report.verdict, report.first_bad and report.first_bad.seq, report.last_good_seq)


def test_a_stored_head_that_lies_is_tampered(full: LedgerHome) -> None:
    """The head's link is not the last event's."""
    edit(full, lambda txn, _: txn.put(b"head", struct.pack(">Q32s", EVENTS, bytes(32))))
    report = verify_ledger(full)
    assert ("tampered", 5, "stored head") == (
        report.verdict,
        report.first_bad and report.first_bad.seq,
        report.first_bad and report.first_bad.kind,
    )


def test_an_older_copy_put_in_place_is_rolled_back(full: LedgerHome, tmp_path: Path, clock: StepClock) -> None:
    """Whole in itself, and behind the anchor."""
    data = full.root / "ledger-1" / "data.mdb"
    shutil.copy(data, tmp_path / "old")
    with EventLog(full, now=clock) as log:
        log.append([connection_tested(10)], append_id=append_id("later"))
    shutil.copy(tmp_path / "old", data)
    report = verify_ledger(full)
    assert ("rolled_back", 6, 5) == (report.verdict, report.first_bad and report.first_bad.seq, report.last_good_seq)


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


def test_a_damaged_anchor_is_not_intact(full: LedgerHome) -> None:
    """The log holds, its witness does not."""
    (full.root / "ledger-1" / "head").write_bytes(b"")
    report = verify_ledger(full)
    assert ("unreadable", "anchor") == (report.verdict, report.first_bad and report.first_bad.kind)


def test_no_ledger_is_no_verdict(tmp_path: Path) -> None:
    """Nothing to check is not the same as bad."""
    with pytest.raises(NoLedgerError):
        verify_ledger(LedgerHome(tmp_path))


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


def test_two_processes_find_what_one_finds(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The work split at any seq gives the same report, for a sound log and for a flaw in either half."""
    monkeypatch.setattr("ledger.walker.WORTH_A_SECOND_PROCESS", 0)
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


def told(home: LedgerHome, **named: Any) -> VerifyReport:
    """Return the report but for how long it took."""
    report = verify_ledger(home, **named)
    assert 0 < report.seconds < 60
    return msgspec.structs.replace(report, seconds=0.0)


def sound(home: LedgerHome, **changes: Any) -> VerifyReport:
    """Return the report on `home` as it is now, all its events sound, with `changes`."""
    values = stored(home)
    report = VerifyReport(
        verdict="intact",
        events=len(values),
        head_seq=len(values) - 1,
        head=values[-1][:32],
        first_bad=None,
        last_good_seq=len(values) - 1,
        body_bytes=sum(len(value) - 32 for value in values),
        witnesses=("anchor",),
        seconds=0.0,
    )
    return msgspec.structs.replace(report, **changes)


def unreadable(flaw: Flaw) -> VerifyReport:
    """Return the report of a database of which nothing can be said."""
    return VerifyReport(
        verdict="unreadable",
        events=0,
        head_seq=None,
        head=None,
        first_bad=flaw,
        last_good_seq=None,
        body_bytes=0,
        witnesses=(),
        seconds=0.0,
    )


def test_an_intact_report_is_whole(full: LedgerHome) -> None:
    """Sizes, links and bytes as they are stored; witnesses in the order in which they were asked."""
    heads = [Head(seq + 1, Link(value[:32])) for seq, value in enumerate(stored(full))]
    assert sound(full) == told(full, structure=True)
    witnesses = [Witness("first", heads[0]), Witness("none", EMPTY_HEAD), Witness("last", heads[-1])]
    assert sound(full, witnesses=("anchor", "first", "none", "last")) == told(full, witnesses=witnesses)


def test_a_log_behind_its_witness_says_what_is_gone(full: LedgerHome) -> None:
    """Every event that is there holds, and the first witness that remembers more is named."""
    ahead = Witness("saved head", Head(99, Link(bytes(32))))
    flaw = Flaw(6, "missing event", "seq 98, which the saved head remembers", "the end")
    assert sound(full, verdict="rolled_back", first_bad=flaw, witnesses=()) == told(full, witnesses=[ahead])


def test_a_log_beside_its_witness_says_which_link_was_meant(full: LedgerHome) -> None:
    """Both links whole, and who remembers which."""
    Anchor.create(full.root / "ledger-1" / "head", Head(5, Link(bytes(32)))).close()
    flaw = Flaw(4, "link", f"{'00' * 32}, which the anchor remembers", stored(full)[4][:32].hex())
    assert sound(full, verdict="forked", first_bad=flaw, witnesses=()) == told(full)


def test_a_stored_head_that_lies_is_told_beside_the_link(full: LedgerHome) -> None:
    """All events hold; the head does not."""
    link = stored(full)[5][:32]
    edit(full, lambda txn, _: txn.put(b"head", struct.pack(">Q32s", EVENTS, bytes(32))))
    flaw = Flaw(5, "stored head", link.hex(), "00" * 32)
    want = sound(full, verdict="tampered", head=bytes(32), first_bad=flaw, witnesses=())
    assert want == told(full)


def test_a_log_without_events_is_intact(tmp_path: Path) -> None:
    """Neither a last seq nor a last good one; the anchor of no events agrees."""
    folder = tmp_path / "ledger-1"
    folder.mkdir()
    Engine(folder, readonly=False, create=True).close()
    Anchor.create(folder / "head", EMPTY_HEAD).close()
    home = LedgerHome(tmp_path)
    home.switch(folder)
    report = unreadable(Flaw(None, "", "", ""))
    want = msgspec.structs.replace(
        report, verdict="intact", head=EMPTY_HEAD.link, first_bad=None, witnesses=("anchor",)
    )
    assert want == told(home)


def test_nothing_is_said_of_a_file_that_must_not_be_mapped(full: LedgerHome) -> None:
    """The flaw is the refusal's own words."""
    data = full.root / "ledger-1" / "data.mdb"
    data.write_bytes(b"")
    reason = str(NotALedgerError(data, "an empty file"))
    assert unreadable(Flaw(None, "database", "a readable database", reason)) == told(full)


def test_an_engine_that_refuses_is_a_flaw_of_the_database(full: LedgerHome) -> None:
    """A later format, found by the child process."""
    edit(full, lambda txn, _: txn.put(b"format", b"b3-ledger 2"))
    refusal = NewerFormatError(full.root / "ledger-1" / "data.mdb", found="b3-ledger 2", known="b3-ledger 1")
    report = told(full)
    assert ("unreadable", Flaw(None, "database", "a readable database", str(QuarantineError(str(refusal))))) == (
        report.verdict,
        report.first_bad,
    )


def test_a_walk_that_dies_is_unreadable(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """What killed the child is told; no event counts as good."""
    want = sound(full)
    monkeypatch.setattr("ledger.walker.walk_range", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    flaw = Flaw(None, "database", "a readable database", "death by SIGKILL")
    changes = {"first_bad": flaw, "last_good_seq": None, "body_bytes": 0, "witnesses": ()}
    assert msgspec.structs.replace(want, verdict="unreadable", **changes) == told(full)


def test_a_damaged_anchor_is_told_only_of_a_sound_log(full: LedgerHome) -> None:
    """Damage of the log comes first."""
    (full.root / "ledger-1" / "head").write_bytes(b"")
    flaw = Flaw(None, "anchor", "a remembered head", "0 bytes long, not 128")
    assert sound(full, verdict="unreadable", first_bad=flaw, witnesses=()) == told(full)
    edit(full, removed)
    assert ("tampered", 2) == (told(full).verdict, (told(full).first_bad or flaw).seq)


def test_a_glance_sees_the_end_and_the_links_asked_for(full: LedgerHome) -> None:
    """The chain's start for a witness of no events, None where no event is."""
    values = stored(full)
    head = Head(EVENTS, Link(values[-1][:32]))
    want = _Look(head, None, (GENESIS, values[0][:32], values[5][:32], None))
    assert want == _look(full.root / "ledger-1", (-1, 0, 5, 6))


def test_a_glance_sees_an_event_past_the_head(full: LedgerHome) -> None:
    """What is wrong with the end is seen in the same transaction as the head."""
    edit(full, lambda txn, db: txn.put(key(EVENTS), bytes(40), db=db))
    assert Flaw(6, "unexpected event", "the end", "seq 6") == _look(full.root / "ledger-1", ()).end_flaw


def test_the_pages_are_checked_only_when_asked(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """That check reads the whole file, 150 MB a second."""

    def asked(*_: object, **__: object) -> Flaw:
        return Flaw(None, "page", "a sound one", "a test")

    monkeypatch.setattr("ledger.verify.structure_flaw", asked)
    assert ("intact", "unreadable") == (told(full).verdict, told(full, structure=True).verdict)
    assert "intact" == verify_folder(full.root / "ledger-1").verdict


def test_an_index_that_kills_its_reader_is_unreadable(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The events were all sound; the database is not."""
    want = sound(full)
    monkeypatch.setattr("ledger.verify.compare_index", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    flaw = Flaw(None, "database", "a readable database", "death by SIGKILL")
    assert msgspec.structs.replace(want, verdict="unreadable", first_bad=flaw, witnesses=()) == told(
        full, structure=True
    )


ONES = Link(b"\1" * 32)


@pytest.mark.parametrize(
    ("last", "flaw"),
    [
        (None, None),
        ((1, ONES), None),
        ((2, Link(bytes(32))), None),
        ((2, ONES), Flaw(2, "stored head", ONES.hex(), "00" * 32)),
        ((3, Link(bytes(32))), Flaw(3, "unexpected event", "the end", "seq 3")),
        ((9, ONES), Flaw(3, "unexpected event", "the end", "seq 9")),
    ],
)
def test_the_end_holds_when_the_last_event_is_the_heads(last: tuple[int, Link] | None, flaw: Flaw | None) -> None:
    """Short of the head is for the walk to say; at it the links must agree; past it nothing belongs."""
    assert flaw == _end_flaw(Head(3, Link(bytes(32))), last)
