"""`main import-actions` as a person runs it: a process, a folder, a file of actions."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.support.b3_server import B3Server, cash, company, fund, page, past, stock
from tests.support.cli import Result, run_main
from tests.support.cotahist import line, made
from tests.support.oracle import check_home

NOW = {"B3_LEDGER_NOW": "2026-01-05T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}
HEADER = "ticker,ex_date,kind,amount,ratio,label,reason\n"
BONUS = "ITUB4,2025-03-19,bonus,,11:10,BONIFICACAO,absent from the exchange's list\n"
PAID = "PETR4,2024-12-26,dividend,1.32820661,,,three payments of one day\n"


@pytest.fixture(autouse=True)
def _every_ledger_is_whole(tmp_path: Path) -> Iterator[None]:
    """Whatever a test did, what it left behind re-hashes."""
    yield
    check_home(LedgerHome(tmp_path / "dados"))


def main(tmp_path: Path, *args: str) -> Result:
    """Return how a command ended."""
    return run_main(*args, cwd=tmp_path, env=NOW)


def sheet(tmp_path: Path, *lines: str, name: str = "proventos.csv") -> Path:
    """Return a file of these lines under the header."""
    path = tmp_path / name
    path.write_text(HEADER + "".join(lines), "utf-8")
    return path


def size(tmp_path: Path) -> int:
    """Return how many events the ledger holds."""
    with EventLog(LedgerHome(tmp_path / "dados"), now=lambda: 0, readonly=True) as log:
        return log.head().size


def test_a_file_becomes_evidence_and_decisions_and_says_so(tmp_path: Path) -> None:
    """A pair of events per ticker, after the ledger's own; what is recorded is derived again from the file's bytes."""
    path = sheet(tmp_path, BONUS, PAID)
    done = main(tmp_path, "import-actions", path.name, "--format", "json")
    (row,) = done.lines()
    del row["job_id"], row["elapsed_sec"], row["head"]
    expected = {
        "file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "provider": "manual",
        "actions": 2, "tickers": 2, "added": 2, "repeated": 0, "rejected": 0, "flagged": 0,
        "status": "success", "seq": 4, "created": True, "ledger": str(tmp_path / "dados" / "ledger-1"),
    }  # fmt: skip
    assert (0, expected) == (done.code, row)
    assert HEADER + BONUS == main(tmp_path, "events", "show", "1", "--raw").out
    audited = main(tmp_path, "audit", "--format", "json")
    assert (0, 2) == (audited.code, audited.lines()[0]["decisions"])
    assert 0 == main(tmp_path, "verify").code


def test_the_same_file_twice_appends_nothing_under_another_name_too(tmp_path: Path) -> None:
    """It is known by its bytes."""
    main(tmp_path, "import-actions", sheet(tmp_path, BONUS).name)
    done = main(tmp_path, "import-actions", sheet(tmp_path, BONUS, name="other.csv").name)
    assert (0, 3) == (done.code, size(tmp_path))
    assert "other.csv success: all 1 tickers were imported before, nothing appended\n" == done.out


def test_a_newer_file_decides_on_what_it_names_and_leaves_the_rest(tmp_path: Path) -> None:
    """As within any provider; what was believed before stays to be seen."""
    other = "ITUB4,2024-02-22,interest_on_capital,0.5,,,notice\n"
    main(tmp_path, "import-actions", sheet(tmp_path, BONUS, other).name)
    main(tmp_path, "import-actions", sheet(tmp_path, BONUS.replace("11:10", "103:100")).name)
    now = main(tmp_path, "actions", "ITUB4", "--format", "json").lines()
    assert [("2024-02-22", "first"), ("2025-03-19", "correction")] == [(one["date"], one["cause"]) for one in now]
    assert (103, 100, "BONIFICACAO") == tuple(now[1][name] for name in ("numerator", "denominator", "label"))
    before = main(tmp_path, "actions", "ITUB4", "--as-of", "2", "--format", "json").lines()
    assert [11] == [one["numerator"] for one in before if one["kind"] == "bonus"]


def test_a_dry_run_writes_nothing_at_all(tmp_path: Path) -> None:
    """Not even a ledger."""
    done = main(tmp_path, "import-actions", sheet(tmp_path, BONUS).name, "--dry-run", "--format", "json")
    (row,) = done.lines()
    assert (0, "dry_run", 1, None) == (done.code, row["status"], row["added"], row["seq"])
    assert ["proventos.csv"] == [path.name for path in tmp_path.iterdir()]


def test_a_file_with_one_bad_cell_is_refused_whole(tmp_path: Path) -> None:
    """By line and column, before anything of it is appended; other files of the command are imported."""
    sheet(tmp_path, BONUS, PAID.replace("1.32820661", '"1,32820661"'), name="bad.csv")
    done = main(tmp_path, "import-actions", "bad.csv", sheet(tmp_path, BONUS).name, "--format", "json")
    assert (1, ["error", "success"]) == (done.code, [row["status"] for row in done.lines()])
    assert (
        "error: bad.csv: bad-answer: got '1,32820661' in column amount, line 3 of bad.csv, "
        "want a plain decimal above 0, of at most 12 places, below 9223372.036854775808\n"
        "hint: main import-actions --help"
    ) in done.err
    assert (2, 3) == (main(tmp_path, "import-actions", "bad.csv").code, size(tmp_path))


def test_a_file_of_no_action_is_refused(tmp_path: Path) -> None:
    """A header alone says nothing."""
    done = main(tmp_path, "import-actions", sheet(tmp_path).name)
    assert (2, True) == (done.code, "got no action in proventos.csv" in done.err)


def test_what_a_person_brings_raises_no_alarm(tmp_path: Path) -> None:
    """Nobody is late with it, and it hushes nobody."""
    main(tmp_path, "import-actions", sheet(tmp_path, BONUS).name)
    late = {**NOW, "B3_LEDGER_NOW": "2026-03-05T12:00:00Z"}
    assert 0 == run_main("metrics", cwd=tmp_path, env=late).code


PN = "BRPETRACNPR6"


def saved(tmp_path: Path) -> tuple[str, str]:
    """Return the names of a company's supplement and of its history, as they were saved."""
    rows = [past("11/12/2024", "PN", "DIVIDENDO", "1,55174293"), past("11/12/2024", "ON", "DIVIDENDO", "1,55174293")]
    told = company("PETR", "PETROBRAS", stockDividends=[stock("25/04/2008", "DESDOBRAMENTO", "100,0", PN)])
    (tmp_path / "PETR.json").write_text(json.dumps(json.dumps(told)), "utf-8")
    (tmp_path / "PETR-caixa.json").write_text(json.dumps(page(rows)), "utf-8")
    return "PETR.json", "PETR-caixa.json"


