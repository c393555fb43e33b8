"""What an append promises, held against the log in memory and the log on disk alike."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.appending import Appended
from ledger.chain import EMPTY_HEAD, GENESIS, Head, link
from ledger.codec import BODY_LIMIT_BYTES, Draft, decode_envelope, decode_event
from ledger.errors import AppendIdError, BodyTooLargeError, ConflictError
from ledger.events import LedgerCreated
from ledger.ids import append_id
from ledger.memory_log import MemoryLog
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support.drafts import JOB, StepClock, connection_tested
from tests.support.oracle import check_log

AnyLog = MemoryLog | EventLog


@pytest.fixture(params=["memory", "lmdb"])
def any_log(request: pytest.FixtureRequest, tmp_path: Path, clock: StepClock) -> Iterator[AnyLog]:
    """One of the two logs, holding one event; the oracle runs over it at the end."""
    if request.param == "memory":
        log: AnyLog = MemoryLog(now=clock)
        log.append([connection_tested(-1)], append_id=append_id("first"))
        yield log
        check_log(log)
        return
    home = LedgerHome(tmp_path / "dados")
    create_ledger(home, kind="real", software="b3-ledger test", now=clock, lock_timeout_s=5)
    with EventLog(home, now=clock, lock_timeout_s=5) as log:
        yield log
        check_log(log)


def bodies(log: AnyLog) -> list[bytes]:
    """Return every stored body."""
    return [record.body for record in log.read()]


def test_the_empty_log_has_the_genesis_head(clock: StepClock) -> None:
    """Nothing appended, nothing hashed: the head is the chain's start."""
    assert MemoryLog(now=clock).head() == EMPTY_HEAD == Head(0, GENESIS)


def test_an_append_is_read_back_whole(any_log: AnyLog) -> None:
    """What was appended is what is read: ids, cause, stream, type and data."""
    draft = connection_tested(7, note="olá")
    appended = any_log.append([draft], append_id=append_id("a"))
    (record,) = any_log.read(1)
    envelope = decode_envelope(1, record.body)
    assert (draft.event, JOB, None, "ledger", "connection.tested/1", append_id("a")) == (
        decode_event(envelope),
        envelope.job_id,
        envelope.cause,
        envelope.stream,
        envelope.type,
        envelope.append_id,
    )
    assert Appended(first=record.seq, count=1, head=Head(2, record.link)) == appended


def test_links_chain_each_body_to_the_one_before(any_log: AnyLog) -> None:
    """The link of an event is the hash of the link before it and of its own bytes."""
    any_log.append([connection_tested(n) for n in range(3)], append_id=append_id("a"))
    prev = GENESIS
    for record in any_log.read():
        prev = link(prev, record.body)
        assert prev == record.link
    assert any_log.head() == Head(4, prev)


def test_a_batch_shares_its_time_and_id(any_log: AnyLog) -> None:
    """One append, one recorded_at, one append id, seqs without holes."""
    any_log.append([connection_tested(n) for n in range(5)], append_id=append_id("batch"))
    envelopes = [decode_envelope(r.seq, r.body) for r in any_log.read(1)]
    assert [1, 2, 3, 4, 5] == [e.seq for e in envelopes]
    assert 1 == len({(e.recorded_at, e.append_id) for e in envelopes})


def test_a_repeated_append_changes_nothing(any_log: AnyLog) -> None:
    """The same id with the same events gives the first acknowledgement again, later appends notwithstanding."""
    drafts = [connection_tested(1), connection_tested(2)]
    first = any_log.append(drafts, append_id=append_id("a"))
    any_log.append([connection_tested(3)], append_id=append_id("b"))
    before = bodies(any_log)
    again = any_log.append(drafts, append_id=append_id("a"), expected_size=1)
    assert Appended(first=first.first, count=2, head=first.head, repeated=True) == again
    assert before == bodies(any_log)


