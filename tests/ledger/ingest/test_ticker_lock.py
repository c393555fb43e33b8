"""One job a ticker at a time, among threads and processes."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger import ids
from ledger.errors import TickerLockError, UnwritableError
from ledger.ingest.ticker_lock import Holder, holders, ticker_lock
from tests.support.cli import REPOSITORY

TICKER = "PETR4.SA"
JOB = ids.new_id(1_770_984_000_000_000)
SINCE = 1_770_984_000_000_000

HOLDING = f"""
import sys, time
from pathlib import Path
from ledger.ingest.ticker_lock import ticker_lock
with ticker_lock(Path(sys.argv[1]), {TICKER!r}, job_id={JOB!r}, now_us={SINCE}, timeout_s=5):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the lock files will be."""
    return tmp_path / "dados" / "locks"


@pytest.fixture
def other(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the ticker's lock."""
    words = [sys.executable, "-c", HOLDING, str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    assert process.stdout is not None
    assert "held\n" == process.stdout.readline()
    yield process
    process.kill()
    process.communicate()


def take(folder: Path, *, ticker: str = TICKER, timeout_s: float = 0.0) -> None:
    """Take a lock and give it back."""
    with ticker_lock(folder, ticker, job_id=JOB, now_us=SINCE, timeout_s=timeout_s):
        pass


def refusal(folder: Path, timeout_s: float = 0.0) -> TickerLockError:
    """Return the error of a lock that is not free."""
    with pytest.raises(TickerLockError) as caught:
        take(folder, timeout_s=timeout_s)
    return caught.value


def test_a_held_lock_names_its_holder(folder: Path, other: "subprocess.Popen[str]") -> None:
    """Process and job, as a person can look them up."""
    error = refusal(folder, timeout_s=0.1)
    assert (other.pid, JOB) == (error.holder_pid, error.holder_job_id)
    assert f"got {TICKER} locked by pid {other.pid}, job {ids.text(JOB)} after 0.1 s, want it free" == str(error)


def test_another_thread_of_the_same_process_is_kept_out_too(folder: Path) -> None:
    """Two locks on one file are two, whoever asks."""
    with ticker_lock(folder, TICKER, job_id=JOB, now_us=SINCE, timeout_s=0):
        assert os.getpid() == refusal(folder).holder_pid


def test_another_ticker_is_free(folder: Path, other: "subprocess.Popen[str]") -> None:
    """A lock is for one ticker."""
    assert other.poll() is None
    take(folder, ticker="VALE3.SA")


def test_a_killed_holder_holds_nothing(folder: Path, other: "subprocess.Popen[str]") -> None:
    """The kernel gives the lock back; what the dead job wrote of itself is no lock."""
    other.send_signal(signal.SIGKILL)
    other.wait()
    assert (folder / f"{TICKER}.holder").exists()
    assert [] == holders(folder)
    take(folder)


def test_holders_are_listed_while_they_hold(folder: Path, other: "subprocess.Popen[str]") -> None:
    """Ticker, pid, job and since when; asking takes no lock and leaves no file."""
    before = sorted(path.name for path in folder.iterdir())
    expected = Holder(ticker=TICKER, pid=other.pid, job_id=ids.text(JOB), since=SINCE)
    assert [expected] == holders(folder)
    assert before == sorted(path.name for path in folder.iterdir())


def test_nobody_holds_what_was_never_locked(folder: Path) -> None:
    """Nor does asking make the folder."""
    assert [] == holders(folder)
    assert not folder.exists()


def test_a_lock_that_was_given_back_leaves_no_holder(folder: Path) -> None:
    """The lock file itself stays: a second one of its name would let a second job in."""
    take(folder)
    assert [f"{TICKER}.lock"] == [path.name for path in folder.iterdir()]
    assert (0o700, 0o600) == tuple(path.stat().st_mode & 0o777 for path in (folder, folder / f"{TICKER}.lock"))


def test_a_holder_that_cannot_be_read_is_unknown(folder: Path, other: "subprocess.Popen[str]") -> None:
    """The lock counts all the same."""
    assert other.poll() is None
    (folder / f"{TICKER}.holder").write_bytes(b"{")
    assert f"got {TICKER} locked by pid unknown, job unknown after 0 s, want it free" == str(refusal(folder))


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    """Nothing can be locked there."""
    (tmp_path / "locks").write_bytes(b"")
    with pytest.raises(UnwritableError):
        take(tmp_path / "locks")