def test_the_exchanges_json_is_imported_company_by_company(tmp_path: Path) -> None:
    """A supplement and the pages after it are one answer, of each class that either names."""
    done = main(tmp_path, "import-actions", *saved(tmp_path), sheet(tmp_path, BONUS).name, "--format", "json")
    feed, own = done.lines()
    assert (0, "PETR.json, PETR-caixa.json", "b3", 3, 2) == (
        done.code, feed["file"], feed["provider"], feed["actions"], feed["tickers"],
    )  # fmt: skip
    assert ("manual", 1) == (own["provider"], own["added"])
    rows = main(tmp_path, "actions", "PETR4", "--format", "json").lines()
    assert [("2008-04-28", "split"), ("2024-12-12", "dividend")] == [(one["date"], one["kind"]) for one in rows]
    assert (0, 0) == (main(tmp_path, "verify").code, main(tmp_path, "audit").code)
    again = main(tmp_path, "import-actions", *saved(tmp_path), "--format", "json").lines()
    assert [2] == [one["repeated"] for one in again]


def test_the_exchanges_prices_say_which_isin_is_meant(tmp_path: Path) -> None:
    """Where a file of them was imported; that, and who said so, is recorded with the answer."""
    lines = [line(date(2025, 1, 2), "PETR4", isin="BRPETRA04PR1"), line(date(2025, 1, 3), "PETR4", isin="BRPETRA04PR1")]
    made(tmp_path / "A.TXT", lines)
    told = company(
        "PETR",
        "PETROBRAS",
        stockDividends=[
            stock("25/04/2008", "DESDOBRAMENTO", "100,0", PN),
            stock("25/04/2008", "DESDOBRAMENTO", "300,0", "BRPETRA04PR1"),
        ],
    )
    (tmp_path / "PETR.json").write_text(json.dumps(told), "utf-8")
    main(tmp_path, "import-cotahist", "A.TXT")
    assert 0 == main(tmp_path, "import-actions", "PETR.json").code
    (row,) = main(tmp_path, "actions", "PETR4", "--format", "json").lines()
    assert (4, "BRPETRA04PR1") == (row["numerator"], row["isin"])
    first = main(tmp_path, "events", "show", str(row["seq"] - 1), "--raw").out.splitlines()[0]
    assert ("cotahist", ["BRPETRA04PR1", PN]) == (json.loads(first)["isins_by"], json.loads(first)["isins"])
    assert 0 == main(tmp_path, "audit").code


def test_the_events_of_a_fund_name_it_by_their_isins(tmp_path: Path) -> None:
    """Its code is nowhere else in the file; what its receipts were paid is not its quotas'."""
    rows = [
        cash("31/01/2025", "RENDIMENTO", "1,10000000000", isin, "14/02/2025")
        for isin in ("BRHGLGCTF004", "BRHGLGR14M19")
    ]
    (tmp_path / "HGLG.json").write_text(json.dumps(json.dumps(fund(cashDividends=rows))), "utf-8")
    assert 0 == main(tmp_path, "import-actions", "HGLG.json").code
    (row,) = main(tmp_path, "actions", "HGLG11", "--format", "json").lines()
    assert ("2025-02-03", "income", "RENDIMENTO") == (row["date"], row["kind"], row["label"])


