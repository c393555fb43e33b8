"""Many appends in one transaction: the same log as one after the other leaves, each whole or not there at all."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.appending import Append, Appended
from ledger.chain import Head, Link
from ledger.claims import OtherLogError
from ledger.codec import Draft
from ledger.errors import (
    AppendIdError,
    BodyTooLargeError,
    ConflictError,
    DiskFullError,
    LedgerReplacedError,
    StorageError,
)
from ledger.events import LEDGER_STREAM, LogVerified
from ledger.ids import append_id
from ledger.memory_log import MemoryLog
from ledger.store import engine, event_log
from ledger.store.anchor import Anchor, read_anchor
from ledger.store.create import create_ledger
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.store.replaying import compare
from projections.store.runner import catch_up
from tests.support.drafts import JOB, connection_tested
from tests.support.oracle import check_log

NOW_US = 1_770_000_000_000_000


def one(number: int, events: int = 1, *, note: str | None = None) -> Append:
    """Return the append of that number, whose events are its own."""
    drafts = [connection_tested(number * 1_000 + place, note=note) for place in range(events)]
    return Append(drafts, append_id(f"n/{number}"))


def heads(done: Sequence[Appended]) -> list[tuple[int, int, bool]]:
    """Return first, count and whether it was there, of each."""
    return [(each.first, each.count, each.repeated) for each in done]


def updates(monkeypatch: pytest.MonkeyPatch, fail: Callable[[int], Exception | None] = lambda _: None) -> list[int]:
    """Count transactions from now on, in the list returned; raise what `fail` gives for one, once it has run."""
    real, counted = Engine.update, list[int]()

    def update(self: Engine, step: Any) -> Any:
        counted.append(len(counted))
        error = fail(len(counted) - 1)
        if error is None:
            return real(self, step)
        with self._env.begin(write=True) as txn:
            step(txn)
            txn.abort()
        raise error

    monkeypatch.setattr(Engine, "update", update)
    return counted


calls = st.lists(st.lists(st.tuples(st.integers(0, 9), st.just(1)) | st.tuples(st.integers(10, 19), st.just(3))))


@given(calls=calls, size=st.integers(1, 4))
def test_any_calls_leave_what_single_appends_leave(
    tmp_path_factory: pytest.TempPathFactory, calls: list[list[tuple[int, int]]], size: int
) -> None:
    """Byte for byte, whatever is there already, is said twice in a call, or how many a transaction takes."""
    reference = MemoryLog(now=lambda: NOW_US)
    home = LedgerHome(tmp_path_factory.mktemp("many"))
    create_ledger(home, kind="real", software="t", now=lambda: NOW_US, lock_timeout_s=5)
    with pytest.MonkeyPatch.context() as patched, EventLog(home, now=lambda: NOW_US) as log:
        patched.setattr(event_log, "COMMIT_APPENDS", size)
        (first,) = log.read()
        reference._records.append(first)
        for call in calls:
            appends = [one(*number) for number in call]
            want = [reference.append(each.drafts, append_id=each.append_id) for each in appends]
            assert want == log.append_many(appends)
        assert list(reference.read()) == list(log.read())
        assert log.head() == read_anchor(log.folder / "head")
        assert log.head() == catch_up(log, log.folder)
        assert [] == compare(log, log.folder)


def test_a_thousand_share_a_transaction(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 2,500 there are three, and the anchor follows each."""
    counted = updates(monkeypatch)
    done = log.append_many([one(number) for number in range(2_500)])
    assert ([0, 1, 2], 2_501) == (counted, log.head().size)
    assert [(number + 1, 1, False) for number in range(2_500)] == heads(done)
    assert (log.head(), 1) == (done[-1].head, len({each.held_back_us for each in done}))
    assert log.head() == read_anchor(log.folder / "head")


