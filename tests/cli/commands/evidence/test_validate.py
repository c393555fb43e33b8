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
    """A rejected row and a flag make the exit code 1; its session is missing, as is one that has no line."""
    result = judged(tmp_path, row(0), row(1, "0,11,9,10"), row(2, "14,14,14,14"), row(4))
    (report,) = result.lines()
    assert (1, "warning", 4, 3) == (result.code, report["verdict"], report["received"], report["accepted"])
    assert [(3, "NONPOS")] == [(found["line"], found["rule"]) for found in report["rejected"]]
    assert [(4, "JUMP"), (5, "JUMP")] == [(found["line"], found["rule"]) for found in report["flagged"]]
    assert [(3, "GAP", str(DAYS[1])), (None, "GAP", str(DAYS[3]))] == [
        (one["line"], one["rule"], one["date"]) for one in report["warned"]
    ]


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
    head, line, gap = result.out.splitlines()
    assert gap.startswith(f"3,{DAYS[1]},warned,GAP,")
    assert "line,date,outcome,rule,detail" == head
    assert line.startswith(f'3,{DAYS[1]},rejected,NONPOS,"got open 0.00, high 11.00, ')


def test_text_is_a_line_a_finding_under_a_line_of_counts(tmp_path: Path) -> None:
    """For people."""
    head, line, gap = judged(tmp_path, row(0), row(1, "0,11,9,10"), args=()).out.splitlines()
    assert "bars.csv warning: 2 rows, 1 accepted, 1 rejected, 0 flagged, 1 warned of" == head
    assert ["line", "3", str(DAYS[1]), "rejected", "NONPOS"] == line.split()[:5]
    assert ["line", "3", str(DAYS[1]), "warned", "GAP"] == gap.split()[:5]


def test_a_file_that_is_rejected_whole_counts_its_rows(tmp_path: Path) -> None:
    """What is said of the whole file is no row of it."""
    head, *found = judged(tmp_path, row(0, "0,11,9,10"), args=()).out.splitlines()
    assert head.startswith("bars.csv rejected: 1 rows, 0 accepted, 1 rejected, 0 flagged")
    assert ["file", "line"] == [line.split()[0] for line in found[:2]]


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


YFINANCE = "Date,Open,High,Low,Close,Adj Close,Volume,Dividends,Stock Splits"
STAMPED = "2026-02-{0} 00:00:00-03:00,10.0,11.0,9.0,10.{0},9.5,100{0},0.0,0.0"
ABOVE = (
    "Price,Close,Close,High,High,Low,Low,Open,Open,Volume,Volume\n"
    "Ticker,PETR4.SA,VALE3.SA,PETR4.SA,VALE3.SA,PETR4.SA,VALE3.SA,PETR4.SA,VALE3.SA,PETR4.SA,VALE3.SA\n"
    "Date,,,,,,,,,,\n"
    "2026-02-11,10.1,60.5,11,61,9,60,10,60.1,1000,2000\n"
    "2026-02-12,10.2,1,11,61,9,60,10,60.1,1001,2001\n"
)


def told_of(folder: Path, text: str, *args: str) -> Result:
    """Return what `main` says of a file with this text."""
    (folder / "theirs.csv").write_text(text)
    now = {"B3_LEDGER_NOW": NOW.isoformat()}
    return run_main("validate", "theirs.csv", "--format", "json", *args, cwd=folder, env=now)


def test_the_csv_that_yfinance_writes_is_understood(tmp_path: Path) -> None:
    """Its header, the time zone behind the date, and columns that are no bar's; what was understood is said."""
    result = told_of(tmp_path, "\n".join([YFINANCE, *map(STAMPED.format, (10, 11, 12)), ""]))
    (report,) = result.lines()
    assert (3, []) == (report["accepted"], report["rejected"])
    assert result.err.startswith("understood: date from 'Date', open from 'Open', ")
    understood, why = result.err.splitlines()
    assert understood.endswith("; left aside: 'Dividends', 'Stock Splits'")
    assert why.startswith("warning: theirs.csv warning: 3 rows, 3 accepted, 0 rejected, ")


def test_columns_come_in_any_order_and_case(tmp_path: Path) -> None:
    """A name counts, not its place."""
    result = told_of(tmp_path, "VOLUME,close,Low,HIGH,open,datetime\n100,10,9,11,10,2026-02-12T10:00:00\n")
    assert 1 == result.lines()[0]["accepted"]


def test_of_several_tickers_in_columns_one_is_judged(tmp_path: Path) -> None:
    """Named, each by its own columns; not named, the file is refused with the choice."""
    found = {one: told_of(tmp_path, ABOVE, "--ticker", one) for one in ("PETR4", "VALE3")}
    petr4, vale3 = (result.lines()[0] for result in found.values())
    assert (2, []) == (petr4["accepted"], petr4["rejected"])
    assert [(5, "OHLC_ORDER")] == [(one["line"], one["rule"]) for one in vale3["rejected"]]
    assert found["PETR4"].err.startswith("understood of PETR4.SA: date from 'date', ")
    for args in ((), ("--ticker", "ITUB4")):
        refused = told_of(tmp_path, ABOVE, *args)
        assert 2 == refused.code
        assert "want --ticker with one of PETR4.SA, VALE3.SA" in refused.err


@pytest.mark.parametrize("name", ["ticker", "Symbol"])
def test_of_several_tickers_in_rows_one_is_judged(name: str, tmp_path: Path) -> None:
    """Rows of another ticker used to pass for second copies of a day."""
    text = f"date,{name},open,high,low,close,volume\n" + "".join(
        f"2026-02-{day},{ticker},10,11,9,{close},100\n"
        for day in (11, 12)
        for ticker, close in (("PETR4", 10), ("vale3.sa", 99))
    )
    (report,) = told_of(tmp_path, text, "--ticker", "PETR4").lines()
    assert (2, 2, []) == (report["received"], report["accepted"], report["rejected"])
    other = told_of(tmp_path, text, "--ticker", "VALE3")
    assert [3, 5] == [one["line"] for one in other.lines()[0]["rejected"] if one["line"]]
    assert other.err.startswith("understood of VALE3.SA: date from 'date', ")
    for args, found in (((), "got rows of 2 tickers"), (("--ticker", "ITUB4"), "got no row of ITUB4.SA")):
        refused = told_of(tmp_path, text, *args)
        assert (2, True) == (refused.code, refused.err.startswith(f"error: {found} on line 1 of theirs.csv, want --ti"))
        assert "want --ticker with one of PETR4.SA, VALE3.SA\n" in refused.err
    alone = told_of(tmp_path, text.replace("vale3.sa", "petr4"))
    assert alone.err.startswith("understood of PETR4.SA: ")
    assert 4 == alone.lines()[0]["received"]


def test_an_index_is_judged_as_one(tmp_path: Path) -> None:
    """Nothing is traded of it, so no volume is no finding."""
    text = "date,open,high,low,close,volume\n2026-02-11,10,11,9,10,0\n2026-02-12,10,11,9,10.5,0\n"
    found = [told_of(tmp_path, text, "--ticker", ticker).lines()[0]["flagged"] for ticker in ("^BVSP", "PETR4")]
    assert [0, 2] == [len(one) for one in found]


def test_a_header_that_lacks_a_field_or_has_one_twice_is_refused(tmp_path: Path) -> None:
    """With what it has and what is wanted."""
    for header in ("Date,Open,High,Low,Close", "Date,Open,High,Low,Close,Volume,CLOSE", "a,b"):
        refused = told_of(tmp_path, f"{header}\n")
        assert (2, True) == (refused.code, f"got header '{header}' on line 1" in refused.err)
