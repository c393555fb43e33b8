"""Bad input and a bad world: one clear line, a hint, the documented exit code, and nothing lost."""

import os
from datetime import date, timedelta
from pathlib import Path
from shutil import copytree

import pytest

from ledger import ids
from ledger.events import IngestRefused
from ledger.ingest.ticker_lock import ticker_lock
from ledger.market.sessions import sessions
from ledger.store.engine import FORMAT_KEY, Engine
from ledger.store.writer_lock import WriterLock
from ledger.values import Window
from tests.e2e.workplace import NOW, Workplace
from tests.support.cli import Result
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import YahooServer

TICKER = "PETR4.SA"
RUN = ("--ticker", TICKER)
SERIES = make_series(sessions(Window(date(2025, 12, 1), date(2026, 2, 12))), seed=1)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one run has been."""
    with YahooServer() as server:
        server.series[TICKER] = SERIES
        place = Workplace(tmp_path_factory.mktemp("made"), server)
        assert 0 == place.run(*RUN).code
    return place.folder


@pytest.fixture
def held(made: Path, place: Workplace, server: YahooServer) -> Workplace:
    """A place whose ledger holds the series."""
    server.series[TICKER] = SERIES
    copytree(made, place.folder, dirs_exist_ok=True)
    return place


def said(result: Result) -> list[str]:
    """Return what stderr says besides the logs, which are JSON."""
    return [line for line in result.err.splitlines() if not line.startswith("{")]


def refusal(result: Result) -> tuple[int, str, str]:
    """Return exit code, error and hint of a run that said nothing else."""
    error, hint = said(result)
    return result.code, error.removeprefix("error: "), hint.removeprefix("hint: ")


@pytest.mark.parametrize(
    ("args", "settings", "error"),
    [
        (("--ticker", "../../x"), {}, "got ticker '../../x', want a B3 code"),
        (("--ticker", ""), {}, "got ticker '', want"),
        (("--ticker", "PETROBRAS"), {}, "got ticker 'PETROBRAS', want"),
        ((*RUN, "--provider", "bloomberg"), {}, "got 'bloomberg', want one of 'yfinance', 'b3' (--provider)"),
        ((*RUN, "--start", "2026-02-30"), {}, "got '2026-02-30', want a day that exists"),
        ((*RUN, "--start", "yesterday"), {}, "got 'yesterday', want a day as YYYY-MM-DD"),
        ((*RUN, "--start", "2026-02-03", "--end", "2026-02-02"), {}, "got --start 2026-02-03 after --end 2026-02-02"),
        ((*RUN, "--no-network", "--force-refresh"), {}, "got --force-refresh with --no-network, want"),
        ((*RUN, "--jobs", "0"), {}, "got 0, want one in the range 1<=x<=64 (--jobs)"),
        (RUN, {"ADAPTER_MAX_RETRIES": "three"}, "got ADAPTER_MAX_RETRIES='three' from environment, want a whole"),
        (
            RUN,
            {"B3_LEDGER_NOW": "noon"},
            "got B3_LEDGER_NOW='noon' from environment, want a time of 1970 to 2199 such as",
        ),
        (RUN, {"B3_LEDGER_NOW": "0001-01-01T00:00:00Z"}, "got B3_LEDGER_NOW='0001-01-01T00:00:00Z' from environment"),
        (RUN, {"B3_LEDGER_NOW": "9999-12-31T23:59:59Z"}, "got B3_LEDGER_NOW='9999-12-31T23:59:59Z' from environment"),
        (RUN, {"YAHOO_BASE_URL": "http://h:65536"}, "got YAHOO_BASE_URL='http://h:65536' from environment"),
        (RUN, {"YAHOO_BASE_URL": "localhost"}, "got YAHOO_BASE_URL='localhost' from environment, want an http"),
        (RUN, {"B3_LEDGER_NOW": "2026-02-13T12:00:00Z"}, "got B3_LEDGER_NOW on a real ledger, want it unset"),
        ((*RUN, "--must-exist"), {}, "got no ledger in"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_made(
    offline: Workplace, args: tuple[str, ...], settings: dict[str, str], error: str
) -> None:
    """Exit 3, a line, a hint, and a folder as empty as before."""
    result = offline.run(*args, **settings)
    lines = said(result)[-2:]
    assert 3 == result.code
    assert lines[0].startswith(f"error: {error}")
    assert lines[1].startswith("hint: ")
    assert {} == offline.tree()


def test_an_unknown_ticker_is_an_error_that_names_it(held: Workplace) -> None:
    """Yahoo's own words, exit 2, and the ledger goes on from there."""
    code, error, _ = refusal(held.run("--ticker", "XXXX9"))
    assert (2, "XXXX9.SA: not-found: 404 No data found, symbol may be delisted") == (code, error)
    assert ["fetch.failed"] == held.types("XXXX9.SA")


