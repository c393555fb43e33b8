"""`main retire` records that a series ended: no alarm, no gap after that day, its prices joined to its next code."""

from pathlib import Path

import pytest

from tests.support import sample_ledger
from tests.support.cli import Result, run_main
from tests.support.sample_ledger import EVENTS, ITUB4, PETR4, look

LATE = {"B3_LEDGER_NOW": "2026-03-06T23:00:00Z"}
ENDED = ("retire", "PETR4", "--on", "2026-02-13")
WHY = ("--reason", "it was renamed")


def later(*args: str, cwd: Path) -> Result:
    """Run `main` three weeks after the sample was ingested."""
    return run_main(*args, cwd=cwd, env=LATE)


@pytest.fixture
def held(tmp_path: Path) -> Path:
    """A folder with the sample's ledger that may be written to."""
    sample_ledger.make(tmp_path)
    return tmp_path


def test_what_is_recorded_is_printed_and_the_same_again_is_not_recorded(held: Path) -> None:
    """One event more, then none; another fact about it is another event."""
    first, again, other = (
        look(*ENDED, "--into", into, *ratio, *WHY, "--format", "json", cwd=held).lines()[0]
        for into, ratio in (("itub4", ("--ratio", "1:2")), ("ITUB4", ("--ratio", "1:2")), ("ITUB4", ()))
    )
    expected = {
        "ticker": PETR4,
        "on": "2026-02-13",
        "into": ITUB4,
        "numerator": 1,
        "denominator": 2,
        "reason": "it was renamed",
        "undone": False,
        "seq": EVENTS,
        "head": first["head"],
    }
    assert (expected, expected | {"seq": None}) == (first, again)
    assert (EVENTS + 1, None) == (other["seq"], other["numerator"])


def test_a_retired_series_is_no_alarm_until_that_is_undone(held: Path) -> None:
    """Exit code, severity and sessions behind of metrics; all as before once it is undone."""

    def found() -> tuple[int, object, object]:
        metrics = later("metrics", "--ticker", PETR4, "--format", "json", cwd=held)
        (row,) = metrics.lines()
        return metrics.code, row["severity"], row["sessions_behind"]

    before = found()
    later(*ENDED, *WHY, cwd=held)
    retired = found()
    undone = later("retire", "PETR4", "--undo", *WHY, cwd=held)
    assert (before, retired, before) == ((2, "critical", 13), (0, "ok", 0), found())
    assert (0, f"{PETR4} goes on: its end on 2026-02-13 is undone; recorded at seq {EVENTS + 1}\n") == (
        undone.code,
        undone.out,
    )


def test_no_session_after_the_end_is_missing(held: Path) -> None:
    """Neither in gaps nor in the count of metrics; those before it stay."""

    def found() -> tuple[list[str], int]:
        days = [gap["date"] for gap in look("gaps", "ITUB4", "--format", "json", cwd=held).lines()]
        (row,) = look("metrics", "--ticker", ITUB4, "--format", "json", cwd=held).lines()
        return days, row["missing"]

    days, missing = found()
    look("retire", "ITUB4", "--on", days[0], *WHY, cwd=held)
    assert (3, 3, (days[:1], 1)) == (len(days), missing, found())


def test_health_and_prometheus_have_no_alarm_of_a_retired_series(held: Path) -> None:
    """Once all that is late is retired; nothing is left that grows with time."""
    for ticker in (PETR4, ITUB4):
        later("retire", ticker, "--on", "2026-02-13", *WHY, cwd=held)
    page = later("metrics", "--format", "prometheus", cwd=held)
    assert (0, 0) == (later("health", cwd=held).code, page.code)
    assert 'b3ledger_retired{ticker="PETR4.SA"} 1.0' in page.out
    assert "b3ledger_ingest_lag_seconds{" not in page.out
    assert "Retired: 2026-02-13" in later("metrics", cwd=held).out


def test_a_file_of_tickers_asks_for_a_retired_one_only_where_it_is_named(held: Path) -> None:
    """A line on stderr says which was left out, and how to ask for it."""
    look(*ENDED, *WHY, cwd=held)
    (held / "list.txt").write_text("PETR4\n")
    listed = look("--no-network", "--tickers-file", "list.txt", cwd=held)
    named = look("--no-network", "--tickers-file", "list.txt", "--ticker", "PETR4", cwd=held)
    note = "note: not asked for, as retired: PETR4.SA (ended 2026-02-13); name one with --ticker to ask for it\n"
    assert (Result(0, "", note), 0, True) == (listed, named.code, named.out.startswith("PETR4.SA success"))


def test_continued_prices_join_both_codes_on_the_newest_ones_scale(held: Path) -> None:
    """Half a share of ITUB4 for one of PETR4: the older code's prices double, its volume halves."""
    look("retire", "PETR4", "--on", "2026-01-30", "--into", "ITUB4", "--ratio", "1:2", *WHY, cwd=held)
    span = ("--start", "2026-01-29", "--end", "2026-02-03", "--format", "json")
    joined = look("prices", "ITUB4", "--continued", *span, cwd=held).lines()
    assert joined == look("prices", "PETR4", "--continued", *span, cwd=held).lines()
    days = {"2026-01-29": PETR4, "2026-01-30": PETR4, "2026-02-02": ITUB4, "2026-02-03": ITUB4}
    assert days == {row["date"]: row["ticker"] for row in joined}
    alone = look("prices", "PETR4", *span, cwd=held).lines()
    doubled = [(round(row["close"] * 2, 6), row["volume"] // 2) for row in alone[:2]]
    assert doubled == [(row["close"], row["volume"]) for row in joined[:2]]
    before = look("prices", "ITUB4", "--continued", "--as-of", str(EVENTS - 1), *span, cwd=held).lines()
    assert [ITUB4] * 4 == [row["ticker"] for row in before]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("retire", "PETR4", *WHY), "got no --on"),
        ((*ENDED, "--reason", " "), "got an empty --reason"),
        ((*ENDED, "--ratio", "1:2", *WHY), "got --ratio without --into"),
        ((*ENDED, "--into", "ITUB4", "--ratio", "1:0", *WHY), "want two whole numbers above 0"),
        ((*ENDED, "--into", "PETR4", *WHY), "which leads back to PETR4.SA"),
        ((*ENDED, "--undo", *WHY), "want it alone"),
        (("retire", "PETR4", "--on", "2026-02-14", *WHY), "got --on 2026-02-14 after today"),
        (
            ("retire", "PETR4", "--undo", *WHY),
            "got no end of PETR4.SA in force, want one to undo\nhint: main events",
        ),
        (("retire", "VALE3", "--on", "2026-02-13", *WHY), "got no ingest of VALE3.SA"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_appended(args: tuple[str, ...], words: str, sample: Path) -> None:
    """Exit 3, and the log as it was."""
    before = sample_ledger.kept(sample)
    found = look(*args, cwd=sample)
    assert (3, True, before) == (found.code, words in found.err, sample_ledger.kept(sample)), found.err


def test_two_codes_that_each_go_on_as_the_other_are_refused(held: Path) -> None:
    """Nobody could say which is the newest."""
    look(*ENDED, "--into", "ITUB4", *WHY, cwd=held)
    found = look("retire", "ITUB4", "--on", "2026-02-13", "--into", "PETR4", *WHY, cwd=held)
    assert (3, True) == (found.code, "leads back to ITUB4.SA" in found.err)