def test_of_a_bdr_only_the_exchanges_prices_tell_which_number_it_has(tmp_path: Path) -> None:
    """Without them nothing is guessed."""
    told = company("AAPL", "APPLE", cashDividends=[cash("12/02/2025", "DIVIDENDO", "0,50000000000", "BRAAPLBDR004")])
    (tmp_path / "AAPL.json").write_text(json.dumps(told), "utf-8")
    refused = main(tmp_path, "import-actions", "AAPL.json")
    assert (2, True) == (refused.code, "want main import-cotahist FILE before it" in refused.err)
    days = [date(2025, 2, 12), date(2025, 2, 13)]
    lines = [
        line(day, "AAPL34", 5000, isin="BRAAPLBDR004", specification="DRN", distribution=100 + (day > days[0]))
        for day in days
    ]
    made(tmp_path / "A.TXT", lines)
    main(tmp_path, "import-cotahist", "A.TXT")
    assert 0 == main(tmp_path, "import-actions", "AAPL.json").code
    (before, _) = main(tmp_path, "prices", "AAPL34", "--adjusted", "--format", "json").lines()
    assert 49.5 == before["adj_close"]
    assert 0 == main(tmp_path, "audit").code


def test_a_history_without_its_company_is_refused(tmp_path: Path) -> None:
    """Nothing in it says whose it is."""
    _, history = saved(tmp_path)
    done = main(tmp_path, "import-actions", history)
    assert (2, True) == (done.code, "got no company with an ISIN in PETR-caixa.json" in done.err)
    (tmp_path / "page.json").write_text("<html>", "utf-8")
    assert 2 == main(tmp_path, "import-actions", "page.json").code


def test_a_text_of_two_companies_is_refused(tmp_path: Path) -> None:
    """It would be the first one's alone, and nobody would hear of the other."""
    rows = [*company("PETR", "PETROBRAS"), *company("VALE", "VALE")]
    (tmp_path / "both.json").write_text(json.dumps(rows), "utf-8")
    done = main(tmp_path, "import-actions", "both.json")
    assert (2, True) == (done.code, "got 2 companies in one text in both.json" in done.err)


def test_the_exchange_is_asked_through_the_main_job(tmp_path: Path) -> None:
    """Evidence first, as of any provider; what it said of a missing action since is flagged, and kept."""
    with B3Server() as server:
        server.now = datetime(2026, 1, 5, 12, tzinfo=UTC)
        server.companies["PETR"] = company(
            "PETR", "PETROBRAS", stockDividends=[stock("25/04/2008", "DESDOBRAMENTO", "100,0", PN)]
        )
        server.history("PETROBRAS", [past("11/12/2024", "PN", "DIVIDENDO", "1,5")])
        env = {**NOW, "B3_BASE_URL": server.url}
        first = run_main("--provider", "b3", "--ticker", "PETR4", "--format", "json", cwd=tmp_path, env=env)
        server.history("PETROBRAS", [past("23/12/2024", "PN", "JRS CAP PROPRIO", "0,7")])
        second = run_main("--provider", "b3", "--ticker", "PETR4", "--format", "json", cwd=tmp_path, env=env)
        unknown = run_main("--provider", "b3", "--ticker", "XXXX3", "--format", "json", cwd=tmp_path, env=env)
    assert (["success"], ["warning"]) == tuple([row["status"] for row in run.lines()] for run in (first, second))
    assert (2, "not-found") == (unknown.code, unknown.lines()[0]["error_kind"])
    rows = main(tmp_path, "actions", "PETR4", "--format", "json").lines()
    assert ["2008-04-28", "2024-12-12", "2024-12-26"] == [row["date"] for row in rows]
    flagged = main(tmp_path, "validation", "PETR4", "--source", "b3", "--format", "json").lines()[-1]["flagged"]
    assert ["got no dividend 1.50, want what is held; kept"] == [one["detail"] for one in flagged]
    late = {**NOW, "B3_LEDGER_NOW": "2026-03-05T12:00:00Z"}
    assert (0, 0) == (main(tmp_path, "audit").code, main(tmp_path, "verify").code)
    assert 2 > run_main("metrics", "--ticker", "PETR4", cwd=tmp_path, env=late).code


def test_a_first_import_of_which_every_file_was_refused_makes_no_ledger(tmp_path: Path) -> None:
    """Exit 2 and `created` false; the first that is read makes it."""
    (tmp_path / "bad.csv").write_text("ticker,kind\nPETR4,nothing\n")
    done = main(tmp_path, "import-actions", "bad.csv", "--format", "json")
    assert (2, [False]) == (done.code, [row["created"] for row in done.lines()])
    assert not (tmp_path / "dados").exists()
