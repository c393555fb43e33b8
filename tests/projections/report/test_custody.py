"""The chain of a report: every event is hashed and read, and what does not hold is named by its seq."""

from collections.abc import Iterator

import msgspec
import pytest

from ledger.chain import GENESIS, Head, Link, Record, Seq, links
from ledger.codec import Draft
from ledger.errors import DamagedError, UnknownEventError
from ledger.events import (
    LEDGER_STREAM,
    AlertRaised,
    AlertResolved,
    BackupCreated,
    BackupFailed,
    BackupPruned,
    BackupRestored,
    CheckpointSigned,
    Event,
    HeadAccepted,
    LogVerified,
)
from ledger.ids import append_id
from ledger.memory_log import MemoryLog
from ledger.values import PrunedFile
from projections.report import custody
from projections.report.custody import read_chain
from projections.report.facts import AlertFacts, CustodyEvent
from tests.support.archives import small_log
from tests.support.drafts import JOB, connection_tested

EVENTS = 7


class Stored:
    """A log of these records, whatever is in them."""

    def __init__(self, records: list[Record]) -> None:
        self.records = records

    def head(self) -> Head:
        """Return the last link."""
        return Head(len(self.records), self.records[-1].link)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Record]:
        """Yield the records, none of them checked; one that was taken out is missed when it is reached."""
        for seq, record in enumerate(self.records[start:stop], start):
            if record.seq != seq:
                raise DamagedError(seq, "missing event", expected=f"seq {seq}", found=f"seq {record.seq}")
            yield record


def rechained(bodies: list[bytes]) -> Stored:
    """Return a log of the bodies whose links are right."""
    chained = links(GENESIS, bodies)
    return Stored([Record(Seq(seq), one, body) for seq, (one, body) in enumerate(zip(chained, bodies, strict=True))])


