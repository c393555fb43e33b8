"""Actions, adjusted prices and returns of an imported year, by the exchange's list and a person's word."""

import json
import shutil
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


def sessions(folder: Path, *steps: date) -> None:
    """Make A.TXT of PETR4's sessions, whose count of rights goes up on each of `steps`."""
    rights = {day: 100 + sum(day >= step for step in steps) for day in CLOSES}
    lines = [line(day, "PETR4", close, distribution=rights[day], isin=ISIN) for day, close in CLOSES.items()]
    made(folder / "A.TXT", lines, year=2024)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a ledger of PETR4's last sessions of 2024, and what the exchange lists of it."""
    folder = tmp_path_factory.mktemp("imported")
    sessions(folder, date(2024, 12, 12), date(2024, 12, 26))
    rows = [past("11/12/2024", "PN", "DIVIDENDO", "1,55174293", close="40,59")]
    rows += [past("23/12/2024", "PN", kind, value, close="36,86") for kind, value in PAID]
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


@pytest.fixture(scope="module")
def unnamed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ledger counts a change of rights on 2024-12-20 that nobody names, and one that a person does."""
    folder = tmp_path_factory.mktemp("unnamed")
    sessions(folder, date(2024, 12, 20), date(2024, 12, 26))
    main(folder, "import-cotahist", "A.TXT")
    sheet(folder, "PETR4,2024-12-26,dividend,1.32820661,,,notice")
    return folder


SAID = "3 sessions until 2024-12-12 are not adjusted: nobody knows the size of a change of rights that nobody names"


def test_a_change_of_rights_that_nobody_names_ends_the_adjusted_prices(unnamed: Path) -> None:
    """From the day of the change on all is known, and before it nothing is."""
    done = main(unnamed, "prices", "PETR4", "--adjusted", "--format", "json")
    assert [None] * 3 == [row["adj_close"] for row in done.lines()[:3]]
    assert all(row["factor"] for row in done.lines()[3:])
    assert SAID in done.err
    older = main(unnamed, "prices", "PETR4", "--adjusted", "--end", "2024-12-12")
    assert (3, "") == (older.code, older.out)
    assert "since a change of rights that nobody names, of 2024-12-20, of which nobody knows the size" in older.err
    (gained,) = main(unnamed, "returns", "PETR4", "--format", "json").lines()
    assert ("2024-12-20", "2024-12-26") == (gained["start"], gained["end"])
    across = main(unnamed, "returns", "PETR4", "--from", "2024-12-12", "--format", "json")
    assert (1, None, None) == (across.code, *(across.lines()[0][name] for name in ("price_return", "total_return")))
    assert "nothing is known across a change of rights that nobody names, of 2024-12-20" in across.err


def test_tables_pictures_and_sql_of_adjusted_prices_begin_after_it_too(unnamed: Path, tmp_path: Path) -> None:
    """And each of them says so."""
    done = main(unnamed, "export", "--out", str(tmp_path / "lake"), "--format", "csv")
    (series,) = json.loads((tmp_path / "lake" / "manifest.json").read_text())["series"]
    assert ("2024-12-20", "2024-12-10") == (series["adjusted_since"], series["first"])
    assert "1 of 1 series are not adjusted from their first session on" in done.err
    asked = "select date, adj_close is null as missing from adjusted order by date"
    done = main(unnamed, "sql", asked, "--format", "json")
    assert [True] * 3 + [False] * 3 == [row["missing"] for row in done.lines()]
    assert "1 tickers are not adjusted from their first session on (null there): main actions --disputed" in done.err
    assert "not adjusted" not in main(unnamed, "sql", "select count(*) from prices").err
    done = main(unnamed, "plot", "PETR4", "--adjusted", "--out", str(tmp_path / "a.svg"))
    assert "3 sessions, 2024-12-20 to 2024-12-26" in done.out
    assert "adjusted for all" in done.out
    assert SAID in done.err
    assert "adjusted close" in (tmp_path / "a.svg").read_text()
    done = main(unnamed, "plot", "PETR4", "--adjusted", "--end", "2024-12-12", "--out", str(tmp_path / "b.svg"))
    assert (3, False) == (done.code, (tmp_path / "b.svg").exists())


def test_who_names_the_change_makes_the_series_whole_and_before_it_was_as_it_was(tmp_path: Path, unnamed: Path) -> None:
    """A payment of nothing is a name too, for what is worth nothing."""
    folder = tmp_path / "own"
    shutil.copytree(unnamed, folder)
    before = main(folder, "events", "--limit", "1", "--format", "json").lines()[-1]["seq"]
    sheet(folder, "PETR4,2024-12-20,spin_off,0,,,nothing of value left: notice of 2024-12-18")
    assert all(row["factor"] for row in main(folder, "prices", "PETR4", "--adjusted", "--format", "json").lines())
    assert 0 == main(folder, "actions", "--disputed").code
    then = main(folder, "prices", "PETR4", "--adjusted", "--as-of", str(before), "--format", "json").lines()
    assert [True] * 3 + [False] * 3 == [row["factor"] is None for row in then]
    assert 1 == main(folder, "actions", "--disputed", "--as-of", str(before)).code


def test_a_count_that_a_later_file_corrects_is_the_old_one_as_of_before(tmp_path: Path) -> None:
    """As of any position the exchange's own count is what its files said by then."""
    rights = {day: 100 + (day >= date(2024, 12, 26)) for day in CLOSES}
    lines = [line(day, "PETR4", close, distribution=rights[day], isin=ISIN) for day, close in CLOSES.items()]
    made(tmp_path / "A.TXT", lines, year=2024, made_on=date(2024, 12, 30))
    main(tmp_path, "import-cotahist", "A.TXT")
    sheet(tmp_path, "PETR4,2024-12-26,dividend,1.00,,,notice")
    corrected = [
        line(
            day,
            "PETR4",
            close + (day == date(2024, 12, 23)),
            distribution=rights[day] + (day >= date(2024, 12, 23)),
            isin=ISIN,
        )
        for day, close in CLOSES.items()
    ]
    made(tmp_path / "B.TXT", corrected, year=2024, made_on=date(2024, 12, 31))
    main(tmp_path, "import-cotahist", "B.TXT")
    said = [main(tmp_path, "actions", "--disputed", *args, "--format", "json") for args in ([], ["--as-of", "4"])]
    assert [1, 0] == [done.code for done in said]
    assert ["2024-12-23"] == [row["date"] for row in said[0].lines() if row["family"] == "unnamed"]