def test_a_file_in_the_place_of_the_data_folder_is_named(offline: Workplace) -> None:
    """Nothing can be made there: exit 3."""
    (offline.folder / "dados").write_text("not a folder")
    code, error, hint = refusal(offline.run("--no-network", *RUN))
    assert 3 == code
    assert ("got 'Not a directory' on reading dados, want a folder", "ls -ld dados") == (error, hint)
    assert {"dados": b"not a folder"} == offline.tree()
    (offline.folder / "dados").unlink()


def test_a_snapshot_folder_that_cannot_be_written_costs_no_data(place: Workplace, server: YahooServer) -> None:
    """The sessions are in the ledger, the failure is recorded, and the next run writes the file."""
    server.series[TICKER] = SERIES
    (place.folder / "snapshots").write_text("not a folder")
    code, error, _ = refusal_after_creation(place.run(*RUN))
    assert 2 == code
    assert error.startswith(f"{TICKER}: internal: got ")
    assert ["fetch.succeeded", "validation.completed", "ingest.failed"] == place.types(TICKER)
    (place.folder / "snapshots").unlink()
    assert 0 == place.run(*RUN).code
    assert len(SERIES.days) + 1 == len(place.snapshot("PETR4-20260212.csv"))


def refusal_after_creation(result: Result) -> tuple[int, str, str]:
    """Return what `refusal` does, for the run that made the ledger and said so."""
    created, error, hint = said(result)
    assert created.startswith("created ledger ")
    return result.code, error.removeprefix("error: "), hint.removeprefix("hint: ")


def test_a_ticker_that_is_locked_is_refused_by_name(held: Workplace) -> None:
    """Exit 3; the event names pid and job of the holder, and so does the message."""
    job_id = ids.new_id(1)
    with ticker_lock(held.home.locks, TICKER, job_id=job_id, now_us=1, timeout_s=0):
        result = held.run(*RUN, INGEST_LOCK_TIMEOUT_SECONDS="0.2")
    code, error, hint = refusal(result)
    message = f"got {TICKER} locked by pid {os.getpid()}, job {ids.text(job_id)} after 0.2 s, want it free"
    assert (3, f"{TICKER}: locked: {message}", "main health") == (code, error, hint)
    refused = held.events(TICKER)[-1].event
    assert isinstance(refused, IngestRefused)
    assert (os.getpid(), job_id, message) == (refused.holder_pid, refused.holder_job_id, refused.message)


def test_why_a_ticker_failed_is_said_once(held: Workplace) -> None:
    """On stderr, where errors go; the row on stdout says of what kind it was."""
    with ticker_lock(held.home.locks, TICKER, job_id=ids.new_id(1), now_us=1, timeout_s=0):
        result = held.run(*RUN, "--ticker", "XXXX9", INGEST_LOCK_TIMEOUT_SECONDS="0.2", LOG_LEVEL="ERROR")
    locked, unknown = result.out.splitlines()
    assert (f"{TICKER} locked", "XXXX9.SA error: not-found") == (locked.split(" |")[0], unknown.split(" |")[0])
    assert (1, 1) == (result.err.count("locked by pid"), result.err.count("404 No data found"))


