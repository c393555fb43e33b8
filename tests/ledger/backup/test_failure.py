"""A failure is told to the log, and nothing that the log says to that hides it."""

import errno
from functools import partial
from pathlib import Path

import pytest

from ledger.backup.create import failure, record_failure
from ledger.codec import Draft, decode_envelope, decode_event
from ledger.errors import DiskFullError, ProcessShortageError
from ledger.events import LEDGER_STREAM, BackupFailed
from ledger.ids import append_id
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import ErrorKind
from tests.support.drafts import JOB, StepClock

FULL = DiskFullError(Path("somewhere"))


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (FULL, "internal", "got a full disk at somewhere, want free space"),
        (KeyboardInterrupt(), "interrupted", "interrupted"),
        (KeyboardInterrupt("by hand"), "interrupted", "by hand"),
    ],
)
def test_a_failure_is_an_event_of_its_job(error: BaseException, kind: ErrorKind, message: str) -> None:
    """One a job, whoever tells it again; its id begins with the job's time."""
    event = BackupFailed(name="a.db", stage="check", error_kind=kind, message=message)
    want = Draft(job_id=JOB, stream=LEDGER_STREAM, event=event)
    assert (want, append_id(f"backup.failed/{JOB.hex()}", job_id=JOB)) == failure("a.db", "check", error, job_id=JOB)


def told(home: LedgerHome, clock: StepClock) -> None:
    """Tell the ledger under `home` of a failure."""
    record_failure(partial(EventLog, home, now=clock), "a.db", "restore", FULL, job_id=JOB)


def test_the_ledger_in_use_is_told(home: LedgerHome, clock: StepClock) -> None:
    """As its last event, at the time of the clock."""
    told(home, clock)
    draft, identifier = failure("a.db", "restore", FULL, job_id=JOB)
    with EventLog(home, now=clock, readonly=True) as log:
        _, last = [decode_envelope(record.seq, record.body) for record in log.read()]
    assert (1, clock(), identifier, JOB, None, draft.stream) == (
        last.seq, last.recorded_at, last.append_id, last.job_id, last.cause, last.stream
    )  # fmt: skip
    assert draft.event == decode_event(last)


@pytest.mark.damages("the database's file")
def test_a_ledger_that_takes_no_event_is_left_alone(tmp_path: Path, home: LedgerHome, clock: StepClock) -> None:
    """None at all, or a ruined one: nothing is raised and nothing is made."""
    told(LedgerHome(tmp_path / "none"), clock)
    assert [] == list((tmp_path / "none").rglob("ledger-*"))
    data = home.root / "ledger-1" / "data.mdb"
    data.write_bytes(b"ruin")
    told(home, clock)
    assert b"ruin" == data.read_bytes()


def test_what_is_no_failure_of_the_ledger_is_not_hidden(
    home: LedgerHome, clock: StepClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a ledger's refusal is passed over: no process to be had is the caller's to know."""

    def no_process() -> int:
        raise BlockingIOError(errno.EAGAIN, "no more processes")

    monkeypatch.setattr("os.fork", no_process)
    with pytest.raises(ProcessShortageError):
        told(home, clock)