@pytest.mark.parametrize("command", [("prices",), ("plot", "--out", "a.png")])
def test_a_ticker_behind_adjusted_is_told_where_it_goes(command: tuple[str, ...], imported: Path) -> None:
    """The option alone is for all actions, and takes the next word where it is one of its own."""
    name, *args = command
    done = main(imported, name, "--adjusted", "PETR4", *args)
    words = f"got 'PETR4', want splits or all, or nothing: main {name} PETR4 --adjusted"
    assert (3, True) == (done.code, words in done.err)
    assert "want one of 'splits', 'all'" in main(imported, name, "--adjusted", "dividends", *args).err


@pytest.mark.parametrize(
    ("close", "quoted", "said"),
    [
        ("40,59", "1", None),
        ("40.590,00", "1000", None),
        ("39,11", "1", "b3 has a close of 39.11 on 2024-12-11, the exchange's prices 40.59"),
        ("quarenta", "1", None),  # none, where it cannot be read
    ],
)
def test_a_close_in_the_history_is_told_where_it_differs_and_never_believed(
    tmp_path: Path, imported: Path, close: str, quoted: str, said: str | None
) -> None:
    """It gives away that the history is another paper's; prices are as they were imported."""
    (tmp_path / "A.TXT").write_bytes((imported / "A.TXT").read_bytes())
    (tmp_path / "PETR.json").write_bytes((imported / "PETR.json").read_bytes())
    value = "1,55174293" if quoted == "1" else "1.551,74293"
    rows = [past("11/12/2024", "PN", "DIVIDENDO", value, quoted=quoted, close=close)]
    rows += [past("23/12/2024", "PN", "DIVIDENDO", "1,32820661", close="36,86")]
    rows += [past("11/12/2024", "ON", "DIVIDENDO", value, close="99,99")]  # of another class
    (tmp_path / "caixa.json").write_text(json.dumps(page(rows)), "utf-8")
    main(tmp_path, "import-cotahist", "A.TXT")
    main(tmp_path, "import-actions", "PETR.json", "caixa.json")
    found = main(tmp_path, "actions", "PETR4", "--disputed", "--format", "json").lines()
    assert ([] if said is None else [said]) == [row["reason"] for row in found]
    (row,) = main(
        tmp_path, "prices", "PETR4", "--start", "2024-12-11", "--end", "2024-12-11", "--format", "json"
    ).lines()
    assert 40.59 == row["close"]


