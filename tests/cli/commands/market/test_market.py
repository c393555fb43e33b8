"""`main market` prints every instrument of a session, each field as the exchange's file has it."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.market.ticker import short
from tests.support import sample_ledger
from tests.support.cli import run_main
from tests.support.exchange import records

DAY = date(2025, 3, 7)
MARKET = ("market", "--on", DAY.isoformat())


def reais(micros: int | None) -> float | None:
    """Return millionths as JSON has them."""
    return None if micros is None else float(Decimal(micros) / 1_000_000)


def expected(record: dict[str, Any]) -> dict[str, Any]:
    """Return what is printed of a record, of the fields that are the same for every instrument."""
    prices = {"open": "PREABE", "high": "PREMAX", "low": "PREMIN", "close": "PREULT", "average": "PREMED"}
    offers = {"bid": "PREOFC", "ask": "PREOFV"}
    same = {
        "trades": "TOTNEG",
        "volume": "QUATOT",
        "isin": "CODISI",
        "name": "NOMRES",
        "specification": "ESPECI",
        "market": "TPMERC",
        "bdi": "CODBDI",
        "currency": "MODREF",
        "factor": "FATCOT",
        "distribution": "DISMES",
        "correction": "INDOPC",
        "term": "PRAZOT",
    }
    return {
        **{name: reais(record[field]) for name, field in prices.items()},
        **{name: reais(record[field] or None) for name, field in offers.items()},
        **{name: record[field] for name, field in same.items()},
        "value": reais(record["VOLTOT"]),
        "strike": reais(record["PREEXE"]),
        "strike_points": reais(record["PTOEXE"] or None),
        "expiry": None if record["DATVEN"] is None else record["DATVEN"].isoformat(),
    }


def test_every_field_of_every_instrument_is_that_of_the_file(exchange: Path) -> None:
    """The whole market of a session against a parse of the tests' own: none is missing, none is there twice."""
    rows = run_main(*MARKET, "--sort", "ticker", "--format", "json", cwd=exchange).lines()
    by_line = {(one["CODNEG"], one["TPMERC"], one["PRAZOT"]): expected(one) for one in records(DAY)}
    found = {(code(row["ticker"]), row["market"], row["term"]): row for row in rows}
    assert len(rows) == len(found) == len(by_line)
    assert by_line == {key: {name: row[name] for name in by_line[key]} for key, row in found.items()}
    assert {DAY.isoformat()} == {row["date"] for row in rows}


def code(ticker: str) -> str:
    """Return the exchange's code of a ticker."""
    return short(ticker).partition("@")[0]


def test_rows_are_sorted_limited_and_narrowed(exchange: Path) -> None:
    """The most traded first, or by another field; by class and by market; words about it on stderr."""
    done = run_main(*MARKET, "--class", "share", "--market", "010", "--limit", "3", "--format", "json", cwd=exchange)
    of_file = sorted((one for one in records(DAY) if is_share(one)), key=lambda one: -one["VOLTOT"])
    assert [f"{one['CODNEG']}.SA" for one in of_file[:3]] == [row["ticker"] for row in done.lines()]
    assert f"3 of {len(records(DAY))} instruments" in done.err
    done = run_main(*MARKET, "--class", "share", "--market", "010", "--sort", "name", "--format", "csv", cwd=exchange)
    header, *lines = done.out.splitlines()
    names = [line.split(",")[header.split(",").index("name")] for line in lines]
    assert sorted(one["NOMRES"] for one in of_file) == names


def is_share(record: dict[str, Any]) -> bool:
    """Return whether a record is of a share's standard lot."""
    return bool(record["TPMERC"] == "010" and record["CODISI"][6:9] == "ACN")


def test_text_is_a_line_an_instrument(exchange: Path) -> None:
    """Under a heading on stderr."""
    done = run_main(*MARKET, "--class", "fii", cwd=exchange)
    funds = [one for one in records(DAY) if one["CODBDI"] == "12"]
    assert (0, len(funds)) == (done.code, len(done.out.splitlines()))
    assert "ticker" in done.err
    assert all(f"{one['CODNEG']}.SA" in done.out for one in funds)


