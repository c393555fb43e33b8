"""What every witness tells of a ticker's actions is seen wherever they are: listed, drawn, exported, alarmed of."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ledger.market.sessions import sessions
from ledger.values import Window
from projections import open_ledger
from projections.fold.keys import text_key
from tests.projections.store.test_commitments import DECIDED, NEWEST
from tests.projections.store.test_mending import database, flip
from tests.support.cli import Result, run_main
from tests.support.cotahist import line, made
from tests.support.yahoo_series import Series, flat
from tests.support.yahoo_server import YahooServer

DAYS = sessions(Window(date(2026, 1, 2), date(2026, 2, 13)))
ASKED_SINCE, EX_DATE = DAYS[8], DAYS[20]
SOURCES = ("yfinance", "cotahist")
HEADER = "ticker,ex_date,kind,amount,ratio,reason\n"


@pytest.fixture(scope="module")
def server() -> Iterator[YahooServer]:
    """A daily provider that was asked from the ninth session on, and knows of no payment."""
    with YahooServer() as server:
        server.now = datetime(2026, 2, 14, 12, tzinfo=UTC)
        rows = tuple(flat(day, 30.0 if day < EX_DATE else 29.5) for day in DAYS if day >= ASKED_SINCE)
        server.series["PETR4.SA"] = server.series["VALE3.SA"] = Series(days=rows)
        yield server


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, server: YahooServer) -> Path:
    """A ledger of what it answers, and of the exchange's file, by which rights of PETR4 changed on two days.

    One of them is from before the daily provider was asked. VALE3 is the daily provider's alone.
    """
    folder = tmp_path_factory.mktemp("two")
    closes = ((day, 3000 if day < EX_DATE else 2950, 100 + (day >= DAYS[4]) + (day >= EX_DATE)) for day in DAYS)
    made(
        folder / "A.TXT",
        [line(day, "PETR4", close, distribution=count) for day, close, count in closes],
        year=2026,
        made_on=date(2026, 2, 14),
    )
    assert main(folder, server, "import-cotahist", "A.TXT").code in {0, 1}
    asked = ("--ticker", "PETR4", "--ticker", "VALE3", "--start", ASKED_SINCE.isoformat())
    assert 0 == main(folder, server, *asked).code
    return folder


def main(folder: Path, server: YahooServer, *args: str) -> Result:
    """Return how a command ended."""
    return run_main(*args, cwd=folder, env={"YAHOO_BASE_URL": server.url, "B3_LEDGER_NOW": "2026-02-14T12:00:00Z"})


def test_the_exchanges_count_is_a_witness_beside_the_daily_provider_alone(two: Path, server: YahooServer) -> None:
    """From when that one was asked on, whether or not the ticker is named, and wherever doubts are counted."""
    of_all = main(two, server, "actions", "--disputed", "--format", "json")
    assert [("PETR4.SA", EX_DATE.isoformat(), "unsized")] == [
        (row["ticker"], row["date"], row["state"]) for row in of_all.lines()
    ]
    assert (1, of_all.out) == (of_all.code, main(two, server, "actions", "PETR4", "--disputed", "--format", "json").out)
    adjusted = main(two, server, "prices", "PETR4", "--adjusted", "--format", "json").lines()
    assert {EX_DATE.isoformat()} == {min(row["date"] for row in adjusted if row["factor"] is not None)}
    (health,) = main(two, server, "health", "--format", "json").lines()
    assert (1, "warning") == (health["disputed_actions"], health["status"])
    (alert,) = main(two, server, "alerts", "--format", "json").lines()
    assert ("actions.disputed", 1) == (alert["metric"], alert["value"])


@pytest.mark.parametrize("fault", ["flipped", "removed", "uncounted"])
def test_the_only_decision_of_a_provider_of_actions_alone_is_not_lost(
    two: Path, server: YahooServer, tmp_path: Path, fault: str
) -> None:
    """Nothing else is stored of it: what is listed by its decisions alone would be listed by nobody."""
    folder = shutil.copytree(two, tmp_path / "two")
    (folder / "own.csv").write_text(f"{HEADER}PETR4,{EX_DATE},dividend,0.50,,notice\n", "utf-8")
    assert 0 == main(folder, server, "import-actions", "own.csv").code
    asked = ("actions", "PETR4", "--format", "json"), ("prices", "PETR4", "--adjusted", "--format", "json")
    want = [main(folder, server, *words) for words in asked]
    assert ["manual"] == [row["provider"] for row in want[0].lines()]
    (ledger,) = (folder / "dados").glob("ledger-*")
    manual = text_key("PETR4.SA", "manual")
    with database(ledger) as txn:
        (decided,) = (bytes(key) for key, _ in txn.cursor() if key.startswith(DECIDED + manual))
        if fault != "flipped":
            assert txn.delete(decided if fault == "removed" else NEWEST + manual)
    if fault == "flipped":
        flip(ledger, decided, bit=8 * 4 + 1)
    found = [main(folder, server, *words) for words in asked]
    assert [one.out for one in want] == [one.out for one in found]
    assert 1 == sum("stored read models" in one.err for one in found)


def test_what_prices_are_adjusted_by_is_drawn_and_exported(
    two: Path, server: YahooServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whomever it is told: what counts is in pictures, in the report and in the files of an export."""
    folder = shutil.copytree(two, tmp_path / "two")
    lines = (f"PETR4,{EX_DATE},dividend,0.50,,notice", f"PETR4,{DAYS[0]},split,,2:1,before the prices of the picture")
    (folder / "own.csv").write_text(HEADER + "\n".join(lines), "utf-8")
    assert 0 == main(folder, server, "import-actions", "own.csv").code
    plotted = [main(folder, server, "plot", "PETR4", "--source", name, "--out", "p.svg") for name in SOURCES]
    drawn = [one.out.partition("missing 0, ")[2].partition(",")[0].strip() for one in plotted]
    assert ["actions 1; yfinance", "actions 2; cotahist"] == drawn
    for name in SOURCES:
        out = main(folder, server, "export", "PETR4", "--source", name, "--format", "csv", "--out", name).out
        assert f"{name}: tickers 1, prices {len(DAYS) if name == 'cotahist' else len(DAYS) - 8}, actions 2" in out
        told = (folder / name / "actions/actions.csv").read_text("utf-8").splitlines()
        assert [",manual,", ",manual,"] == [row[row.index(",manual,") :][:8] for row in told[1:]]
    main(folder, server, "report", "PETR4", "--out", "r.html")
    page = (folder / "r.html").read_text("utf-8")
    assert all(words in page for words in ("Corporate actions of PETR4.SA", "0.50", "1 to 2"))
    monkeypatch.chdir(folder)
    with open_ledger("dados") as ledger:
        days = ledger.actions(["PETR4", "PETR4.SA"]).rows()
        assert [DAYS[0], EX_DATE] == [one.date for one in days]
        assert () == ledger.actions("PETR4", source="yfinance").rows()