def test_a_locked_ticker_stops_no_other(held: Workplace, server: YahooServer) -> None:
    """Exit 1: one was locked, the other is done."""
    server.series["VALE3.SA"] = SERIES
    with ticker_lock(held.home.locks, TICKER, job_id=ids.new_id(1), now_us=1, timeout_s=0):
        result = held.run(*RUN, "--ticker", "VALE3", "--format", "json", INGEST_LOCK_TIMEOUT_SECONDS="0.2")
    assert (1, ["locked", "success"]) == (result.code, [row["status"] for row in result.lines()])


def test_a_writer_lock_that_is_held_is_named_and_nothing_is_appended(held: Workplace) -> None:
    """Somebody restores or writes for long: exit 3, the log as it was."""
    before = held.head()
    lock = WriterLock(held.home.writer_lock)
    with lock.held(0):
        code, error, _ = refusal(held.run(*RUN, INGEST_LOCK_TIMEOUT_SECONDS="0.3"))
    lock.close()
    assert 3 == code
    words = f"got the writer lock held by pid {os.getpid()} after 0.3 s, want it free"
    assert error.startswith(f"{TICKER}: locked: {words}")
    assert before == held.head()


def data_file(place: Workplace) -> Path:
    """Return the ledger's database file."""
    return place.home.root / "ledger-1" / "data.mdb"


def write_newer_format(file: Path) -> None:
    """Make the database one of the next format."""
    engine = Engine(file.parent, readonly=False)
    with engine._env.begin(write=True) as txn:
        txn.put(FORMAT_KEY, b"b3-ledger 2")
    engine.close()


@pytest.mark.parametrize(
    ("name", "code", "error"),
    [
        ("newer", 3, "got format 'b3-ledger 2' at"),
        ("foreign", 2, "got a file too short for meta page 0 at"),
        ("long", 2, "got no LMDB file (meta page 0) at"),
        ("empty", 2, "got an empty file at"),
        ("gone", 3, "got no ledger in"),
    ],
)
@pytest.mark.parametrize("command", [RUN, (*RUN, "--dry-run"), (*RUN, "--no-network")])
def test_a_file_that_is_no_ledger_of_ours_is_left_as_it_is(
    held: Workplace, name: str, code: int, error: str, command: tuple[str, ...]
) -> None:
    """No command takes it for a ledger, and none makes another in its place."""
    file = data_file(held)
    good = file.read_bytes()
    if name == "newer":
        write_newer_format(file)
    elif name == "gone":
        file.unlink()
    else:
        file.write_bytes({"foreign": b"date,open\n", "long": b"date,open\n" * 9999, "empty": b""}[name])
    before = held.tree()
    found = refusal(held.run(*command))
    assert code == found[0]
    assert found[1].startswith(error)
    assert before == held.tree()
    file.write_bytes(good)


def test_a_provider_clock_a_day_away_appends_nothing(held: Workplace, server: YahooServer) -> None:
    """Which of the two clocks is wrong nobody knows: exit 2, the log as it was."""
    before = held.head()
    server.now = NOW + timedelta(days=1, seconds=1)
    code, error, hint = refusal(held.run(*RUN))
    words = f"{TICKER}: internal: got a clock 86401 s away from yfinance's, want at most 86400 s"
    assert (2, words, "date -u") == (code, error, hint)
    assert before == held.head()


def test_a_refusal_dated_a_day_away_appends_nothing_either(held: Workplace, server: YahooServer) -> None:
    """A 404 carries a clock as well."""
    before = held.head()
    server.now = NOW - timedelta(days=3)
    assert 2 == held.run("--ticker", "XXXX9").code
    assert before == held.head()


@pytest.mark.parametrize(("minutes", "warned"), [(5, False), (6, True), (-6, True)])
def test_clocks_minutes_apart_warn_and_no_more(
    held: Workplace, server: YahooServer, minutes: int, warned: bool
) -> None:
    """Past five minutes somebody ought to look; the run is as good as any."""
    server.now = NOW + timedelta(minutes=minutes)
    result = held.run(*RUN)
    assert (0, warned) == (result.code, "clocks apart" in result.err)