def test_another_position_shows_what_was_known_then(exchange: Path) -> None:
    """Before the file of March was imported, nothing of March."""
    events = run_main("events", "--type", "fetch.succeeded", "--format", "json", cwd=exchange).lines()
    first = run_main(*MARKET, "--as-of", str(events[0]["seq"] + 1), cwd=exchange)
    assert 3 == first.code
    assert f"error: got no instrument traded on {DAY}, want a file of the exchange's that has one" in first.err
    assert f"hint: main import-cotahist --market all --download {DAY}" in first.err


def test_a_backup_shows_the_same(exchange: Path, tmp_path: Path) -> None:
    """Folded in memory, as a database's read models are."""
    archive = tmp_path / "a.db"
    assert 0 == run_main("backup", "--create", "--out", str(archive), cwd=exchange).code
    args = (*MARKET, "--format", "json")
    assert run_main(*args, cwd=exchange).out == run_main(*args, "--ledger", str(archive), cwd=tmp_path).out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--on", "2025-03-08"), "got --on 2025-03-08, when B3 was closed, want a session such as 2025-03-07"),
        (("--on", "2025-03-07", "--market", "999"), "none of what was asked for"),
        (("--on", "2025-04-07"), "got no instrument traded on 2025-04-07"),
    ],
)
def test_nothing_to_show_is_said(args: tuple[str, ...], words: str, exchange: Path) -> None:
    """With exit code 3, and nothing on stdout."""
    done = run_main("market", *args, cwd=exchange)
    assert (3, "") == (done.code, done.out)
    assert words in done.err


def test_a_ledger_without_the_exchanges_files_says_which_command_brings_one(tmp_path: Path) -> None:
    """The sample has bars alone."""
    sample_ledger.make(tmp_path)
    done = sample_ledger.look("market", "--on", "2026-02-13", cwd=tmp_path)
    assert 3 == done.code
    assert "hint: main import-cotahist --market all --download 2026-02-13" in done.err
    done = sample_ledger.look("prices", "--ticker", "PETR4", "--fields", cwd=tmp_path)
    assert 3 == done.code
    assert "got nothing but bars of PETR4.SA from sample" in done.err


def test_prices_have_every_field_where_they_are_asked_for(exchange: Path) -> None:
    """The same rows as the market's, session by session; and they go in no company of adjusted prices."""
    done = run_main("prices", "ZAAB3", "--fields", "--format", "json", cwd=exchange)
    (row,) = [row for row in done.lines() if row["date"] == DAY.isoformat()]
    market = run_main(*MARKET, "--class", "share", "--format", "json", cwd=exchange).lines()
    assert [row] == [one for one in market if one["ticker"] == "ZAAB3.SA"]
    done = run_main("prices", "ZAAB3", "--fields", "--start", "2025-03-07", "--end", "2025-03-07", cwd=exchange)
    assert 1 == len(done.out.splitlines())
    assert f"{row['value']:.2f}" in done.out
    assert "specification" in done.err
    assert 3 == run_main("prices", "ZAAB3", "--fields", "--adjusted", cwd=exchange).code


def test_a_retired_series_is_left_out_unless_it_is_asked_for(exchange: Path, tmp_path: Path) -> None:
    """What a person recorded as ended."""
    archive = tmp_path / "a.db"
    run_main("backup", "--create", "--out", str(archive), cwd=exchange)
    run_main("backup", "--restore", "--from", str(archive), "--yes", cwd=tmp_path)
    done = run_main("retire", "ZAAB3", "--on", "2025-03-10", "--reason", "test", cwd=tmp_path)
    assert 0 == done.code, done.err
    without, with_it = (run_main(*MARKET, *more, "--format", "json", cwd=tmp_path) for more in ((), ("--retired",)))
    tickers = [{row["ticker"] for row in done.lines()} for done in (without, with_it)]
    assert {"ZAAB3.SA"} == tickers[1] - tickers[0]
    assert f"{len(tickers[0])} of {len(tickers[1])} instruments, 1 retired ones left out (--retired)" in without.err
    assert "left out" not in with_it.err