def test_four_mebibytes_end_a_transaction(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The append that reaches the limit is the last of it."""
    monkeypatch.setattr(engine, "COMMIT_BODY_BYTES", 4_000)
    counted = updates(monkeypatch)
    done = log.append_many([one(number, note="x" * 900) for number in range(9)])
    assert ([0, 1, 2], 10) == (counted, log.head().size)
    assert [(number + 1, 1, False) for number in range(9)] == heads(done)


def test_a_disk_that_fills_up_keeps_what_was_committed(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transactions before it are there, of its own nothing; asked again, all of it is."""
    monkeypatch.setattr(event_log, "COMMIT_APPENDS", 2)
    appends = [one(number, 2) for number in range(7)]
    with monkeypatch.context() as patched:
        updates(patched, lambda number: DiskFullError(log.folder) if number == 2 else None)
        with pytest.raises(DiskFullError):
            log.append_many(appends)
    assert (9, log.head()) == (log.head().size, read_anchor(log.folder / "head"))
    again = log.append_many(appends)
    assert [True] * 4 + [False] * 3 == [each.repeated for each in again]
    assert [1 + 2 * number for number in range(7)] == [each.first for each in again]


def test_a_commit_that_failed_and_landed_says_so(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of its appends are there."""
    real = Engine.update

    def update(self: Engine, step: Any) -> Any:
        real(self, step)
        monkeypatch.setattr(Engine, "update", real)
        raise StorageError(log.folder, "mdb_txn_commit: Input/output error")

    monkeypatch.setattr(Engine, "update", update)
    with pytest.raises(StorageError) as failure:
        log.append_many([one(1), one(2)])
    assert (True, 3) == (failure.value.landed, log.head().size)
    assert [True, True] == [each.repeated for each in log.append_many([one(1), one(2)])]
    assert log.head() == read_anchor(log.folder / "head")


def test_an_anchor_that_cannot_be_written_stops_before_the_next_transaction(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is durable is said to be; the rest is not begun."""
    monkeypatch.setattr(event_log, "COMMIT_APPENDS", 2)

    def write(_anchor: Anchor, _head: Head) -> None:
        raise DiskFullError(log.folder / "head")

    with monkeypatch.context() as patched:
        patched.setattr(Anchor, "write", write)
        with pytest.raises(StorageError) as failure:
            log.append_many([one(number) for number in range(5)])
    assert (True, 3) == (failure.value.landed, log.head().size)
    log.append_many([one(number) for number in range(5)])
    assert log.head() == read_anchor(log.folder / "head")


def test_one_that_is_refused_takes_those_of_its_transaction_along(log: EventLog) -> None:
    """An id of other events, and a body over the limit: nothing of the call is in the log."""
    log.append_many([one(1)])
    with pytest.raises(AppendIdError):
        log.append_many([one(2), Append(one(3).drafts, one(1).append_id)])
    with pytest.raises(BodyTooLargeError):
        log.append_many([one(2), one(3, note="x" * (17 * 1024 * 1024))])
    with pytest.raises(ValueError, match="got no events"):
        log.append_many([one(2), Append([], append_id("none"))])
    assert 2 == log.head().size
    assert [] == log.append_many([])


def test_the_expected_size_is_the_one_before_the_first_that_is_new(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Repeats are answered whatever the size; of new ones the first transaction is held to it, whichever that is."""
    monkeypatch.setattr(event_log, "COMMIT_APPENDS", 2)
    log.append_many([one(1), one(2), one(3)], expected_size=1)
    assert [True] * 3 == [each.repeated for each in log.append_many([one(1), one(2), one(3)], expected_size=9)]
    with pytest.raises(ConflictError):
        log.append_many([one(1), one(2), one(3), one(4)], expected_size=1)
    done = log.append_many([one(1), one(2), one(3), *map(one, range(4, 9))], expected_size=4)
    assert [1, 2, 3, 4, 5, 6, 7, 8] == [each.first for each in done]
    with pytest.raises(LedgerReplacedError):
        log.append_many([one(20)], expected_folder=Path("elsewhere"))


def test_an_event_may_claim_a_head_of_its_own_transaction(tmp_path: Path) -> None:
    """The log that takes it holds that head by then, as after single appends; it holds no other."""
    home = LedgerHome(tmp_path / "dados")
    create_ledger(home, kind="real", software="t", now=lambda: NOW_US, lock_timeout_s=5)
    with EventLog(home, now=lambda: NOW_US) as log:
        reference = MemoryLog(now=lambda: NOW_US)
        reference._records.extend(log.read())
        head = reference.append(one(1).drafts, append_id=one(1).append_id).head

        def claim(link: Link) -> Append:
            event = LogVerified(verdict="intact", size=head.size, link=link, witnesses=(), seconds=1.0)
            return Append([Draft(job_id=JOB, stream=LEDGER_STREAM, event=event)], append_id("claim"))

        for appends in ([claim(head.link)], [one(1), claim(Link(bytes(32)))], [claim(head.link), one(1)]):
            with pytest.raises(OtherLogError):
                log.append_many(appends)
        log.append_many([one(1), claim(head.link)])
        assert (3, head.link) == (log.head().size, log.link_at(1))
        check_log(log)
