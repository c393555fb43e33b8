"""What a run prints of its tickers, and the exit code that they add up to."""

import msgspec
import pytest
from msgspec import UNSET

from cli.app.exit_codes import Exit
from cli.commands.ingest.run.row import RunRow, complaints, exit_code, text, undone

GOOD = RunRow(
    job_id="019c56df-4a00-79bc-8162-00863d3d6afd",
    ticker="PETR4.SA",
    status="success",
    elapsed_sec=0.5,
    snapshot="snapshots/PETR4-20260212.csv",
    rows=502,
    checksum="ab" * 32,
    rejected=0,
    seq=3,
    head="cd" * 32,
    provider="yfinance",
)


def like(status: str, *, rejected: int = 0, kind: str | None = None) -> RunRow:
    """Return a row that ended in `status`."""
    told = {"error_kind": UNSET} if kind is None else {"error_kind": kind, "error_message": f"{kind}: x", "hint": "y"}
    return msgspec.structs.replace(GOOD, status=status, rejected=rejected, **told)


ERROR, LOCKED = like("error", kind="timeout"), like("locked", kind="locked")
REJECTED = like("rejected", kind="bad-answer")


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([GOOD], Exit.OK),
        ([GOOD, GOOD], Exit.OK),
        ([like("warning")], Exit.OK),  # flagged rows were accepted
        ([like("warning", rejected=1)], Exit.WARNING),
        ([GOOD, ERROR], Exit.WARNING),
        ([GOOD, LOCKED], Exit.WARNING),
        ([ERROR], Exit.CRITICAL),
        ([ERROR, ERROR], Exit.CRITICAL),
        ([ERROR, LOCKED], Exit.CRITICAL),
        ([LOCKED], Exit.UNKNOWN),
        ([GOOD, REJECTED], Exit.CRITICAL),
        ([like("dry_run")], Exit.OK),
        ([like("dry_run", rejected=1)], Exit.WARNING),
        ([like("dry_run", kind="bad-answer")], Exit.CRITICAL),
    ],
)
def test_the_exit_code_of_a_run(rows: list[RunRow], code: Exit) -> None:
    """Some failed is 1, all failed or one refused whole is 2, the only one locked is 3."""
    assert code == exit_code(rows)


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (
            msgspec.structs.replace(GOOD, added=502, withdrawn=1),
            (
                "PETR4.SA success: 502 added, 0 rejected, 1 withdrawn | "
                "snapshots/PETR4-20260212.csv (502 rows, sha256 abababababab) | yfinance | 0.5s"
            ),
        ),
        (msgspec.structs.replace(ERROR, snapshot=None), "PETR4.SA error: timeout | yfinance | 0.5s"),
        (msgspec.structs.replace(LOCKED, snapshot=None), "PETR4.SA locked | yfinance | 0.5s"),
        (
            msgspec.structs.replace(REJECTED, snapshot=None, rejected=9),
            "PETR4.SA rejected: bad-answer, 9 rejected | yfinance | 0.5s",
        ),
        # The decision stands, the file could not be written.
        (
            msgspec.structs.replace(like("error", kind="internal"), snapshot=None, added=5),
            "PETR4.SA error: internal, 5 added | yfinance | 0.5s",
        ),
    ],
)
def test_a_person_reads_what_became_of_a_ticker(row: RunRow, line: str) -> None:
    """Of a failure the kind and what was done all the same; its message is for stderr, once."""
    assert line == text(row)


def test_a_complaint_names_the_ticker_and_what_to_do() -> None:
    """What went well has none; what a run wants a look for has a line, so that cron mails it."""
    assert ["error: PETR4.SA: timeout: x", "hint: y"] == complaints([GOOD, ERROR])
    rejected = "warning: PETR4.SA: 2 rows rejected: main validation PETR4.SA"
    assert [rejected] == complaints([like("warning", rejected=2)])
    found = "warning: PETR4.SA: 3 flagged, 1 withdrawn: main validation PETR4.SA"
    assert [found] == complaints([msgspec.structs.replace(like("warning"), flagged=3, withdrawn=1)])


def test_what_twenty_tickers_share_is_said_once() -> None:
    """Also where each message names its own ticker."""
    names = [f"ABC{digit}.SA" for digit in range(3)]
    rows = [
        msgspec.structs.replace(ERROR, ticker=name, error_message=f"timeout: no answer for {name}") for name in names
    ]
    whose = "error: 3 tickers (ABC0.SA, ABC1.SA, ABC2.SA): timeout: no answer for ABC0.SA"
    assert [whose, "hint: y"] == complaints(rows)
    assert 4 == len(complaints([*rows, LOCKED]))


def test_a_run_that_is_interrupted_says_what_is_undone() -> None:
    """And how to do it."""
    assert (
        "error: interrupted: 1 done (A.SA); 1 recorded as interrupted (B.SA); 2 not begun (C.SA, D.SA)",
        "hint: main --ticker B.SA --ticker C.SA --ticker D.SA",
    ) == undone(["A.SA", "B.SA", "C.SA", "D.SA"], ["B.SA"], ["A.SA"], recorded=True)


def test_tickers_that_this_machine_could_not_work_on_are_no_verdict_on_them() -> None:
    """3 where none could be worked on, as when all are locked; beside another failure they are failures."""
    name = ERROR.ticker
    assert Exit.UNKNOWN == exit_code([ERROR], unable={name})
    assert Exit.UNKNOWN == exit_code([ERROR, LOCKED], unable={name})
    assert Exit.WARNING == exit_code([GOOD, ERROR], unable={name})
    assert Exit.CRITICAL == exit_code([ERROR], unable={"VALE3.SA"})