@pytest.mark.parametrize(
    ("drafts", "reason"),
    [
        ([connection_tested(2)], "data of seq 1"),
        ([connection_tested(1, job_id=bytes(16))], "job_id of seq 1"),
        ([replace(connection_tested(1), cause=0)], "cause of seq 1"),
        ([replace(connection_tested(1), stream="PETR4.SA")], "stream of seq 1"),
        (
            [replace(connection_tested(1), event=LedgerCreated(ledger_id=JOB, kind="real", software=""))],
            "type of seq 1",
        ),
        ([connection_tested(1), connection_tested(2)], "2 events, stored 1"),
    ],
)
def test_an_id_used_for_other_events_is_refused(any_log: AnyLog, drafts: list, reason: str) -> None:  # type: ignore[type-arg]  # parametrised
    """An append id names its events for ever; the difference is named and nothing is appended."""
    any_log.append([connection_tested(1)], append_id=append_id("a"))
    before = bodies(any_log)
    with pytest.raises(AppendIdError) as refusal:
        any_log.append(drafts, append_id=append_id("a"))
    assert (append_id("a"), 1, reason) == (refusal.value.append_id, refusal.value.first, refusal.value.reason)
    assert before == bodies(any_log)


def test_another_size_than_expected_is_a_conflict(any_log: AnyLog) -> None:
    """The caller read an older log: it learns the actual size, and nothing is appended."""
    with pytest.raises(ConflictError) as conflict:
        any_log.append([connection_tested(1)], append_id=append_id("a"), expected_size=7)
    assert (7, 1) == (conflict.value.expected, conflict.value.actual)
    assert 1 == any_log.head().size


def test_recorded_at_never_decreases(any_log: AnyLog, clock: StepClock) -> None:
    """A clock set back an hour is held back by the last event's time, and the append says by how much."""
    any_log.append([connection_tested(1)], append_id=append_id("a"))
    clock.jump(-3600)
    appended = any_log.append([connection_tested(2)], append_id=append_id("b"))
    times = [decode_envelope(r.seq, r.body).recorded_at for r in any_log.read()]
    assert sorted(times) == times
    assert 3_599_000_000 == appended.held_back_us


def test_an_event_past_the_limit_stops_the_whole_append(any_log: AnyLog) -> None:
    """All or nothing: the small event before the huge one is not appended either."""
    huge = connection_tested(2, note="x" * BODY_LIMIT_BYTES)
    with pytest.raises(BodyTooLargeError):
        any_log.append([connection_tested(1), huge], append_id=append_id("a"))
    assert 1 == any_log.head().size


@pytest.mark.parametrize(
    ("drafts", "identifier", "message"),
    [
        ([], bytes(16), "got no events, want at least one"),
        ([connection_tested(1)], b"short", "got an append id of 5 bytes, want 16"),
    ],
)
def test_a_call_that_makes_no_sense_is_a_value_error(
    any_log: AnyLog, drafts: list[Draft], identifier: bytes, message: str
) -> None:
    """No events, or an id that is not 16 bytes: the caller's mistake."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        any_log.append(drafts, append_id=identifier)


@pytest.mark.parametrize(("start", "stop", "seqs"), [(0, None, [0, 1, 2]), (1, 2, [1]), (2, 99, [2]), (3, None, [])])
def test_ranges_are_half_open_and_clipped(any_log: AnyLog, start: int, stop: int | None, seqs: list[int]) -> None:
    """`[start, stop)`, never past the head."""
    any_log.append([connection_tested(1), connection_tested(2)], append_id=append_id("a"))
    assert seqs == [record.seq for record in any_log.read(start, stop)]


def test_reading_shows_one_view(any_log: AnyLog) -> None:
    """Events appended while a reader is under way do not show in it."""
    any_log.append([connection_tested(n) for n in range(10)], append_id=append_id("a"))
    reading = any_log.read()
    next(reading)
    any_log.append([connection_tested(99)], append_id=append_id("b"))
    assert 10 == len(list(reading))
