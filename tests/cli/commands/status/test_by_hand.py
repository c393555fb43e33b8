"""What is brought by hand counts once: a market of a thousand codes prints a page, not a line for each."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ledger.market.sessions import sessions
from ledger.store.home import LedgerHome
from ledger.values import Window
from tests.support.cli import Result, run_main
from tests.support.cotahist import line, made
from tests.support.oracle import check_home

NOW = {"B3_LEDGER_NOW": "2026-01-05T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
JANUARY = sessions(Window(date(2025, 1, 2), date(2025, 1, 31)))
MARCH = sessions(Window(date(2025, 3, 6), date(2025, 3, 31)))
BETWEEN = [day.isoformat() for day in sessions(Window(date(2025, 2, 1), date(2025, 3, 5)))]
OPTIONS = 60


@pytest.fixture
def market(tmp_path: Path) -> Iterator[Path]:
    """A ledger with two months of a market, and the one between them missing."""
    expiries = ("20250117", "20250321")
    lines = [
        line(day, f"PETR{letter}{number}", 100 + number, market="070", expiry=expiry)
        for days, letter, expiry in ((JANUARY[:3], "A", expiries[0]), (MARCH[:2], "C", expiries[1]))
        for number, day in ((number, days[number % len(days)]) for number in range(OPTIONS))
    ]
    share = [line(day) for day in (*JANUARY, *MARCH) if day != JANUARY[5]]
    bad = line(JANUARY[6], "VALE3", 0), *(line(day, "VALE3") for day in JANUARY[:6] + JANUARY[7:])
    for name, month in (("JAN", 1), ("MAR", 3)):
        quotes = [one for one in (*share, *bad, *lines) if one[2:8] == f"2025{month:02}".encode()]
        made(tmp_path / f"{name}.TXT", quotes)
    for name, at in (("JAN", "2026-01-05T11:00:00Z"), ("MAR", NOW["B3_LEDGER_NOW"])):
        env = {**NOW, "B3_LEDGER_NOW": at}
        assert run_main("import-cotahist", f"{name}.TXT", "--market", "all", cwd=tmp_path, env=env).code in {0, 1}
    yield tmp_path
    check_home(LedgerHome(tmp_path / "dados"))


def asked(market: Path, *args: str) -> Result:
    """Return what a command prints of the market, as JSON."""
    return run_main(*args, "--format", "json", cwd=market, env=NOW)


def test_a_session_that_no_file_covers_is_missing_once(market: Path) -> None:
    """Not for each code; an option that expired lacks nothing, nor a share that was not traded."""
    done = asked(market, "gaps")
    assert (1, [(None, day, "cotahist") for day in BETWEEN]) == (
        done.code,
        [(row["ticker"], row["date"], row["provider"]) for row in done.lines()],
    )
    text = run_main("gaps", cwd=market, env=NOW).out.splitlines()
    assert f"all         {BETWEEN[0]}  cotahist  no file covers it" == text[0]


def test_of_a_ticker_its_own_sessions_are_missing(market: Path) -> None:
    """Those that no file covers while it was listed, and a row that was rejected."""
    days = {
        ticker: [row["date"] for row in asked(market, "gaps", "--ticker", ticker).lines()]
        for ticker in ("PETR4", "VALE3", "PETRA0@2025-01-17", "PETRC0@2025-03-21")
    }
    assert {
        "PETR4": BETWEEN,
        "VALE3": [JANUARY[6].isoformat(), *BETWEEN],
        "PETRA0@2025-01-17": [],
        "PETRC0@2025-03-21": [],
    } == days


def test_metrics_have_one_line_for_it(market: Path) -> None:
    """Of its last file, and of all its tickers; each of them can be asked for."""
    (row,) = asked(market, "metrics").lines()
    assert (None, 2 * OPTIONS + 2, "cotahist", len(BETWEEN), MARCH[-1].isoformat()) == (
        row["ticker"],
        row["tickers"],
        row["provider"],
        row["missing"],
        row["last_date"],
    )
    assert len(MARCH) + OPTIONS == row["rows_fetched"]
    (own,) = asked(market, "metrics", "--ticker", "PETRC0@2025-03-21").lines()
    assert ("PETRC0@2025-03-21.SA", 1, 1) == (own["ticker"], own["tickers"], own["rows_total"])
    page = run_main("metrics", "--format", "prometheus", cwd=market, env=NOW).out.splitlines()
    held = [sample for sample in page if sample.startswith("b3ledger_held_rows{")]
    runs = [sample for sample in page if sample.startswith("b3ledger_ingest_runs_total{")]
    assert ['b3ledger_held_rows{provider="cotahist",ticker=""} ' + str(float(row["rows_total"]))] == held
    assert all('ticker=""' in sample for sample in runs)
    (health,) = asked(market, "health").lines()
    assert len(BETWEEN) == health["missing_sessions"]
    assert len(run_main("metrics", cwd=market, env=NOW).out.splitlines()) == 1


def test_a_report_has_sections_of_the_papers_and_counts_the_rest(market: Path) -> None:
    """A month of the whole market was three megabytes; who names contracts gets a section of each."""
    page = run_main("report", "--out", "-", cwd=market, env=NOW).out
    sections = dict(re.findall(r'href="#(ticker-[0-9]+)">([^<]+)<', page))
    assert ({"PETR4.SA", "VALE3.SA"} <= set(sections.values()), 20) == (True, len(sections))
    assert 20 == len(re.findall(r'id="ticker-[0-9]+"', page))
    assert f"{2 + 2 * OPTIONS - 20} more tickers of files brought by hand have no section here" in page
    named = [f"PETRC{number}@2025-03-21.SA" for number in range(21)]
    args = [word for name in named for word in ("--ticker", name)]
    page = run_main("report", *args, "--out", "-", cwd=market, env=NOW).out
    assert sorted(named) == sorted(dict(re.findall(r'href="#(ticker-[0-9]+)">([^<]+)<', page)).values())
    assert "have no section here" not in page
