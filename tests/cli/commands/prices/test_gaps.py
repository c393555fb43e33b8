"""What the calendar has and the ledger has not."""

from pathlib import Path

import msgspec

from ledger.values import Window
from tests.cli.retelling import BEFORE, DAYS, LATE, NOW, THEN, TICKER, WHOLE, WINDOW, look, objects
from tests.support.cli import run_main
from tests.support.retold import Retold
from tests.support.sample_ledger import ITUB4
from tests.support.sample_ledger import look as look_at_sample


def test_a_gap_is_printed_with_how_often_it_was_asked_for(tmp_path: Path) -> None:
    """And makes the command exit 1."""
    ledger = Retold(tmp_path, began=THEN)
    for moment in (THEN, NOW):
        ledger.tell(TICKER, BEFORE, WINDOW, moment)
    assert [
        {
            "ticker": TICKER,
            "date": str(LATE),
            "asked": 2,
            "since": "2026-02-12T22:00:00.000000Z",
            "last_asked_at": "2026-02-13T12:00:00.000000Z",
            "rejected": False,
            "rejected_answers": 0,
            "last_rejected_at": None,
            "behind": False,
            "provider": "yfinance",
        }
    ] == objects("gaps", cwd=tmp_path)
    assert 1 == look("gaps", cwd=tmp_path).code


def test_a_series_without_gaps_exits_0(retold: Path) -> None:
    """The late session came, and the withdrawn one is held."""
    result = look("gaps", "--ticker", "petr4", cwd=retold)
    assert (0, "") == (result.code, result.out)


def test_sessions_after_the_last_one_held_are_behind(retold: Path) -> None:
    """Once they are final, asked for or not."""
    result = run_main("gaps", "--format", "json", cwd=retold, env={"B3_LEDGER_NOW": "2026-02-13T22:00:00Z"})
    assert [("2026-02-13", 0, None, True)] == [
        (row["date"], row["asked"], row["since"], row["behind"]) for row in result.lines()
    ]
    assert DAYS[-1].isoformat() == "2026-02-12"


def test_a_rejected_row_leaves_a_gap_that_says_so(sample: Path) -> None:
    """The sample ends when it was made, whatever the clock says."""
    result = run_main("gaps", "--format", "json", cwd=sample, env={"B3_LEDGER_NOW": "2027-01-04T12:00:00Z"})
    assert {(ITUB4, True, False)} == {(row["ticker"], row["rejected"], row["behind"]) for row in result.lines()}
    assert "its row is rejected, asked for 1x since " in look_at_sample("gaps", cwd=sample).out


def test_a_day_whose_whole_answer_was_rejected_was_asked_for(tmp_path: Path) -> None:
    """The series comes no further by it, and nobody is told that nobody asked."""
    ledger = Retold(tmp_path, began=THEN)
    days = msgspec.structs.replace(WHOLE, days=WHOLE.days[:-1])
    ledger.tell(TICKER, days, Window(DAYS[0], DAYS[-2]), THEN)
    ledger.tell(TICKER, msgspec.structs.replace(WHOLE, currency="USD"), WINDOW, THEN)
    told = f"{TICKER:<10}  {DAYS[-1]}  yfinance  the whole answer rejected 1x, last 2026-02-12T22:00:00.000000Z\n"
    assert (1, told) == (look("gaps", cwd=tmp_path).code, look("gaps", cwd=tmp_path).out)
    later = run_main("gaps", cwd=tmp_path, env={"B3_LEDGER_NOW": "2026-02-13T22:00:00Z"}).out
    assert f"{told}{TICKER:<10}  2026-02-13  yfinance  not asked for yet\n" == later
