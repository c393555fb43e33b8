"""Accepting a head: who disagrees, what is recorded, and what a crash in between leaves."""

from pathlib import Path

import pytest

from ledger.appending import Appended
from ledger.audit.accept import Disagreement, Examined, NotAcceptableError, accept, examine
from ledger.chain import EMPTY_HEAD, Head, Link
from ledger.codec import decode_envelope, decode_event
from ledger.errors import ConflictError, ForkedError, NoLedgerError
from ledger.events import HeadAccepted
from ledger.ids import append_id
from ledger.log_source import Witness
from ledger.store.anchor import Anchor, read_anchor
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.ledger.reading import refuse_writing
from tests.support.drafts import JOB, StepClock, connection_tested
from tests.support.oracle import check_log

OTHER = Link(bytes(32))


@pytest.fixture
def full(home: LedgerHome, clock: StepClock) -> LedgerHome:
    """A closed ledger of three events."""
    with EventLog(home, now=clock) as log:
        for number in range(2):
            log.append([connection_tested(number)], append_id=append_id(f"n/{number}"))
    return home


def anchor(home: LedgerHome) -> Path:
    """Return where the anchor lies."""
    return home.root / "ledger-1" / "head"


def accepted(home: LedgerHome, found: Examined, clock: StepClock) -> Appended:
    """Accept what was found."""
    return accept(home, found, reason="why", job_id=JOB, now=clock, lock_timeout_s=1)


def head(home: LedgerHome, clock: StepClock) -> Head:
    """Return the head of the log, unchecked."""
    with EventLog(home, now=clock, readonly=True, check=False) as log:
        return log.head()


@pytest.mark.parametrize(
    ("remembered", "expected"),
    [
        (None, ()),
        (Head(2, OTHER), (Disagreement(witness="projections", verdict="forked", expected=Head(2, OTHER)),)),
        (Head(4, OTHER), (Disagreement(witness="projections", verdict="rolled_back", expected=Head(4, OTHER)),)),
    ],
)
def test_a_witness_disagrees_when_the_log_lacks_its_head(
    remembered: Head | None, expected: tuple[Disagreement, ...], full: LedgerHome, clock: StepClock
) -> None:
    """Behind, or on another branch; the anchor agrees here."""
    witnesses = [Witness("projections", remembered or head(full, clock))]
    assert Examined(head(full, clock), expected) == examine(full, witnesses)


def test_an_absent_anchor_disagrees_with_nothing_and_a_damaged_one_does(full: LedgerHome, clock: StepClock) -> None:
    """What it remembered is gone."""
    anchor(full).write_bytes(b"")
    damaged = Disagreement(witness="anchor", verdict="unreadable", expected=None)
    assert Examined(head(full, clock), (damaged,)) == examine(full, [])
    anchor(full).unlink()
    assert () == examine(full, []).disagreements


def test_each_disagreement_is_an_event_and_the_anchor_remembers_the_log(full: LedgerHome, clock: StepClock) -> None:
    """Both slots: no torn write brings the old head back."""
    Anchor.create(anchor(full), Head(9, OTHER)).close()
    before = head(full, clock)
    found = examine(full, [Witness("projections", Head(1, OTHER))])
    appended = accepted(full, found, clock)
    assert (3, 2, appended.head) == (appended.first, appended.count, read_anchor(anchor(full)))
    assert b"\0" * 32 not in anchor(full).read_bytes()
    with EventLog(full, now=clock) as log:
        check_log(log)
        events = [decode_event(decode_envelope(record.seq, record.body)) for record in log.read(3)]
        log.append([connection_tested(7)], append_id=append_id("after"))
        check_log(log)
    assert events == [
        HeadAccepted(
            reason="why",
            verdict=verdict,
            witness=witness,
            expected_size=size,
            expected_link=OTHER,
            found_size=3,
            found_link=before.link,
        )
        for witness, verdict, size in (("anchor", "rolled_back", 9), ("projections", "forked", 1))
    ]


def test_without_a_disagreement_nothing_is_appended(full: LedgerHome, clock: StepClock) -> None:
    """The log stays as it is."""
    before = head(full, clock)
    with pytest.raises(NotAcceptableError) as refusal:
        accepted(full, examine(full, []), clock)
    found, wanted = "a log that every witness remembers", "one that was rolled back or forked"
    assert f"got {found}, want {wanted}" == str(refusal.value)
    assert (found, wanted) == (refusal.value.found, refusal.value.wanted)
    assert before == head(full, clock)


