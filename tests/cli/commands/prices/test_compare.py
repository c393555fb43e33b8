"""`main compare` over a ledger in which Yahoo's answer and the exchange's file tell of the same days."""

import shutil
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import jsonschema
import msgspec
import pytest

from ledger.codec import Draft
from ledger.events import ValidationCompleted
from ledger.ids import append_id
from ledger.ingest.rules.held import Held
from ledger.ingest.rules.judge import judge
from ledger.store.event_log import EventLog
from ledger.values import RawAction
from projections import open_ledger
from tests.ledger.ingest.answers import TICKER, evidence, raw, session
from tests.support.cli import REPOSITORY, Result, run_main
from tests.support.cotahist import line, made
from tests.support.drafts import JOB

NOW = {"B3_LEDGER_NOW": "2026-04-01T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
DAYS = [session(number) for number in range(5)]
SPLIT = RawAction(DAYS[3], "split", 2.0)
PAID = RawAction(DAYS[1], "dividend", 1.5)
ADJUSTED = [27.5, 27.75, 28.0, 27.9, 28.1]  # reais, as Yahoo tells them after the split
TRADED = [5500, 5550, 5600, 2790, 2810]  # centavos, as they were


def answered(log: EventLog, days: Sequence[date] = DAYS, closes: Sequence[float] = ADJUSTED) -> None:
    """Record Yahoo's answer and its decision."""
    fetch = evidence([raw(day, close) for day, close in zip(days, closes, strict=True)], [SPLIT, PAID])
    decision = judge(fetch, Held({}), basis="split_adjusted", exchange="SAO")
    assert isinstance(decision, ValidationCompleted)
    cause = log.head().size
    drafts = [
        Draft(job_id=JOB, stream=TICKER, event=fetch),
        Draft(job_id=JOB, stream=TICKER, event=decision, cause=cause),
    ]
    log.append(drafts, append_id=append_id("answered"))


@pytest.fixture
def folder(log: EventLog, tmp_path: Path) -> Path:
    """A folder whose ledger holds Yahoo's five sessions."""
    answered(log)
    return tmp_path


def imported(folder: Path, centavos: Sequence[int] = TRADED, days: Sequence[date] = DAYS) -> None:
    """Import a file of those closes, two months after the last event."""
    lines = [line(day, close=close) for day, close in zip(days, centavos, strict=True)]
    made(folder / "A.TXT", lines, year=days[0].year)
    assert run_main("import-cotahist", "A.TXT", "--clock-ok", cwd=folder, env=NOW).code in {0, 1}  # 1: with jumps


def compared(folder: Path, *args: str) -> Result:
    """Return how `main compare --ticker PETR4` ended, printing JSON."""
    return run_main("compare", "--ticker", "PETR4", *args, "--format", "json", cwd=folder)


def test_providers_that_agree_across_a_split_and_a_dividend_are_exit_0(folder: Path) -> None:
    """The whole object."""
    imported(folder)
    done = compared(folder)
    expected = {
        "ticker": "PETR4.SA", "a": "yfinance", "b": "cotahist", "start": DAYS[0].isoformat(),
        "end": DAYS[4].isoformat(), "sessions": 5, "agreeing": 5, "differing": 0, "only_in_a": 0, "only_in_b": 0,
        "tolerance": 0.01, "worst": [],
    }  # fmt: skip
    assert (0, [expected]) == (done.code, done.lines())


def test_a_difference_is_exit_1_and_listed_worst_first(folder: Path) -> None:
    """In reais, on the basis of the series that is adjusted; a day that one lacks is counted apart."""
    imported(folder, [5506, 5550, 5601, 2800], DAYS[:4])
    done = compared(folder, "--limit", "1")
    (row,) = done.lines()
    assert (1, 4, 2, 2, 1, 0) == (
        done.code,
        row["sessions"],
        row["agreeing"],
        row["differing"],
        row["only_in_a"],
        row["only_in_b"],
    )
    schema = (REPOSITORY / "docs" / "schemas" / "compare.schema.json").read_bytes()
    jsonschema.validate(row, msgspec.json.decode(schema))
    assert [{"date": DAYS[3].isoformat(), "field": "close", "a": 27.9, "b": 28.0, "apart": 0.1}] == row["worst"]


def test_a_person_reads_the_counts_and_then_the_differences(folder: Path) -> None:
    """A line each."""
    imported(folder, [5506, 5550, 5600, 2790, 2810])
    done = run_main("compare", "--ticker", "PETR4", cwd=folder)
    assert [
        (
            f"PETR4.SA yfinance against cotahist, {DAYS[0]} to {DAYS[4]}: 5 sessions in both, 4 agree, 1 differ, "
            "0 only in yfinance, 0 only in cotahist"
        ),
        f"  {DAYS[0]} close: 27.50 in yfinance, 27.53 in cotahist, 0.03 apart",
    ] == done.out.splitlines()


def test_sessions_can_be_bounded(folder: Path) -> None:
    """Both ends included."""
    imported(folder, [9900, 5550, 5600, 2790, 9900])
    done = compared(folder, "--start", DAYS[1].isoformat(), "--end", DAYS[3].isoformat())
    assert (0, [3]) == (done.code, [row["sessions"] for row in done.lines()])


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--ticker", "PETR4"], "got no series of PETR4.SA from cotahist, want one from each provider"),
        (["--ticker", "VALE3"], "got no series of VALE3.SA from yfinance, want one from each provider"),
        (["--ticker", "PETR4", "--b", "yfinance"], "got yfinance as --a and as --b, want two providers"),
        (
            ["--ticker", "PETR4", "--start", "2026-03-03", "--end", "2026-03-02"],
            "got --start 2026-03-03 after --end 2026-03-02, want it on or before",
        ),
    ],
)
def test_nothing_to_compare_is_exit_3(args: list[str], message: str, folder: Path) -> None:
    """One line that says what is missing."""
    done = run_main("compare", *args, cwd=folder)
    assert (3, f"error: {message}") == (done.code, done.err.splitlines()[0])