@pytest.fixture(params=[1, 3, 1000])
def batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of this many events."""
    monkeypatch.setattr(custody, "BATCH_EVENTS", request.param)


@pytest.mark.usefixtures("batch")
@pytest.mark.parametrize("position", range(1, EVENTS + 1))
def test_a_log_that_holds_is_intact_up_to_the_position(position: int) -> None:
    """With the link after its last event as the head."""
    log = small_log(EVENTS)
    found = read_chain(log, position).chain
    (last,) = log.read(position - 1, position)
    assert ("intact", position, last.link.hex(), None) == (found.verdict, found.position, found.head, found.flaw)


@pytest.mark.usefixtures("batch")
@pytest.mark.parametrize("seq", range(EVENTS))
@pytest.mark.parametrize("part", ["link", "body"])
def test_a_flipped_bit_is_named_by_its_seq(seq: int, part: str) -> None:
    """Of a link or of a body; events before the position alone count."""
    records = list(small_log(EVENTS).read())
    flipped = bytearray(getattr(records[seq], part))
    flipped[-1] ^= 1
    change = {part: Link(bytes(flipped)) if part == "link" else bytes(flipped)}
    records[seq] = msgspec.structs.replace(records[seq], **change)
    found = read_chain(Stored(records), EVENTS).chain
    assert found.flaw is not None
    assert ("tampered", seq, "link", "") == (found.verdict, found.flaw.seq, found.flaw.kind, found.head)
    if seq:
        assert "intact" == read_chain(Stored(records), seq).chain.verdict


@pytest.mark.usefixtures("batch")
def test_what_is_missing_is_named() -> None:
    """In the middle and at the end."""
    records = list(small_log(EVENTS).read())
    for kept in (records[:3] + records[4:], records[:3]):
        flaw = read_chain(Stored(kept), EVENTS).chain.flaw
        assert flaw is not None
        assert (3, "missing event") == (flaw.seq, flaw.kind)


def test_an_event_that_means_nothing_is_no_intact_log() -> None:
    """Though the chain over it holds."""
    bodies = [one.body for one in small_log(EVENTS).read()]
    fields = msgspec.msgpack.decode(bodies[4])
    fields[1] = 0  # recorded before all others
    bodies[4] = msgspec.msgpack.encode(fields)
    flaw = read_chain(rechained(bodies), EVENTS).chain.flaw
    assert flaw is not None
    assert (4, "recorded_at") == (flaw.seq, flaw.kind)


def test_an_event_of_a_newer_version_is_no_verdict() -> None:
    """It is refused by its name."""
    bodies = [one.body for one in small_log(EVENTS).read()]
    fields = msgspec.msgpack.decode(bodies[4])
    fields[6] = "fetch.dreamt/9"
    bodies[4] = msgspec.msgpack.encode(fields)
    with pytest.raises(UnknownEventError):
        read_chain(rechained(bodies), EVENTS)


def appended(log: MemoryLog, event: Event) -> int:
    """Append the event and return its seq."""
    draft = Draft(job_id=JOB, stream=LEDGER_STREAM, event=event)
    return log.append([draft], append_id=append_id(f"x/{log.head().size}")).first


def test_a_recorded_head_that_the_chain_contradicts_is_a_fork() -> None:
    """As verification has it."""
    log = small_log(3)
    head = log.head()
    appended(log, LogVerified(verdict="intact", size=head.size, link=head.link, witnesses=(), seconds=0.0))
    bodies = [one.body for one in log.read()]
    bodies[3] = bodies[3].replace(head.link, bytes(32))
    found = read_chain(rechained(bodies), 4).chain
    assert ("forked", 3) == (found.verdict, found.flaw and found.flaw.seq)


@pytest.mark.usefixtures("batch")
def test_what_the_log_says_of_itself_is_told_in_order() -> None:
    """Each kind of event with what it covers and names; a tag inside another event's text is none."""
    log = small_log(2)
    head = log.head()
    named = {"name": "a.db", "size": head.size, "link": head.link, "sha256": bytes(32)}
    accepted = {"expected_size": None, "expected_link": None, "found_size": head.size, "found_link": head.link}
    events: list[Event] = [
        BackupCreated(**named, archive_bytes=9, types=(), providers=(), streams=0, streams_hash=bytes(32)),
        BackupFailed(name="b.db", stage="write", error_kind="internal", message="disk"),
        BackupPruned(keeper="a.db", files=(PrunedFile("z.db", 9, bytes(32)),)),
        BackupRestored(**named, replaced_folder=None, replaced_size=None, replaced_link=None, rollback=False),
        HeadAccepted(reason="a new disk", verdict="rolled_back", witness="anchor", **accepted),
        LogVerified(verdict="intact", size=head.size, link=head.link, witnesses=("anchor",), seconds=1.0),
        CheckpointSigned(origin="o/x", size=head.size, link=head.link, root=bytes(32), key_id=bytes(4), note="n"),
    ]
    for event in events:
        appended(log, event)
    log.append([connection_tested(9, note=BackupCreated.TAG)], append_id=append_id("last"))
    found = read_chain(log, log.head().size).custody
    assert [
        (2, BackupCreated.TAG, 2, "a.db"),
        (3, BackupFailed.TAG, None, "b.db: write: internal disk"),
        (4, BackupPruned.TAG, None, "z.db: a.db"),
        (5, BackupRestored.TAG, 2, "a.db"),
        (6, HeadAccepted.TAG, 2, "rolled_back: a new disk"),
        (7, LogVerified.TAG, 2, "intact"),
        (8, CheckpointSigned.TAG, 2, "o/x"),
    ] == [(one.seq, one.type, one.size, one.detail) for one in found]
    assert found[:3] == read_chain(log, 5).custody
    assert all(isinstance(one, CustodyEvent) for one in found)


def test_alerts_are_told_from_when_to_when() -> None:
    """As the log knew them at a position: what is over later is not over there."""
    log = small_log(2)
    about = {"metric": "backup.age", "ticker": None, "severity": "warning"}
    raised = {"value": 2.0, "threshold": 1.0, "reason": "old"}
    for number in (1, 2):
        appended(log, AlertRaised(episode_id=bytes([number] * 16), found_at=number, **about, **raised))
    appended(log, AlertResolved(episode_id=bytes([1] * 16), found_at=9, **about))
    first, second = (AlertFacts(seq=seq, reason="old", raised_at=seq - 1, **about) for seq in (2, 3))
    assert (first, second) == read_chain(log, 4).alerts
    assert (msgspec.structs.replace(first, resolved_at=9), second) == read_chain(log, 5).alerts
    assert () == read_chain(log, 5).custody
