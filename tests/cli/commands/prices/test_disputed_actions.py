"""Actions, adjusted prices and returns of an imported year, by the exchange's list and a person's word."""

import json
from datetime import date
from pathlib import Path

import pytest

from tests.support.b3_server import company, page, past, stock
from tests.support.cli import Result, run_main
from tests.support.cotahist import line, made

NOW = {"B3_LEDGER_NOW": "2025-01-10T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
ISIN = "BRPETRACNPR6"
CLOSES = {
    date(2024, 12, 10): 4100,
    date(2024, 12, 11): 4059,
    date(2024, 12, 12): 3834,
    date(2024, 12, 20): 3700,
    date(2024, 12, 23): 3686,
    date(2024, 12, 26): 3577,
}
HEADER = "ticker,ex_date,kind,amount,ratio,label,reason\n"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger of PETR4's last sessions of 2024, and what the exchange lists of it."""
    folder = tmp_path_factory.mktemp("imported")
    rights = {day: 100 + (day >= date(2024, 12, 12)) + (day >= date(2024, 12, 26)) for day in CLOSES}
    lines = [line(day, "PETR4", close, distribution=rights[day], isin=ISIN) for day, close in CLOSES.items()]
    made(folder / "A.TXT", lines, year=2024)
    rows = [past("11/12/2024", "PN", "DIVIDENDO", "1,55174293")]
    rows += [past("23/12/2024", "PN", kind, value) for kind, value in PAID]
    told = company("PETR", "PETROBRAS", stockDividends=[stock("25/04/2008", "DESDOBRAMENTO", "100,0", ISIN)])
    (folder / "PETR.json").write_text(json.dumps(told), "utf-8")
    (folder / "PETR-caixa.json").write_text(json.dumps(page(rows)), "utf-8")
    for words in (("import-cotahist", "A.TXT"), ("import-actions", "PETR.json", "PETR-caixa.json")):
        assert run_main(*words, cwd=folder, env=NOW).code in {0, 1}
    return folder


PAID = (("DIVIDENDO", "0,65356508"), ("JRS CAP PROPRIO", "0,66410331"), ("RENDIMENTO", "0,01053822"))


def main(folder: Path, *args: str, **env: str) -> Result:
    """Return how a command ended."""
    return run_main(*args, cwd=folder, env={**NOW, **env})


def sheet(folder: Path, *lines: str) -> None:
    """Import a person's lines."""
    (folder / "own.csv").write_text(HEADER + "".join(f"{one}\n" for one in lines), "utf-8")
    assert 0 == main(folder, "import-actions", "own.csv").code


def test_a_series_as_traded_is_adjusted_by_the_exchanges_list(imported: Path) -> None:
    """To the digit: .96177031 and .96396618, multiplied."""
    rows = main(imported, "prices", "PETR4", "--adjusted", "--format", "json").lines()
    factors = {row["date"]: row["factor"] for row in rows}
    assert (0.96396618, 1.0) == (round(factors["2024-12-20"], 8), factors["2024-12-26"])
    assert round((1 - 1.55174293 / 40.59) * (1 - 1.32820661 / 36.86), 12) == round(factors["2024-12-11"], 12)
    split = main(imported, "prices", "PETR4", "--adjusted", "splits", "--format", "json").lines()
    assert {1.0} == {row["factor"] for row in split}


@pytest.mark.parametrize(
    ("first", "last", "total"), [("2024-12-11", "2024-12-12", -1.78865), ("2024-12-23", "2024-12-26", 0.67040)]
)
def test_the_return_of_an_ex_day_is_the_exchanges(imported: Path, first: str, last: str, total: float) -> None:
    """Price and total side by side."""
    (row,) = main(imported, "returns", "PETR4", "--from", first, "--to", last, "--format", "json").lines()
    assert (1, total) == (row["sessions"], round(row["total_return"] * 100, 5))
    assert row["price_return"] < row["total_return"]


def test_returns_stand_beside_those_of_another(imported: Path) -> None:
    """Here of itself: nothing is gained by it."""
    (row,) = main(imported, "returns", "PETR4", "--against", "PETR4", "--format", "json").lines()
    assert ("PETR4.SA", 0.0) == (row["against"], row["excess"])
    assert "ticker,provider,start,end,sessions" in main(imported, "returns", "--format", "csv").out
    assert 3 == main(imported, "returns", "PETR4", "--from", "2024-12-26").code


def test_what_only_the_list_tells_is_not_in_doubt(imported: Path) -> None:
    """And that is said."""
    done = main(imported, "actions", "--disputed")
    assert (0, "") == (done.code, done.out)
    assert "0 in doubt; 0 told alike, 3 by one witness alone, of 1 tickers" in done.err


def test_a_persons_word_makes_a_witness_more(imported: Path, tmp_path: Path) -> None:
    """Another size differs, and counts; one of no size ends the series, until a person sizes it."""
    folder = tmp_path / "own"
    folder.mkdir()
    for name in ("A.TXT", "PETR.json", "PETR-caixa.json"):
        (folder / name).write_bytes((imported / name).read_bytes())
    main(folder, "import-cotahist", "A.TXT")
    main(folder, "import-actions", "PETR.json", "PETR-caixa.json")
    sheet(
        folder,
        "PETR4,2024-12-26,dividend,1.356891,,,as the daily provider has it",
        "PETR4,2024-12-12,spin_off,,,CIS,notice",
    )
    done = main(folder, "actions", "PETR4", "--disputed", "--format", "json")
    (spun, paid) = done.lines()
    assert (1, "unsized", "differs", "manual") == (done.code, spun["state"], paid["state"], paid["provider"])
    assert {"manual": "1.356891", "b3": "1.32820661"} == paid["told"]
    assert "b3 has another size" == paid["reason"]
    rows = main(folder, "prices", "PETR4", "--adjusted", "--format", "json")
    assert [True, True, False] == [row["factor"] is None for row in rows.lines()[:3]]
    assert "2 sessions until 2024-12-11 are not adjusted: nobody knows the size of CIS of 2024-12-12" in rows.err
    across = main(folder, "returns", "PETR4", "--from", "2024-12-10", "--format", "json")
    assert (1, None) == (across.code, across.lines()[0]["total_return"])
    own = main(folder, "returns", "PETR4", "--from", "2024-12-23", "--format", "json", ACTION_SOURCES="b3").lines()
    assert 0.67040 == round(own[0]["total_return"] * 100, 5)
    # As of before the person's word all is as it was; with a value the series is whole again.
    before = main(folder, "prices", "PETR4", "--adjusted", "--as-of", "4", "--format", "json").lines()
    assert all(row["factor"] for row in before)
    sheet(folder, "PETR4,2024-12-12,spin_off,1.00,,CIS,value of the day")
    rows = main(folder, "prices", "PETR4", "--adjusted", "--format", "json")
    assert all(row["factor"] for row in rows.lines())
    assert (0, 0) == (main(folder, "audit").code, main(folder, "verify").code)


def test_a_raw_price_never_goes_by_an_adjusted_name(tmp_path: Path) -> None:
    """Where no action is known it says what to import."""
    made(tmp_path / "A.TXT", [line(day, "PETR4", close) for day, close in CLOSES.items()], year=2024)
    main(tmp_path, "import-cotahist", "A.TXT")
    done = main(tmp_path, "prices", "PETR4", "--adjusted")
    assert (3, "") == (done.code, done.out)
    assert "got no corporate actions to adjust PETR4.SA by, want some: main import-actions FILE" in done.err
    assert 1 == main(tmp_path, "returns", "PETR4").code


def test_a_change_of_rights_that_nobody_names_is_an_action_of_no_size(tmp_path: Path) -> None:
    """By the exchange's own count; an update in name alone is none, and what is named is confirmed by it."""
    days = list(CLOSES)
    marks = [(100, "PN"), (100, "PN"), (101, "PN  ED"), (101, "PN  ED"), (102, "PN  ATZ"), (103, "PN  EB")]
    lines = [
        line(day, "PETR4", CLOSES[day], distribution=count, isin=ISIN, specification=mark)
        for day, (count, mark) in zip(days, marks, strict=True)
    ]
    made(tmp_path / "A.TXT", lines, year=2024)
    main(tmp_path, "import-cotahist", "A.TXT")
    sheet(tmp_path, "PETR4,2024-12-12,dividend,1.55,,,notice", "PETR4,2024-12-20,dividend,0.10,,,notice")
    done = main(tmp_path, "actions", "PETR4", "--disputed", "--format", "json")
    found = [(row["date"], row["family"], row["state"]) for row in done.lines()]
    assert (1, [("2024-12-20", "cash", "differs"), ("2024-12-26", "unnamed", "unsized")]) == (done.code, found)
    assert "nobody names it" in done.lines()[1]["reason"]
    alarm = next(
        one for one in main(tmp_path, "alerts", "--format", "json").lines() if one["metric"] == "actions.disputed"
    )
    assert (2, 0, "warning") == (alarm["value"], alarm["threshold"], alarm["severity"])
    assert "\nb3ledger_disputed_actions 2.0\n" in main(tmp_path, "metrics", "--format", "prometheus").out


def test_disputed_needs_no_ticker_and_everything_else_does(imported: Path) -> None:
    """A usage error names what is missing."""
    done = main(imported, "actions")
    assert (3, True) == (done.code, "got no ticker" in done.err)
    assert 3 == main(imported, "actions", "PETR4", "--disputed", "--source", "b3").code
    assert "date,kind,amount" in main(imported, "actions", "PETR4", "--format", "csv").out
    assert "ticker,date,family,state" in main(imported, "actions", "--disputed", "--format", "csv").out
