"""A run that dies: at each window between evidence and snapshot, with its supervisor, or by a signal of a person."""

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from ledger.events import IngestFailed
from ledger.market.sessions import sessions
from ledger.store.writer_lock import WriterLock
from ledger.values import Window
from tests.e2e.workplace import NOW, Workplace, at, decisions
from tests.support.cli import environment
from tests.support.yahoo_series import Series, make_series, split
from tests.support.yahoo_server import Fault, Hang, YahooServer

TICKER, OTHER = "PETR4.SA", "VALE3.SA"
RUN = ("--ticker", TICKER, "--format", "json")
DAYS = sessions(Window(date(2025, 11, 3), date(2026, 2, 12)))
SERIES = make_series(DAYS, seed=1)
SNAPSHOT = "PETR4-20260212.csv"

# Ends the whole process group where the function named by the first argument would be called.
DYING = """
import importlib, os, signal, sys
owner, name = sys.argv.pop(1).split(":")
module, _, cls = owner.partition("/")
owner = importlib.import_module(module)
owner = getattr(owner, cls) if cls else owner
setattr(owner, name, lambda *_, **__: os.killpg(0, signal.SIGKILL))
from cli.entry import main
main()
"""


def die_at(place: Workplace, where: str, *args: str) -> None:
    """Run `main` until it comes to `where`, and kill it there."""
    died = subprocess.run(
        [sys.executable, "-c", DYING, where, *(args or RUN)],
        cwd=place.folder,
        env=environment(place.settings),
        capture_output=True,
        start_new_session=True,
        timeout=60,
        check=False,
    )
    assert (-signal.SIGKILL, b"") == (died.returncode, died.stdout)


