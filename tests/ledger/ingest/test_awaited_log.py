"""A log that is awaited is made by the first answer, and what waited for it goes in first."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from ledger.codec import Draft, decode_envelope, decode_event
from ledger.errors import LedgerReplacedError
from ledger.events import FetchFailed
from ledger.ids import append_id
from ledger.ingest.awaited_log import AwaitedLog
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.projections.story import TICKERS, request
from tests.support.drafts import JOB, StepClock
from tests.support.oracle import check_home

FAILED = FetchFailed(
    ticker=TICKERS[0], provider="yfinance", attempt=1, started_at=1, finished_at=2, request=request(),
    error_kind="connection", message="nobody", status_code=None, retry_after_s=None, final=False, http_date=None,
    answer=None,
)  # fmt: skip


class Maker:
    """Makes the ledger of a home, and counts how often it was asked to."""

    def __init__(self, folder: Path) -> None:
        self.home = LedgerHome(folder)
        self.made: list[EventLog] = []

    def create(self) -> None:
        """Create the ledger, unless there is one."""
        create_ledger(self.home, kind="real", software="test", now=StepClock(), lock_timeout_s=5)

    def __call__(self) -> EventLog:
        """Return the ledger."""
        self.create()
        self.made.append(EventLog(self.home, now=StepClock(), lock_timeout_s=5))
        return self.made[-1]


@pytest.fixture
def maker(tmp_path: Path) -> Iterator[Maker]:
    """A home without a ledger; what is made in it re-hashes in the end."""
    maker = Maker(tmp_path / "dados")
    yield maker
    for log in maker.made:
        log.close()
    check_home(maker.home)


def attempt(number: int, status_code: int | None = None) -> Draft:
    """Return an attempt that failed."""
    return Draft(job_id=JOB, stream=TICKERS[0], event=replace(FAILED, attempt=number, status_code=status_code))


def appended(log: AwaitedLog, draft: Draft, name: str) -> int | None:
    """Append, and return the seq."""
    done = log.append([draft], append_id=append_id(name))
    return None if done is None else done.first


def attempts(log: EventLog) -> list[int]:
    """Return which attempts the log holds, in order."""
    events = (decode_event(decode_envelope(record.seq, record.body)) for record in log.read(1))
    return [event.attempt for event in events if isinstance(event, FetchFailed)]


def test_what_is_no_answer_waits_and_goes_in_before_the_first_that_is(maker: Maker) -> None:
    """A status is one; from then on everything is appended as it comes, to one ledger."""
    log = AwaitedLog(maker.home, maker)
    assert [None, None] == [appended(log, attempt(1), "a"), appended(log, attempt(2), "b")]
    assert (None, None, []) == (log.found(), log.folder, list(log.read(0, 9)))
    assert maker.home.current() is None
    assert [3, 4] == [appended(log, attempt(3, 503), "c"), appended(log, attempt(4), "d")]
    assert [[1, 2, 3, 4]] == [attempts(one) for one in maker.made]
    assert (maker.made[0], maker.home.current()) == (log.found(), log.folder)


@pytest.mark.parametrize("by", ["append", "look"])
def test_a_ledger_that_another_process_made_is_taken(by: str, maker: Maker) -> None:
    """Once there is one every failure is an event, those that waited too; the same append twice is one."""
    log = AwaitedLog(maker.home, maker)
    assert None is appended(log, attempt(1), "a")
    maker.create()
    assert 2 == appended(log, attempt(2), "b") if by == "append" else log.found() is not None
    assert 1 == appended(log, attempt(1), "a")
    assert [1, 2][: 2 if by == "append" else 1] == attempts(maker.made[0])


def test_a_ledger_that_cannot_be_made_keeps_what_waits(maker: Maker) -> None:
    """The next append tries again."""
    faults = [OSError("full")]

    def make() -> EventLog:
        if faults:
            raise faults.pop()
        return maker()

    log = AwaitedLog(maker.home, make)
    appended(log, attempt(1), "a")
    with pytest.raises(OSError, match="full"):
        appended(log, attempt(2, 500), "b")
    assert 2 == appended(log, attempt(2, 500), "b")
    assert [1, 2] == attempts(maker.made[0])


def test_a_ledger_that_was_replaced_takes_no_more(maker: Maker, tmp_path: Path) -> None:
    """What began in the folder of one is not for another; where there is none, no folder is wrong."""
    log = AwaitedLog(maker.home, maker)
    log.require_folder(tmp_path)
    appended(log, attempt(1, 503), "a")
    assert log.folder is not None
    log.require_folder(log.folder)
    with pytest.raises(LedgerReplacedError):
        log.require_folder(tmp_path)