@pytest.mark.damages("all events are gone")
def test_a_log_of_which_nothing_is_left_is_not_gone_on_with(full: LedgerHome, clock: StepClock) -> None:
    """Event 0 says whose ledger it is: no decision can stand in its place."""
    (full.root / "ledger-1" / "data.mdb").unlink()
    Engine(full.root / "ledger-1", readonly=False, create=True).close()
    found = examine(full, [])
    assert (EMPTY_HEAD, ("rolled_back",)) == (found.head, tuple(one.verdict for one in found.disagreements))
    with pytest.raises(NotAcceptableError) as refusal:
        accepted(full, found, clock)
    assert "got an empty log, want one with an event 0" == str(refusal.value)
    assert EMPTY_HEAD == head(full, clock)


def test_a_witness_that_cannot_be_read_is_accepted_as_such(full: LedgerHome, clock: StepClock) -> None:
    """Nobody can say what it remembered."""
    anchor(full).write_bytes(b"")
    before = head(full, clock)
    accepted(full, examine(full, []), clock)
    with EventLog(full, now=clock) as log:
        check_log(log)
        (last,) = log.read(before.size)
    envelope = decode_envelope(last.seq, last.body)
    want = HeadAccepted(
        reason="why",
        verdict="unreadable",
        witness="anchor",
        expected_size=None,
        expected_link=None,
        found_size=before.size,
        found_link=before.link,
    )
    assert (want, JOB, "ledger") == (decode_event(envelope), envelope.job_id, envelope.stream)
    assert append_id(f"accept/{before.link.hex()}", job_id=JOB) == envelope.append_id


def test_examining_only_reads(full: LedgerHome, clock: StepClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accepting is what writes."""
    refuse_writing(monkeypatch, "ledger.audit.accept")
    assert Examined(head(full, clock), ()) == examine(full, [])


def test_a_log_that_moved_since_it_was_examined_is_a_conflict(full: LedgerHome, clock: StepClock) -> None:
    """Nobody decided on that one; the anchor stays."""
    found = examine(full, [Witness("projections", Head(9, OTHER))])
    with EventLog(full, now=clock) as log:
        log.append([connection_tested(5)], append_id=append_id("meanwhile"))
    before = anchor(full).read_bytes()
    with pytest.raises(ConflictError) as refusal:
        accepted(full, found, clock)
    assert (3, 4, before) == (refusal.value.expected, refusal.value.actual, anchor(full).read_bytes())


def test_a_crash_before_the_anchor_asks_again(
    full: LedgerHome, clock: StepClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is there, the anchor still disagrees, and a second decision goes through."""
    Anchor.create(anchor(full), Head(9, OTHER)).close()

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Anchor, "create", crash)
        with pytest.raises(KeyboardInterrupt):
            accepted(full, examine(full, []), clock)
    again = examine(full, [])
    assert (4, ("rolled_back",)) == (again.head.size, tuple(one.verdict for one in again.disagreements))
    accepted(full, again, clock)
    with EventLog(full, now=clock) as log:
        check_log(log)
        assert 5 == log.head().size


def test_an_append_that_was_stopped_goes_through_after_it(full: LedgerHome, clock: StepClock) -> None:
    """The anchor is looked at before every append, also by a log that was open all along."""
    with EventLog(full, now=clock) as log:
        log.append([connection_tested(5)], append_id=append_id("opens the anchor"))
        Anchor.create(anchor(full), Head(4, OTHER)).close()
        with pytest.raises(ForkedError):
            log.append([connection_tested(6)], append_id=append_id("stopped"))
    accepted(full, examine(full, []), clock)
    with EventLog(full, now=clock) as log:
        log.append([connection_tested(6)], append_id=append_id("stopped"))
        check_log(log)


@pytest.mark.parametrize("events", [0, 2])
def test_time_never_runs_backwards_over_it(events: int, home: LedgerHome, clock: StepClock) -> None:
    """As in every append: the event takes the time of the one before it, and the gap is told."""
    with EventLog(home, now=clock) as log:
        for number in range(events):
            log.append([connection_tested(number)], append_id=append_id(f"n/{number}"))
    Anchor.create(anchor(home), Head(9, OTHER)).close()
    before = clock.now_us
    clock.jump(-3600)
    assert 3_599_000_000 == accepted(home, examine(home, []), clock).held_back_us
    with EventLog(home, now=clock, readonly=True) as log:
        times = [decode_envelope(record.seq, record.body).recorded_at for record in log.read(events)]
    assert [before, before] == times


def test_without_a_ledger_there_is_nothing_to_examine(tmp_path: Path) -> None:
    """Nor to accept."""
    with pytest.raises(NoLedgerError) as refusal:
        examine(LedgerHome(tmp_path / "none"), [])
    assert tmp_path / "none" == refusal.value.path
