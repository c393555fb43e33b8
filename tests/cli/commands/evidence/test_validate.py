"""A person's CSV is judged as a provider's answer is."""

from pathlib import Path

import pytest

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.cli.retelling import NOW
from tests.support.cli import Result, run_main
from tests.support.sample_ledger import PETR4_CSV

HEAD = "date,open,high,low,close,volume"
DAYS = sessions(Window(NOW.date().replace(month=1, day=5), NOW.date()))


def row(number: int, cells: str = "10,11,9,10") -> str:
    """Return the line of one session, its volume its own."""
    return f"{DAYS[number]},{cells},{1000 + number}"


def judged(folder: Path, *lines: str, args: tuple[str, ...] = ("--format", "json")) -> Result:
    """Return what `main` says of a file with these lines after the header."""
    (folder / "bars.csv").write_text("\n".join([HEAD, *lines, ""]))
    return run_main("validate", "bars.csv", *args, cwd=folder, env={"B3_LEDGER_NOW": NOW.isoformat()})


def test_a_clean_file_is_accepted(tmp_path: Path) -> None:
    """And no ledger is made."""
    result = judged(tmp_path, *(row(number) for number in range(5)))
    assert (0, [tmp_path / "bars.csv"]) == (result.code, list(tmp_path.iterdir()))
    assert result.lines() == [
        {
            "file": "bars.csv",
            "verdict": "success",
            "rules_version": 2,
            "received": 5,
            "accepted": 5,
            "rejected": [],
            "flagged": [],
            "warned": [],
            "partial": [],
        }
    ]


def test_a_finding_names_its_line(tmp_path: Path) -> None:
    """A rejected row and a flag make the exit code 1; a gap has no line."""
    result = judged(tmp_path, row(0), row(1, "0,11,9,10"), row(2, "14,14,14,14"), row(4))
    (report,) = result.lines()
    assert (1, "warning", 4, 3) == (result.code, report["verdict"], report["received"], report["accepted"])
    assert [(3, "NONPOS")] == [(found["line"], found["rule"]) for found in report["rejected"]]
    assert [(4, "JUMP"), (5, "JUMP")] == [(found["line"], found["rule"]) for found in report["flagged"]]
    assert [(None, "GAP", str(DAYS[3]))] == [(one["line"], one["rule"], one["date"]) for one in report["warned"]]


def test_rows_of_one_day_are_named_by_the_last(tmp_path: Path) -> None:
    """Copies that differ are all rejected."""
    result = judged(tmp_path, row(0), row(0, "10,11,9,10.5"), row(1))
    assert [(3, "DUPLICATE")] == [(found["line"], found["rule"]) for found in result.lines()[0]["rejected"]]


@pytest.mark.parametrize(("bad", "code"), [(2, 1), (3, 2)])
def test_more_than_a_tenth_of_twenty_rows_reject_the_file(bad: int, code: int, tmp_path: Path) -> None:
    """By the same threshold as a provider's answer."""
    lines = [row(number, "10,11,9,12" if number < bad else "10,11,9,10") for number in range(20)]
    assert code == judged(tmp_path, *lines).code


def test_csv_has_a_line_a_finding(tmp_path: Path) -> None:
    """For spreadsheets."""
    result = judged(tmp_path, row(0), row(1, "0,11,9,10"), args=("--format", "csv"))
    head, line = result.out.splitlines()
    assert "line,date,outcome,rule,detail" == head
    assert line.startswith(f'3,{DAYS[1]},rejected,NONPOS,"got open 0.00, high 11.00, ')


def test_text_is_a_line_a_finding_under_a_line_of_counts(tmp_path: Path) -> None:
    """For people."""
    head, line = judged(tmp_path, row(0), row(1, "0,11,9,10"), args=()).out.splitlines()
    assert "bars.csv warning: 2 rows, 1 accepted, 1 rejected, 0 flagged, 0 warned of" == head
    assert ["line", "3", str(DAYS[1]), "rejected", "NONPOS"] == line.split()[:5]


def test_a_snapshot_is_a_clean_file(sample: Path) -> None:
    """What was accepted is acceptable."""
    result = run_main("validate", f"snapshots/{PETR4_CSV}", cwd=sample, env={"B3_LEDGER_NOW": "2026-02-14T12:00:00Z"})
    assert (0, "") == (result.code, result.err)


def test_a_file_that_is_no_csv_of_bars_exits_2_with_its_line(tmp_path: Path) -> None:
    """And a hint that shows it; one that is not there exits 3."""
    broken = judged(tmp_path, "2026-02-13,1,2,3,abc,5", args=())
    assert (
        Result(
            2,
            "",
            "error: got close 'abc' on line 2 of bars.csv, want a number such as 37.32\nhint: sed -n 2p bars.csv\n",
        )
        == broken
    )
    assert 3 == run_main("validate", "nothing.csv", cwd=tmp_path).code
