"""Reports of verification, to the letter."""

import os
import signal
import struct
from pathlib import Path
from typing import Any

import lmdb
import msgspec
import pytest

from ledger.audit.flaw import Flaw
from ledger.audit.meaning import EventsRead
from ledger.audit.rehash import RangeReport, rehash_ledger
from ledger.audit.verify import VerifyReport, _end_flaw, _probe, _Probed, verify_folder, verify_ledger
from ledger.chain import EMPTY_HEAD, GENESIS, Head, Link
from ledger.errors import NewerFormatError, NotALedgerError
from ledger.files.isolated import IsolatedProcessError
from ledger.ids import append_id
from ledger.log_source import Witness
from ledger.store.anchor import Anchor
from ledger.store.engine import Engine
from ledger.store.home import LedgerHome
from tests.ledger.tampering import EVENTS, edit, filled, key, stored
from tests.support.drafts import StepClock


@pytest.fixture
def full(home: LedgerHome, clock: StepClock) -> LedgerHome:
    """A closed ledger of six events, the last two in one append."""
    return filled(home, clock)


def told(home: LedgerHome, **named: Any) -> VerifyReport:
    """Return the report but for how long it took, what was read, and which witness gave the verdict."""
    report = verify_ledger(home, **named)
    assert 0 < report.seconds < 60
    return msgspec.structs.replace(report, seconds=0.0, found=EventsRead(), against=None)


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


@pytest.mark.damages("the anchor remembers another event")
def test_a_log_beside_its_witness_says_which_link_was_meant(full: LedgerHome) -> None:
    """Both links whole, and who remembers which."""
    Anchor.create(full.root / "ledger-1" / "head", Head(5, Link(bytes(32)))).close()
    flaw = Flaw(4, "link", f"{'00' * 32}, which the anchor remembers", stored(full)[4][:32].hex())
    assert sound(full, verdict="forked", first_bad=flaw, witnesses=()) == told(full)


@pytest.mark.damages("the stored head")
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


@pytest.mark.damages("the database's file")
def test_nothing_is_said_of_a_file_that_must_not_be_mapped(full: LedgerHome) -> None:
    """The flaw is the refusal's own words."""
    data = full.root / "ledger-1" / "data.mdb"
    data.write_bytes(b"")
    reason = str(NotALedgerError(data, "an empty file"))
    assert unreadable(Flaw(None, "database", "a readable database", reason)) == told(full)


@pytest.mark.damages("the format is a later one's")
def test_an_engine_that_refuses_is_a_flaw_of_the_database(full: LedgerHome) -> None:
    """A later format, found by the child process."""
    edit(full, lambda txn, _: txn.put(b"format", b"b3-ledger 2"))
    refusal = NewerFormatError(full.root / "ledger-1" / "data.mdb", found="b3-ledger 2", known="b3-ledger 1")
    report = told(full)
    assert ("unreadable", Flaw(None, "database", "a readable database", str(IsolatedProcessError(str(refusal))))) == (
        report.verdict,
        report.first_bad,
    )