def test_series_that_share_no_session_are_exit_3(folder: Path) -> None:
    """Whatever each of them holds."""
    imported(folder, [5000], [session(7)])
    done = run_main("compare", "--ticker", "PETR4", cwd=folder)
    message = "error: got no session of PETR4.SA that both yfinance and cotahist hold, want at least one"
    assert (3, message) == (done.code, done.err.splitlines()[0])


def test_a_notebook_gets_what_the_command_prints(folder: Path) -> None:
    """Of the two providers that hold the ticker, or of those named."""
    imported(folder, [5506, 5550, 5601, 2800], DAYS[:4])
    (row,) = compared(folder).lines()
    # The fixture has the ledger itself open.
    shutil.copytree(folder / "dados", folder / "copy")
    with open_ledger(folder / "copy") as ledger:
        found = [ledger.compare("petr4"), ledger.compare("PETR4", a="yfinance", b="cotahist", start=str(DAYS[0]))]
        turned = ledger.compare("PETR4", a="cotahist")
    assert [row, row] == [msgspec.json.decode(msgspec.json.encode(one)) for one in found]
    assert ("cotahist", "yfinance", row["differing"]) == (turned.a, turned.b, turned.differing)


def test_adjusted_closes_and_volumes_are_held_against_ours(folder: Path) -> None:
    """Here Yahoo told of a payment that its own adjusted close knows nothing of; volumes are of the shares of today."""
    imported(folder)
    done = compared(folder, "--field", "adj_close", "--format", "json")
    (row,) = done.lines()
    worst = {"date": DAYS[0].isoformat(), "field": "adj_close", "a": 27.5, "b": 26.0, "apart": 1.5}
    assert (1, 4, [worst]) == (done.code, row["agreeing"], row["worst"])
    volumes = run_main("compare", "--ticker", "PETR4", "--field", "volume", cwd=folder)
    assert f"  {DAYS[0]} volume: 1000 in yfinance, 2000 in cotahist, 1000 apart" in volumes.out.splitlines()


def test_adjusted_closes_of_nobody_are_not_compared(folder: Path) -> None:
    """Two providers as traded, or nothing to adjust by."""
    imported(folder)
    done = compared(folder, "--field", "adj_close", "--a", "cotahist", "--b", "sample")
    assert 3 == done.code