def wait_for(server: YahooServer, charts: int) -> None:
    """Return once the server has been asked for that many charts."""
    deadline = time.monotonic() + 120
    while len(server.charts(TICKER)) < charts:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ended(process: "subprocess.Popen[str]", *, within_s: float) -> int:
    """Return the exit code, once nothing of the process group is left."""
    deadline = time.monotonic() + within_s
    process.communicate(timeout=within_s)
    while is_alive(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return process.returncode


def is_alive(group: int) -> bool:
    """Return whether a process of the group runs; who waits to be buried does not."""
    found = subprocess.run(["ps", "-o", "stat=", "-g", str(group)], capture_output=True, text=True, check=False)
    return any(not line.startswith("Z") for line in found.stdout.split())


# --- the windows of a run ------------------------------------------------------------------------


@pytest.fixture
def dead(place: Workplace, server: YahooServer) -> Workplace:
    """A place where the only run died once its evidence was durable."""
    server.series[TICKER] = SERIES
    die_at(place, "ledger.ingest.rules.judge:judge")
    assert ["fetch.succeeded"] == place.types(TICKER)
    assert ["pending"] == [entry.status for entry in place.entries(TICKER)]
    return place


def test_pending_evidence_is_judged_by_the_next_run_which_asks_nobody(dead: Workplace, server: YahooServer) -> None:
    """Nothing became final since: the decision is the dead job's, and the server hears nothing."""
    row = dead.rows(*RUN)[TICKER]
    told = dead.events(TICKER)
    assert ("success", len(DAYS)) == (row["status"], row["rows"])
    assert ["fetch.succeeded", "validation.completed", "snapshot.written"] == [one.type for one in told]
    assert {row["job_id"]} == {one.job_id for one in told}
    assert 1 == len(server.charts(TICKER))


def test_pending_evidence_is_judged_without_a_network(dead: Workplace, server: YahooServer) -> None:
    """`--no-network` judges it and nothing else."""
    result = dead.run(*RUN, "--no-network")
    (row,) = result.lines()
    assert (0, "success", "yfinance", len(DAYS)) == (result.code, row["status"], row["provider"], row["rows"])
    assert 1 == len(server.charts(TICKER))


def test_a_session_that_became_final_since_is_fetched_after_it(dead: Workplace, server: YahooServer) -> None:
    """First the dead job's decision, then a fetch and a decision of this one's."""
    later = datetime(2026, 2, 13, 23, tzinfo=UTC)
    server.now = later
    more = make_series([*DAYS, date(2026, 2, 13)], seed=1)
    server.series[TICKER] = more
    row = dead.rows(*RUN, B3_LEDGER_NOW=at(later))[TICKER]
    told = dead.events(TICKER)
    assert (len(DAYS) + 1, 1) == (row["rows"], row["added"])
    assert [
        "fetch.succeeded",
        "validation.completed",
        "fetch.succeeded",
        "validation.completed",
        "snapshot.written",
    ] == [one.type for one in told]
    assert [told[0].job_id] * 2 + [row["job_id"]] * 3 == [one.job_id for one in told]
    assert told[0].job_id != row["job_id"]


def test_a_run_that_dies_twice_leaves_one_pending_fetch(dead: Workplace, server: YahooServer) -> None:
    """The second run dies over the same evidence: it asked nobody, and the third judges it once."""
    die_at(dead, "ledger.ingest.rules.judge:judge")
    assert ["fetch.succeeded"] == dead.types(TICKER)
    assert "success" == dead.rows(*RUN)[TICKER]["status"]
    assert 1 == len(decisions(dead.events(TICKER)))
    assert 1 == len(server.charts(TICKER))


@pytest.mark.parametrize("name", ["publish", "SnapshotWritten"])
def test_a_run_that_dies_before_its_snapshot_is_told_of_is_made_good_by_the_next(
    place: Workplace, server: YahooServer, name: str
) -> None:
    """With the file there or not, the next run leaves file, checksum and event that agree."""
    server.series[TICKER] = SERIES
    die_at(place, f"cli.commands.ingest.run.worker:{name}")
    assert ["fetch.succeeded", "validation.completed"] == place.types(TICKER)
    row = place.rows(*RUN)[TICKER]
    assert ("success", 0, len(DAYS)) == (row["status"], row["added"], row["rows"])
    assert "snapshot.written" == place.types(TICKER)[-1]
    assert len(DAYS) + 1 == len(place.snapshot(SNAPSHOT))
    assert {SNAPSHOT, f"{SNAPSHOT}.checksum"} == {path.name for path in (place.folder / "snapshots").iterdir()}


# --- a wider fetch cut short ---------------------------------------------------------------------


@pytest.fixture
def cut_short(place: Workplace, server: YahooServer) -> Workplace:
    """A place where a run was killed while it waited for the whole range that a split had made it ask for."""
    server.series[TICKER] = Series(days=split(SERIES, date.max, 1, 2).days[:-3])
    earlier = NOW - timedelta(days=3)
    server.now = earlier
    assert 0 == place.run(*RUN, B3_LEDGER_NOW=at(earlier)).code
    server.now = NOW
    server.series[TICKER] = msgspec.structs.replace(SERIES, splits=((DAYS[-1], 2, 1),))
    server.faults[TICKER] = [Fault(), Hang(times=None)]
    process = place.start(*RUN)
    wait_for(server, 3)
    os.killpg(process.pid, signal.SIGKILL)
    ended(process, within_s=5)
    server.faults[TICKER] = []
    return place


def test_a_narrow_answer_left_pending_is_set_aside_by_the_next_run(cut_short: Workplace, server: YahooServer) -> None:
    """It asks for the whole range alone: the dead job's answer is superseded, its own is decided on."""
    row = cut_short.rows(*RUN)[TICKER]
    narrow, wide, aside, decision, _ = cut_short.events(TICKER)[-5:]
    assert ["superseded", "success"] == [one.verdict for one in decisions([aside, decision])]
    assert (narrow.seq, wide.seq) == (aside.cause, decision.cause)
    assert (narrow.job_id, row["job_id"]) == (aside.job_id, decision.job_id)
    assert narrow.job_id != row["job_id"]
    assert [Window(DAYS[0], NOW.date())] == server.windows(TICKER)[3:]
    assert len(DAYS) == row["rows"]


def test_a_narrow_answer_cannot_be_judged_without_a_network(cut_short: Workplace) -> None:
    """Accepting it would mix two scales: an error, and the ledger as it was."""
    before = cut_short.head()
    row = cut_short.rows(*RUN, "--no-network")[TICKER]
    assert ("error", "internal") == (row["status"], row["error_kind"])
    assert "want an answer over the whole range held" in row["error_message"]
    assert before == cut_short.head()


# --- killed from outside -------------------------------------------------------------------------


@pytest.fixture
def waiting(place: Workplace, server: YahooServer) -> "subprocess.Popen[str]":
    """A run that waits for an answer which does not come; the ledger was made by one of another ticker."""
    server.series[TICKER] = server.series[OTHER] = SERIES
    assert 0 == place.run("--ticker", OTHER).code
    server.faults[TICKER] = [Hang(times=None)]
    process = place.start(*RUN)
    wait_for(server, 1)
    return process


def test_a_job_dies_with_its_supervisor(
    place: Workplace, server: YahooServer, waiting: "subprocess.Popen[str]"
) -> None:
    """Kill -9 of the process that a person sees leaves none that writes, and no lock."""
    waiting.kill()
    assert -signal.SIGKILL == ended(waiting, within_s=5)
    server.faults[TICKER] = []
    assert 0 == place.run(*RUN, INGEST_LOCK_TIMEOUT_SECONDS="0.1").code


@pytest.mark.parametrize(
    ("signum", "group", "code"),
    [
        (signal.SIGINT, False, 130),
        (signal.SIGINT, True, 130),  # as a terminal's Ctrl-C, which reaches every process of the group
        (signal.SIGTERM, False, 143),
        (signal.SIGTERM, True, 143),
    ],
)
def test_a_signal_ends_a_run_at_once_and_is_recorded(
    place: Workplace, waiting: "subprocess.Popen[str]", signum: signal.Signals, group: bool, code: int
) -> None:
    """Nothing waits for the provider: one event says that somebody ended the job, and nothing is left behind."""
    if group:
        os.killpg(waiting.pid, signum)
    else:
        waiting.send_signal(signum)
    assert code == ended(waiting, within_s=8)
    (told,) = place.events(TICKER)
    assert isinstance(told.event, IngestFailed)
    assert ("interrupted", "interrupted", 1) == (told.event.stage, told.event.error_kind, told.event.attempt)
    assert [] == [name for name in place.tree() if name.endswith((".new", ".holder")) and "locks" not in name]


def test_a_first_run_that_is_ended_before_any_answer_makes_no_ledger(place: Workplace, server: YahooServer) -> None:
    """There is nothing to record it in, as for one that reached nobody."""
    server.series[TICKER] = SERIES
    server.faults[TICKER] = [Hang(times=None)]
    process = place.start(*RUN)
    wait_for(server, 1)
    process.send_signal(signal.SIGINT)
    assert 130 == ended(process, within_s=8)
    assert place.home.current() is None


def test_a_signal_is_answered_even_while_another_process_holds_the_writer_lock(
    place: Workplace, waiting: "subprocess.Popen[str]"
) -> None:
    """The record cannot be made then, and a person is not kept waiting for it."""
    lock = WriterLock(place.home.writer_lock)
    with lock.held(1):
        waiting.send_signal(signal.SIGTERM)
        assert 143 == ended(waiting, within_s=5)
    lock.close()
    assert [] == place.types(TICKER)


def test_a_run_after_an_interrupted_one_starts_afresh(
    place: Workplace, server: YahooServer, waiting: "subprocess.Popen[str]"
) -> None:
    """The interruption stays in the log as a failure; the data come all the same."""
    waiting.send_signal(signal.SIGINT)
    ended(waiting, within_s=8)
    server.faults[TICKER] = []
    assert (0, "success") == ((result := place.run(*RUN)).code, result.lines()[0]["status"])
    assert ["error", "success"] == [entry.status for entry in place.entries(TICKER)]