def test_what_a_person_decided_is_listed_and_no_alarm(tmp_path: Path, imported: Path) -> None:
    """Until then health, metrics, alerts, a scrape and a report tell of it, each with a reason; then only the list."""
    for name in ("A.TXT", "PETR.json", "PETR-caixa.json"):
        (tmp_path / name).write_bytes((imported / name).read_bytes())
    told = [past("11/12/2024", "PN", "DIVIDENDO", "1,55174293", close="40,59"), *(
        past("23/12/2024", "PN", "DIVIDENDO", "1,32820661", close="1,00"),
    )]  # fmt: skip
    (tmp_path / "PETR-caixa.json").write_text(json.dumps(page(told)), "utf-8")
    main(tmp_path, "import-cotahist", "A.TXT")
    main(tmp_path, "import-actions", "PETR.json", "PETR-caixa.json")
    words = "corporate actions in doubt: 1 told in two ways, 0 of no known size (main actions --disputed)"
    metrics = main(tmp_path, "metrics", "--ticker", "PETR4", "--format", "json")
    assert (1, f"warning: PETR4.SA: {words}\n") == (metrics.code, metrics.err)
    assert (1, 0, words) == tuple(
        metrics.lines()[-1][name] for name in ("disputed_actions", "unsized_actions", "reason")
    )
    health = main(tmp_path, "health", "--format", "json")
    assert (1, 1, True) == (health.code, health.lines()[0]["disputed_actions"], words in health.err)
    scraped = main(tmp_path, "metrics", "--format", "prometheus").out
    assert "\nb3ledger_disputed_actions 1.0\n" in scraped
    assert "\nb3ledger_unsized_actions 0.0\n" in scraped
    main(tmp_path, "report", "--out", "r.html")
    page_ = (tmp_path / "r.html").read_text("utf-8")
    assert "PETR4.SA in doubt" in page_
    assert "b3 has a close of 1.00 on 2024-12-23" in page_
    # A person's word on that day, and another's beside it.
    sheet(tmp_path, "PETR4,2024-12-26,dividend,1.356891,,,as the notice of 2024-12-20 has it")
    (row,) = main(tmp_path, "actions", "PETR4", "--disputed", "--format", "json").lines()
    assert ("differs", "manual") == (row["state"], row["provider"])
    assert "\nb3ledger_disputed_actions 1.0\n" in main(tmp_path, "metrics", "--format", "prometheus").out


def test_another_size_beside_a_persons_word_is_settled(tmp_path: Path, imported: Path) -> None:
    """The list still shows it; nobody is called for it."""
    for name in ("A.TXT", "PETR.json", "PETR-caixa.json"):
        (tmp_path / name).write_bytes((imported / name).read_bytes())
    main(tmp_path, "import-cotahist", "A.TXT")
    main(tmp_path, "import-actions", "PETR.json", "PETR-caixa.json")
    sheet(tmp_path, "PETR4,2024-12-26,dividend,1.356891,,,as the notice of 2024-12-20 has it")
    assert 1 == main(tmp_path, "actions", "--disputed").code
    assert 0 == main(tmp_path, "health").code
    assert [] == [
        one for one in main(tmp_path, "alerts", "--format", "json").lines() if one["metric"] == "actions.disputed"
    ]


def test_disputed_needs_no_ticker_and_everything_else_does(imported: Path) -> None:
    """A usage error names what is missing."""
    done = main(imported, "actions")
    assert (3, True) == (done.code, "got no ticker" in done.err)
    assert 3 == main(imported, "actions", "PETR4", "--disputed", "--source", "b3").code
    assert "date,kind,amount" in main(imported, "actions", "PETR4", "--format", "csv").out
    assert "ticker,date,family,state" in main(imported, "actions", "--disputed", "--format", "csv").out
