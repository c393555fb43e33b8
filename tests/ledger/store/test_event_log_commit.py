"""One append from check to anchor: a commit that fails, a clock before the first event, an anchor that is ahead."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.chain import Head, Link
from ledger.codec import decode_envelope
from ledger.errors import DiskFullError, LedgerError, NoLedgerError, RolledBackError, StorageError
from ledger.ids import append_id
from ledger.store.anchor import Anchor, read_anchor
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support.drafts import StepClock, connection_tested

REASON = "mdb_txn_commit: Input/output error"


def append(log: EventLog, number: int) -> int:
    """Append one event; return its seq."""
    return log.append([connection_tested(number)], append_id=append_id(f"n/{number}")).first


def failing(error: LedgerError, *, landing: bool) -> Callable[[Engine, Any], Any]:
    """Return an `Engine.update` that fails once, with its transaction durable or not; then the real one."""
    real, calls = Engine.update, iter([True])

    def update(engine: Engine, step: Any) -> Any:
        if not next(calls, False):
            return real(engine, step)
        if landing:
            real(engine, step)
        else:
            with engine._env.begin(write=True) as txn:
                step(txn)
                txn.abort()
        raise error

    return update


def test_a_failed_commit_that_landed_is_said_so(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the same log object the retry is told where; the anchor, which was behind, comes up."""
    monkeypatch.setattr(Engine, "update", failing(StorageError(log.folder, REASON), landing=True))
    with pytest.raises(StorageError) as failure:
        append(log, 1)
    assert (True, log.folder / "data.mdb") == (failure.value.landed, failure.value.path)
    assert REASON in failure.value.reason
    assert 2 == log.head().size
    assert 1 == append(log, 1)
    assert log.head() == read_anchor(log.folder / "head")


@pytest.mark.parametrize("error", [StorageError(Path("x"), REASON), DiskFullError(Path("x"))])
def test_a_failed_commit_that_left_nothing_is_told_as_it_is(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, error: LedgerError
) -> None:
    """The log is reopened and goes on."""
    engine, before = log._engine, log.head()
    monkeypatch.setattr(Engine, "update", failing(error, landing=False))
    with pytest.raises(LedgerError) as failure:
        append(log, 1)
    assert error is failure.value
    assert before == log.head() == read_anchor(log.folder / "head")
    assert engine is not log._engine
    assert 1 == append(log, 1)


def test_a_commit_that_fails_before_anything_was_stamped_is_told_as_it_is(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing can have landed."""
    error = StorageError(log.folder, REASON)

    def update(_engine: Engine, _step: Any) -> Any:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Engine, "update", update)
        with pytest.raises(StorageError) as failure:
            append(log, 1)
    assert error is failure.value
    assert 1 == append(log, 1)


def test_an_append_whose_anchor_cannot_be_written_has_landed(log: EventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is durable and says so; the retry is told the same and anchors it."""
    error = DiskFullError(log.folder / "head")

    def write(_anchor: Anchor, _head: Head) -> None:
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(Anchor, "write", write)
        with pytest.raises(StorageError) as failure:
            append(log, 1)
    want = StorageError(log.folder / "data.mdb", str(error), landed=True)
    assert (str(want), True, want.path) == (str(failure.value), failure.value.landed, failure.value.path)
    assert (2, 1) == (log.head().size, (read_anchor(log.folder / "head") or log.head()).size)
    assert 1 == append(log, 1)
    assert log.head() == read_anchor(log.folder / "head")


def test_the_second_event_is_not_before_the_first(home: LedgerHome, clock: StepClock) -> None:
    """`recorded_at` is held back by event 0 as by any other."""
    clock.jump(-86_400)
    with EventLog(home, now=clock) as log:
        append(log, 1)
        first, second = (decode_envelope(record.seq, record.body).recorded_at for record in log.read())
    assert first == second


@pytest.mark.damages("the anchor remembers more events")
def test_a_writer_that_did_not_check_on_opening_checks_before_it_appends(home: LedgerHome, clock: StepClock) -> None:
    """The anchor remembers more than the log holds: it is not replaced, and the witness is named."""
    ahead = Head(9, Link(bytes(32)))
    Anchor.create(home.root / "ledger-1" / "head", ahead).close()
    with EventLog(home, now=clock, check=False) as log:
        with pytest.raises(RolledBackError) as refusal:
            append(log, 1)
        head = log.head()
        assert ("anchor", 9, bytes(32), 1, head.link) == (
            refusal.value.witness,
            refusal.value.expected_size,
            refusal.value.expected_link,
            refusal.value.size,
            refusal.value.link,
        )
        assert ahead == read_anchor(log.folder / "head")


def test_a_log_open_for_reading_takes_no_append(home: LedgerHome, clock: StepClock) -> None:
    """Nor does one that is closed: the caller's mistake, in words."""
    words = "got an append to a log that is closed or open for reading, want one open for writing"
    for readonly in (True, False):
        log = EventLog(home, now=clock, readonly=readonly)
        assert (readonly, readonly) == (log.readonly, log._engine.readonly)
        if not readonly:
            log.close()
        with pytest.raises(ValueError, match=f"^{words}$"):
            append(log, 1)
        log._engine.close()


def test_a_ledger_that_went_away_is_told_by_its_home(tmp_path: Path, home: LedgerHome, clock: StepClock) -> None:
    """On opening, and by the append of a log that was open before."""
    with pytest.raises(NoLedgerError) as never:
        EventLog(LedgerHome(tmp_path / "nowhere"), now=clock)
    assert tmp_path / "nowhere" == never.value.path
    with EventLog(home, now=clock) as log:
        (home.root / "CURRENT").unlink()
        with pytest.raises(NoLedgerError) as gone:
            append(log, 1)
    assert home.root == gone.value.path
