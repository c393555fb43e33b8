"""`main import-cotahist` as a person runs it: a process, a folder, files of the exchange's layout."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ledger.ingest.ticker_lock import ticker_lock
from ledger.market.series import Series
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.models import prices
from projections.store.replaying import compare
from projections.store.runner import remembered, view_at
from tests.support.cli import Result, command, environment, run_main
from tests.support.cotahist import line, made, quotes
from tests.support.oracle import check_home

NOW = {"B3_LEDGER_NOW": "2026-01-05T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
DAYS = [date(2025, 1, 2), date(2025, 1, 3), date(2025, 1, 6)]
LINES = [line(day, code) for day in DAYS for code in ("PETR4", "VALE3")]


@pytest.fixture(autouse=True)
def _every_ledger_is_whole(tmp_path: Path) -> Iterator[None]:
    """Whatever a test did, what it left behind re-hashes."""
    yield
    check_home(LedgerHome(tmp_path / "dados"))


def imported(tmp_path: Path, *args: str, env: dict[str, str] | None = None) -> Result:
    """Return how `main import-cotahist` ended on `args`, printing JSON."""
    return run_main("import-cotahist", *args, "--format", "json", cwd=tmp_path, env={**NOW, **(env or {})})


def closes(tmp_path: Path, ticker: str) -> dict[date, int]:
    """Return the closes that the ledger holds of a ticker from this provider, in millionths."""
    with EventLog(LedgerHome(tmp_path / "dados"), now=lambda: 0, readonly=True) as log:
        bars = prices.bars(view_at(log, log.head().size).state["prices"], Series(ticker, "cotahist"))
    return {day: bar.close for day, bar in bars.items()}


def size(tmp_path: Path) -> int:
    """Return how many events the ledger holds."""
    with EventLog(LedgerHome(tmp_path / "dados"), now=lambda: 0, readonly=True) as log:
        return log.head().size


def test_an_import_creates_the_ledger_and_fills_it(tmp_path: Path) -> None:
    """The row says where, how much, and which file it was."""
    path = made(tmp_path / "COTAHIST_A2025.ZIP", LINES)
    done = imported(tmp_path, path.name)
    (row,) = done.lines()
    del row["job_id"], row["elapsed_sec"], row["head"]
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    expected = {
        "file": "COTAHIST_A2025.ZIP", "sha256": digest, "records": 6, "tickers": 2,
        "added": 6, "revised": 0, "unchanged": 0, "rejected": 0, "skipped": 0, "status": "success",
        "provider": "cotahist", "repeated": 0, "tickers_rejected": 0, "tickers_failed": 0, "flagged": 0, "withdrawn": 0,
        "partial": 0, "warned": 2, "rows_refused": 0, "rows_repeated": 0, "rows_failed": 0, "duplicates": 0,
        "outranked": 0, "lacking": 0, "retired": 0, "lacking_tickers": [],
        "outside": 0, "skipped_codes": [], "refused": [],
        "first_date": "2025-01-02", "last_date": "2025-01-06",
        "seq": 4, "created": True, "ledger": str(tmp_path / "dados" / "ledger-1"),
    }  # fmt: skip
    assert (0, expected) == (done.code, row)
    assert dict.fromkeys(DAYS, 37_320_000) == closes(tmp_path, "PETR4.SA")


@pytest.mark.parametrize("heavy", ["numpy", "tenacity", "structlog"])
def test_a_short_file_is_imported_without_what_takes_longer_to_import(heavy: str, tmp_path: Path) -> None:
    """A line at a time, and asking nobody; a log of errors alone has no line."""
    path = made(tmp_path / "D.TXT", (line(day, "PETR4") for day in DAYS))
    code = f"import sys; sys.modules[{heavy!r}] = None; from cli.entry import main; main()"
    words = [sys.executable, "-c", code, "import-cotahist", path.name]
    env = environment({**NOW, "LOG_LEVEL": "ERROR"})
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (0, True) == (done.returncode, "3 added" in done.stdout), done.stderr


def test_read_models_are_folded_beside_a_long_import(tmp_path: Path) -> None:
    """By a process that reads as any other does, and is gone when the command is; they are what a replay makes."""
    files = [
        made(tmp_path / f"A{year}.TXT", quotes(records=5_000, year=year, seed=3), year=year) for year in (2024, 2025)
    ]
    done = imported(tmp_path, *(path.name for path in files), "--market", "all")
    rows = done.lines()
    assert ["warning", "warning"] == [row["status"] for row in rows]
    with EventLog(LedgerHome(tmp_path / "dados"), now=lambda: 0, readonly=True) as log:
        assert [] == compare(log, log.folder)
        assert log.head() == remembered(log.folder)
    check_home(LedgerHome(tmp_path / "dados"))


def test_the_same_file_twice_appends_nothing_and_says_so(tmp_path: Path) -> None:
    """By its bytes: another name is the same file."""
    made(tmp_path / "A.TXT", LINES)
    (tmp_path / "B.TXT").write_bytes((tmp_path / "A.TXT").read_bytes())
    imported(tmp_path, "A.TXT")
    done = run_main("import-cotahist", "B.TXT", cwd=tmp_path, env=NOW)
    assert (0, "B.TXT success: all 2 tickers were imported before, nothing appended\n", 5) == (
        done.code,
        done.out,
        size(tmp_path),
    )


def test_files_follow_one_another(tmp_path: Path) -> None:
    """The second finds what the first brought; a refused one stops no other."""
    made(tmp_path / "A.TXT", LINES)
    made(tmp_path / "C.TXT", [*LINES[:4], line(DAYS[2], close=3799), LINES[5]])
    (tmp_path / "B.TXT").write_bytes((tmp_path / "A.TXT").read_bytes()[:1000])
    done = imported(tmp_path, "A.TXT", "B.TXT", "C.TXT")
    assert (1, [("success", 6, 0, 0), ("error", 0, 0, 0), ("success", 0, 1, 5)]) == (
        done.code,
        [(row["status"], row["added"], row["revised"], row["unchanged"]) for row in done.lines()],
    )


def test_a_refused_file_is_a_line_and_a_hint(tmp_path: Path) -> None:
    """Nothing of it is appended, no ledger is begun for it, and the only file is exit 2."""
    path = made(tmp_path / "A.TXT", LINES)
    path.write_bytes(path.read_bytes()[: 3 * 247])
    done = imported(tmp_path, "A.TXT")
    (row,) = done.lines()
    message = "bad-answer: got the end in line 4 of A.TXT, want the trailer 99COTAHIST.AAAA: the file is cut"
    assert (2, message, False, ["A.TXT"]) == (done.code, row["error_message"], row["created"], os.listdir(tmp_path))
    assert [
        f"error: A.TXT: {message}",
        "hint: download the file again, then: main import-cotahist A.TXT",
    ] == done.err.splitlines()[-2:]


def test_only_what_was_asked_for_is_imported(tmp_path: Path) -> None:
    """A ticker, or the other markets too."""
    made(tmp_path / "A.TXT", [*LINES, line(DAYS[0], "PETR4F", market="020"), line(DAYS[0], "SEMNUM")])
    first = imported(tmp_path, "A.TXT", "--ticker", "vale3").lines()
    then = imported(tmp_path, "A.TXT", "--market", "all").lines()
    assert [(1, 3, 0, 0, 5), (3, 4, 1, 1, 0)] == [
        (row["tickers"], row["added"], row["repeated"], row["skipped"], row["outside"]) for row in (*first, *then)
    ]


def test_what_is_asked_for_and_not_there_is_a_warning(tmp_path: Path) -> None:
    """Exit 1: a ticker that the file lacks."""
    made(tmp_path / "A.TXT", LINES)
    done = imported(tmp_path, "A.TXT", "--ticker", "ABEV3")
    assert (1, ["warning"]) == (done.code, [row["status"] for row in done.lines()])


def test_a_code_that_is_no_ticker_is_counted_and_named(tmp_path: Path) -> None:
    """In the row and in the log on stderr."""
    made(tmp_path / "A.TXT", [*LINES, line(DAYS[0], "SEMNUM"), line(DAYS[1], "SEMNUM")])
    done = imported(tmp_path, "A.TXT")
    (row,) = done.lines()
    assert (0, "warning", 2, ["SEMNUM"]) == (done.code, row["status"], row["skipped"], row["skipped_codes"])
    assert "codes that are no tickers" in done.err


def test_every_record_is_in_one_count_and_what_is_refused_is_named(tmp_path: Path) -> None:
    """The first ten with their reasons, or all of them; nothing is a record of two counts."""
    lines = [
        *LINES,
        LINES[0],
        line(DAYS[0], "VALE3", close=9),
        *(line(DAYS[0], f"SEM{letter}") for letter in "ABCDEFGHIJK"),
        line(DAYS[1], "PETR4T", market="030"),
        line(DAYS[1], "PETRA1", market="070", expiry="20250117"),
        *(line(day, "ABEV3", close=0) for day in DAYS),
    ]
    made(tmp_path / "A.TXT", lines)
    (ten,) = imported(tmp_path, "A.TXT", "--market", "all", "--dry-run").lines()
    text = run_main("import-cotahist", "A.TXT", "--market", "all", "--dry-run", cwd=tmp_path, env=NOW).out
    assert "  SEMA          1 refused  a code that is no ticker\n" in text
    assert text.endswith("  and 6 more: --refused names all\n")
    done = imported(tmp_path, "A.TXT", "--market", "all", "--refused")
    (row,) = done.lines()
    parts = ("outside", "skipped", "rows_refused", "rows_failed", "rows_repeated")
    parts += ("added", "revised", "unchanged", "partial", "rejected", "duplicates")
    assert (len(lines), 6, 12, 3, 1, 2) == (
        sum(row[name] for name in parts),
        row["added"],
        row["skipped"],
        row["rows_refused"],
        row["rejected"],
        row["duplicates"],
    )
    assert (10, 14) == (len(ten["refused"]), len(row["refused"]))
    assert [
        {"name": "SEMA", "records": 1, "reason": "a code that is no ticker"},
        {"name": "PETR4T", "records": 1, "reason": "term '   ', which is no number of days"},
        {"name": "ABEV3.SA", "records": 3, "reason": "THRESHOLD: got 3 of 3 rows rejected, want at most 10 % of 20"},
        {"name": "VALE3.SA", "records": 1, "reason": "2025-01-02 DUPLICATE: got 2 rows that differ, want one"},
    ] == [row["refused"][number] for number in (0, 11, 12, 13)]


def test_an_option_code_of_two_years_is_two_series(tmp_path: Path) -> None:
    """Each read, exported and locked by its own name."""
    first, second = date(2016, 1, 4), date(2024, 11, 4)
    made(tmp_path / "A.TXT", [line(first, "BBASA45", 76, market="070", expiry="20160118")], year=2016)
    made(tmp_path / "B.TXT", [line(second, "BBASA45", 12, market="070", expiry="20241114")], year=2024)
    done = imported(tmp_path, "A.TXT", "B.TXT", "--market", "all")
    assert [1, 1] == [row["added"] for row in done.lines()]
    for ticker, day, close in (
        ("bbasa45@2016-01-18", first, "0.76"),
        ("BBASA45@2024-11-14.SA", second, "0.12"),
    ):
        shown = run_main("prices", "--ticker", ticker, "--format", "csv", cwd=tmp_path, env=NOW)
        assert (0, f"{day},{close},{close},{close},{close},1000") == (shown.code, shown.out.splitlines()[1])
    written = run_main("snapshot", "--ticker", "BBASA45@2016-01-18", "--out", "s.csv", cwd=tmp_path, env=NOW)
    assert 0 == written.code
    assert 3 == run_main("prices", "--ticker", "BBASA45", cwd=tmp_path, env=NOW).code


def test_a_dry_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """No ledger, no lock, no read model."""
    made(tmp_path / "A.TXT", LINES)
    done = imported(tmp_path, "A.TXT", "--dry-run")
    (row,) = done.lines()
    assert (0, "dry_run", 6, None, ["A.TXT"]) == (
        done.code,
        row["status"],
        row["added"],
        row["seq"],
        os.listdir(tmp_path),
    )


def test_a_dry_run_judges_against_what_is_held(tmp_path: Path) -> None:
    """And changes none of it."""
    made(tmp_path / "A.TXT", LINES)
    made(tmp_path / "B.TXT", [line(DAYS[0], close=3799), *LINES[2:]])
    imported(tmp_path, "A.TXT")
    before = {path: path.read_bytes() for path in (tmp_path / "dados").rglob("*") if path.is_file()}
    (row,) = imported(tmp_path, "B.TXT", "--dry-run").lines()
    assert (0, 1, 4) == (row["added"], row["revised"], row["unchanged"])
    assert {path: content for path, content in before.items() if path.name != "lock.mdb"} == {
        path: path.read_bytes()
        for path in (tmp_path / "dados").rglob("*")
        if path.is_file() and path.name != "lock.mdb"
    }


def test_no_ledger_is_made_where_one_must_exist(tmp_path: Path) -> None:
    """For cron, in the wrong folder."""
    made(tmp_path / "A.TXT", LINES)
    done = imported(tmp_path, "A.TXT", "--must-exist")
    assert (3, ["A.TXT"]) == (done.code, os.listdir(tmp_path))


def test_a_real_import_is_not_dated_by_hand(tmp_path: Path) -> None:
    """B3_LEDGER_NOW would put an invented time into the log."""
    made(tmp_path / "A.TXT", LINES)
    done = run_main("import-cotahist", "A.TXT", cwd=tmp_path, env={"B3_LEDGER_NOW": NOW["B3_LEDGER_NOW"]})
    assert (3, ["A.TXT"]) == (done.code, os.listdir(tmp_path))


@pytest.mark.parametrize(
    "args", [[], ["none.zip"], ["."], ["A.TXT", "--market", "futures"], ["A.TXT", "--ticker", "../x"]]
)
def test_a_call_that_makes_no_sense_is_exit_3(args: list[str], tmp_path: Path) -> None:
    """One line, a hint, and nothing made."""
    made(tmp_path / "A.TXT", LINES)
    done = run_main("import-cotahist", *args, cwd=tmp_path, env=NOW)
    assert (3, 2, ["A.TXT"]) == (done.code, len(done.err.splitlines()), os.listdir(tmp_path))


def test_a_file_that_is_not_final_yet_is_refused_whole_and_says_when_to_come_back(tmp_path: Path) -> None:
    """Exit 3, and no ledger is begun for it; the same file is taken once its session is final."""
    made(tmp_path / "D.TXT", [line(DAYS[0])], made_on=DAYS[0])
    early = {"B3_LEDGER_NOW": f"{DAYS[0]}T18:00:00Z"}
    done = imported(tmp_path, "D.TXT", env=early)
    (row,) = done.lines()
    when = "want its session of 2025-01-02 final: from 2025-01-02T21:30:00Z on"
    message = f"not-final: got D.TXT made on 2025-01-02, {when}"
    assert (3, "error", False, message) == (done.code, row["status"], row["created"], row["error_message"])
    assert "hint: after 2025-01-02T21:30:00Z: main import-cotahist D.TXT" == done.err.splitlines()[-1]
    assert ["D.TXT"] == os.listdir(tmp_path)
    made(tmp_path / "A.TXT", [line(DAYS[0], "VALE3")])
    both = imported(tmp_path, "D.TXT", "A.TXT", env=early)
    assert (1, [("error", False), ("success", True)]) == (
        both.code,
        [(row["status"], row["created"]) for row in both.lines()],
    )
    (row,) = imported(tmp_path, "D.TXT", env={"B3_LEDGER_NOW": f"{DAYS[0]}T22:00:00Z"}).lines()
    assert ("success", 1) == (row["status"], row["added"])


def test_an_older_file_is_evidence_without_effect_and_says_so(tmp_path: Path) -> None:
    """Exit 0; what it has otherwise stays as the younger file has it, and the ledger verifies and derives the same."""
    made(tmp_path / "M.TXT", LINES, made_on=date(2025, 1, 29))
    made(tmp_path / "D.TXT", [line(DAYS[1], close=3799), line(DAYS[1], "VALE3")], made_on=date(2025, 1, 18))
    imported(tmp_path, "M.TXT")
    done = run_main("import-cotahist", "D.TXT", cwd=tmp_path, env=NOW)
    assert 0 == done.code
    assert "0 added, 1 unchanged, 1 left as a younger file has them" in done.out
    assert dict.fromkeys(DAYS, 37_320_000) == closes(tmp_path, "PETR4.SA")
    assert [0, 0] == [run_main(command, cwd=tmp_path, env=NOW).code for command in ("verify", "audit")]


def test_a_reissued_day_that_lacks_a_ticker_says_so(tmp_path: Path) -> None:
    """By a file that is no older; exit 1."""
    made(tmp_path / "D.TXT", LINES[:2], made_on=date(2025, 1, 3))
    imported(tmp_path, "D.TXT")
    for made_on, lacking in ((date(2025, 1, 2), []), (date(2025, 1, 4), ["VALE3.SA"])):
        made(tmp_path / "E.TXT", LINES[:1], made_on=made_on)
        done = imported(tmp_path, "E.TXT", "--market", "all")
        (row,) = done.lines()
        assert (lacking, len(lacking), bool(lacking)) == (row["lacking_tickers"], row["lacking"], done.code == 1)


def test_another_import_at_work_is_waited_for_and_then_named(tmp_path: Path) -> None:
    """Two imports would judge against what the other one is about to change."""
    made(tmp_path / "A.TXT", LINES)
    imported(tmp_path, "A.TXT")
    made(tmp_path / "B.TXT", LINES[:2])
    with ticker_lock(tmp_path / "dados" / "locks", "cotahist", job_id=bytes(16), now_us=0, timeout_s=1):
        done = imported(tmp_path, "B.TXT", env={"INGEST_LOCK_TIMEOUT_SECONDS": "0.1"})
    (row,) = done.lines()
    assert (3, "locked", 5) == (done.code, row["status"], size(tmp_path))
    assert f"got cotahist locked by pid {os.getpid()}" in row["error_message"]


def test_an_array_holds_every_file(tmp_path: Path) -> None:
    """One JSON array for the command."""
    made(tmp_path / "A.TXT", LINES)
    done = run_main("import-cotahist", "A.TXT", "A.TXT", "--array", cwd=tmp_path, env=NOW)
    assert ("[{", "}]\n") == (done.out[:2], done.out[-3:])


def test_a_killed_import_is_taken_up_where_it_stopped(tmp_path: Path) -> None:
    """What was appended stays, what was not follows, and nothing comes twice."""
    made(tmp_path / "A.TXT", quotes(records=100_000, year=2025, seed=3))
    process = subprocess.Popen(
        command("import-cotahist", "A.TXT"), cwd=tmp_path, env=environment(NOW), stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    # "read", then "created ledger": from here on tickers are appended.
    while "created ledger" not in process.stderr.readline():
        pass
    head = tmp_path / "dados" / "ledger-1" / "head"
    before = head.read_bytes()
    while head.read_bytes() == before:
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.communicate()
    appended = size(tmp_path)
    (row,) = imported(tmp_path, "A.TXT").lines()
    assert (0, 159) == ((appended - 1) % 2, row["tickers"])
    assert 0 < row["repeated"] < row["tickers"]
    assert ((appended - 1) // 2, 1 + 2 * row["tickers"]) == (row["repeated"], size(tmp_path))


def test_prices_of_another_source_are_read_only_when_they_are_meant(tmp_path: Path) -> None:
    """The snapshot is of the provider that the policy picks, and says which."""
    made(tmp_path / "A.TXT", LINES)
    imported(tmp_path, "A.TXT")
    snapshot = ("snapshot", "--ticker", "PETR4", "--out", "s.csv", "--format", "json")
    done = [run_main(*snapshot, *args, cwd=tmp_path) for args in ((), ("--source", "yfinance"))]
    assert [0, 3] == [one.code for one in done]
    assert [("cotahist", 3)] == [(row["provider"], row["rows"]) for row in done[0].lines()]


def test_a_clock_that_is_refused_is_named_and_is_no_files_fault(tmp_path: Path) -> None:
    """Nothing of any file is imported, nor recorded; the hint says how to go on, and a person may vouch."""
    first, later = made(tmp_path / "A.TXT", LINES[:2]), made(tmp_path / "B.TXT", LINES)
    assert 0 == imported(tmp_path, first.name).code
    before = size(tmp_path)
    at = {"B3_LEDGER_NOW": "2026-04-05T12:00:00Z"}
    done = imported(tmp_path, later.name, env=at)
    error, hint = done.err.splitlines()[-2:]
    assert (2, before) == (done.code, size(tmp_path))
    assert error.startswith("error: got a clock 90 days past the last recorded event")
    assert "hint: date -u, then, if it is right: main import-cotahist B.TXT --format json --clock-ok" == hint
    assert 0 == imported(tmp_path, later.name, "--clock-ok", env=at).code