def test_a_rehash_that_dies_is_unreadable(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """What killed the child is told; no event counts as good."""
    want = sound(full)
    monkeypatch.setattr("ledger.audit.rehash.rehash_range", lambda *_: os.kill(os.getpid(), signal.SIGSEGV))
    flaw = Flaw(None, "database", "a readable database", "death by SIGSEGV")
    changes = {"first_bad": flaw, "last_good_seq": None, "body_bytes": 0, "witnesses": ()}
    assert msgspec.structs.replace(want, verdict="unreadable", **changes) == told(full)


@pytest.mark.damages("the anchor and one event")
def test_a_damaged_anchor_is_told_only_of_a_sound_log(full: LedgerHome) -> None:
    """Damage of the log comes first."""
    (full.root / "ledger-1" / "head").write_bytes(b"")
    flaw = Flaw(None, "anchor", "a remembered head", "0 bytes long, not 128")
    assert sound(full, verdict="unreadable", first_bad=flaw, witnesses=()) == told(full)
    edit(full, lambda txn, db: txn.delete(key(2), db=db))
    assert ("tampered", 2) == (told(full).verdict, (told(full).first_bad or flaw).seq)


def test_a_probe_sees_the_end_and_the_links_asked_for(full: LedgerHome) -> None:
    """The chain's start for a witness of no events, None where no event is."""
    values = stored(full)
    head = Head(EVENTS, Link(values[-1][:32]))
    want = _Probed(head, None, (GENESIS, values[0][:32], values[5][:32], None))
    assert want == _probe(full.root / "ledger-1", (-1, 0, 5, 6))


@pytest.mark.damages("there is an event past the stored head")
def test_a_probe_sees_an_event_past_the_head(full: LedgerHome) -> None:
    """What is wrong with the end is seen in the same transaction as the head."""
    edit(full, lambda txn, db: txn.put(key(EVENTS), bytes(40), db=db))
    assert Flaw(6, "unexpected event", "the end", "seq 6") == _probe(full.root / "ledger-1", ()).end_flaw


def test_the_pages_are_checked_only_when_asked(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """That check reads the whole file, 150 MB a second."""

    def asked(*_: object, **__: object) -> Flaw:
        return Flaw(None, "page", "a sound one", "a test")

    monkeypatch.setattr("ledger.audit.verify.structure_flaw", asked)
    assert ("intact", "unreadable") == (told(full).verdict, told(full, structure=True).verdict)
    assert "intact" == verify_folder(full.root / "ledger-1").verdict


def test_an_index_that_kills_its_reader_is_unreadable(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """The events were all sound; the database is not."""
    want = sound(full)
    monkeypatch.setattr("ledger.audit.verify.compare_index", lambda *_: os.kill(os.getpid(), signal.SIGSEGV))
    flaw = Flaw(None, "database", "a readable database", "death by SIGSEGV")
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


def test_an_index_that_lacks_an_append_is_tampered(full: LedgerHome) -> None:
    """Only the structure check looks; what a retry would go by is told."""
    with lmdb.open(str(full.root / "ledger-1"), max_dbs=3) as env, env.begin(write=True) as txn:
        txn.delete(append_id("pair"), db=env.open_db(b"appends", txn=txn))
    assert sound(full) == told(full)
    flaw = Flaw(4, "append index", "2 from seq 4", "none")
    assert sound(full, verdict="tampered", first_bad=flaw, witnesses=()) == told(full, structure=True)


@pytest.mark.damages("one event is changed")
def test_a_sound_index_hides_no_flaw_of_the_chain(full: LedgerHome) -> None:
    """With the structure check or without, the first bad event is told."""
    value = stored(full)[2]
    edit(full, lambda txn, db: txn.put(key(2), bytes(32) + value[32:], db=db))
    flaw = Flaw(2, "link", value[:32].hex(), "00" * 32)
    assert [("tampered", flaw)] * 2 == [
        (report.verdict, report.first_bad) for report in (told(full), told(full, structure=True))
    ]


def test_a_page_that_is_ruined_is_told_first(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the structure check found is the flaw, and no event is read."""
    flaw = Flaw(None, "structure", "a sound file", "a test")
    monkeypatch.setattr("ledger.audit.verify.structure_flaw", lambda *_, **__: flaw)
    assert unreadable(flaw) == told(full, structure=True)


def test_the_structure_check_is_told_who_holds_the_lock(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody of ours, unless the caller says so."""
    seen = []
    monkeypatch.setattr("ledger.audit.verify.structure_flaw", lambda _folder, *, alone: seen.append(alone))
    verify_ledger(full, structure=True)
    verify_folder(full.root / "ledger-1", structure=True)
    verify_folder(full.root / "ledger-1", structure=True, alone=True)
    assert [False, False, True] == seen


def test_the_work_is_parted_as_asked(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes unless another number is given."""
    seen = []

    def rehash(folder: Path, size: int, *, workers: int) -> list[RangeReport]:
        seen.append(workers)
        return rehash_ledger(folder, size, workers=workers)

    monkeypatch.setattr("ledger.audit.verify.rehash_ledger", rehash)
    verify_ledger(full)
    verify_ledger(full, workers=5)
    assert [2, 5] == seen


def test_the_time_is_what_it_took(full: LedgerHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """In seconds, to the microsecond."""
    monkeypatch.setattr("ledger.audit.verify.time.perf_counter", iter([10.0, 12.34567891]).__next__)
    assert 2.345679 == verify_ledger(full).seconds
