"""`main logs` lists every attempt, newest last, and `--failed` alarms."""

from pathlib import Path

import pytest

from ledger.codec import Draft
from ledger.events import Event, IngestRefused
from ledger.ids import text
from ledger.store.event_log import EventLog
from tests.cli.commands.evidence.test_events_search import failed
from tests.support.cli import Result, run_main
from tests.support.drafts import JOB
from tests.support.sample_ledger import ITUB4, PETR4, look

ELEVEN = [
    "ticker",
    "job_id",
    "started_at",
    "finished_at",
    "rows_fetched",
    "status",
    "error_message",
    "duration_ms",
    "provider",
    "attempt",
    "retry_after",
]
OTHER_JOB = bytes(15) + b"\1"


def refused(ticker: str) -> Draft:
    """Return a job that gave way."""
    event: Event = IngestRefused(
        ticker=ticker,
        provider="yfinance",
        started_at=0,
        finished_at=2_000_000,
        message="locked: held by pid 1",
        holder_pid=1,
        holder_job_id=None,
    )
    return Draft(job_id=OTHER_JOB, stream=ticker, event=event)


@pytest.fixture
def folder(tmp_path: Path, log: EventLog) -> Path:
    """A working folder whose ledger tells of three failures, a second apart: seqs 1, 2 and 3."""
    log.append([failed(PETR4)], append_id=b"1" * 16)
    log.append([failed("VALE3.SA")], append_id=b"2" * 16)
    log.append([refused(PETR4)], append_id=b"3" * 16)
    return tmp_path


def recorded(log: EventLog, seq: int, folder: Path) -> str:
    """Return when the log took the event, as the command prints it."""
    assert log.head().size > seq
    rows = run_main("logs", "--format", "json", cwd=folder).lines()
    return next(str(row["recorded_at"]) for row in rows if row["seq"] == seq)


def test_json_has_the_eleven_fields_first_then_the_rest(sample: Path) -> None:
    """Whole values, but for what each run makes anew."""
    found = look("logs", "--ticker", "itub4", "--format", "json", cwd=sample)
    (row,) = found.lines()
    job_id = row.pop("job_id")
    at = "2026-02-13T23:00:00Z"
    assert (0, "", 36) == (found.code, found.err, len(job_id))
    assert [name for name in ELEVEN if name != "job_id"] == list(row)[:10]
    assert row == {
        "ticker": ITUB4,
        "started_at": at,
        "finished_at": at,
        "rows_fetched": 504,
        "status": "warning",
        "error_message": None,
        "duration_ms": 0,
        "provider": "sample",
        "attempt": 1,
        "retry_after": None,
        "final": True,
        "error_kind": None,
        "status_code": None,
        "accepted": 500,
        "rejected": 4,
        "flagged": 0,
        "superseded": False,
        "seq": 4,
        "recorded_at": "2026-02-13T23:00:00.000000Z",
    }


def test_a_line_an_attempt_newest_last(folder: Path) -> None:
    """What went wrong, where something did."""
    facts = [
        f"PETR4.SA    error     internal: x | attempt 1 | 0ms | yfinance | job {text(JOB)} | seq 1",
        f"VALE3.SA    error     internal: x | attempt 1 | 0ms | yfinance | job {text(JOB)} | seq 2",
        f"PETR4.SA    locked    locked: held by pid 1 | attempt 1 | 2000ms | yfinance | job {text(OTHER_JOB)} | seq 3",
    ]
    expected = "".join(f"1970-01-01T00:00:00Z  {fact}\n" for fact in facts)
    assert Result(0, expected, "") == run_main("logs", cwd=folder)


@pytest.mark.parametrize(
    ("args", "seqs"),
    [
        ([], [1, 2, 3]),
        (["--ticker", "petr4"], [1, 3]),
        (["--status", "locked"], [3]),
        (["--status", "pending"], []),
        (["--job", text(JOB)], [1, 2]),
        (["--job", OTHER_JOB.hex()], [3]),
        (["--limit", "2"], [2, 3]),
        (["--limit", "1", "--offset", "1"], [2]),
        (["--offset", "3"], []),
        (["--since", "2026-02-02"], [1, 2, 3]),
        (["--since", "2026-02-03"], []),
        (["--until", "2026-02-02"], [1, 2, 3]),
        (["--until", "2026-02-01"], []),
    ],
)
def test_filters_narrow_the_list(args: list[str], seqs: list[int], folder: Path) -> None:
    """Nothing found is no error."""
    found = run_main("logs", *args, "--format", "json", cwd=folder)
    assert (0, seqs) == (found.code, [row["seq"] for row in found.lines()])


def test_since_and_until_include_their_own_instant(folder: Path, log: EventLog) -> None:
    """To the microsecond."""
    second = recorded(log, 2, folder)
    for option, seqs in (("--since", [2, 3]), ("--until", [1, 2])):
        rows = run_main("logs", option, second, "--format", "json", cwd=folder).lines()
        assert seqs == [row["seq"] for row in rows]


def test_failures_are_a_warning(folder: Path) -> None:
    """Only when there are any."""
    found = run_main("logs", "--failed", "--format", "json", cwd=folder)
    assert (1, [1, 2, 3]) == (found.code, [row["seq"] for row in found.lines()])
    none = "no attempt of ITUB4.SA matches\n"
    assert Result(0, "", none) == run_main("logs", "--failed", "--ticker", "ITUB4", cwd=folder)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--job", "x"], "got 'x', want a job id of 32 hex digits (--job)"),
        (["--since", "2026-02-03", "--until", "2026-02-02"], "got --since after --until, want it on or before"),
        (["--since", "soon"], "got 'soon', want a day as YYYY-MM-DD (--since)"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(args: list[str], message: str, folder: Path) -> None:
    """Rather than found nowhere."""
    assert Result(3, "", f"error: {message}\nhint: main logs --help\n") == run_main("logs", *args, cwd=folder)
