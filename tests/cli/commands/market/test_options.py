"""`main options` prints the chain of a paper in one session."""

from datetime import date
from pathlib import Path

from tests.support.cli import run_main
from tests.support.cotahist import line, whole, write
from tests.support.exchange import records

DAY = date(2025, 3, 7)
CHAIN = ("options", "--underlying", "ZAAA3", "--on", DAY.isoformat())
NOW = {"B3_LEDGER_NOW": "2025-04-07T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}


def test_the_chain_is_every_option_of_the_file(exchange: Path) -> None:
    """By expiry, kind and strike, each with its underlying's close; weekly ones by the week in their code."""
    rows = run_main(*CHAIN, "--format", "json", cwd=exchange).lines()
    of_file = [one for one in records(DAY) if one["TPMERC"] in {"070", "080"}]
    (close,) = [one["PREULT"] for one in records(DAY) if (one["CODNEG"], one["TPMERC"]) == ("ZAAA3", "010")]
    kinds = {"070": "call", "080": "put"}
    expected = sorted(
        (
            one["DATVEN"].isoformat(),
            kinds[one["TPMERC"]],
            one["PREEXE"] / 1_000_000,
            one["PREULT"] / 1_000_000,
            one["TOTNEG"],
            int(one["CODNEG"][-1]) if one["CODNEG"][-2] == "W" else None,
        )
        for one in of_file
    )
    names = ("expiry", "kind", "strike", "close", "trades", "weekly")
    assert expected == [tuple(row[name] for name in names) for row in rows]
    assert {close / 1_000_000} == {row["underlying_close"] for row in rows}
    assert {"ZAAA3.SA"} == {row["underlying"] for row in rows}


def test_a_chain_is_narrowed_by_expiry_and_kind(exchange: Path) -> None:
    """In text, the underlying's close and a heading are on stderr."""
    done = run_main(*CHAIN, "--expiry", "2025-03-21", "--kind", "put", cwd=exchange)
    of_file = [one for one in records(DAY) if one["TPMERC"] == "080" and one["DATVEN"] == date(2025, 3, 21)]
    assert (0, len(of_file)) == (done.code, len(done.out.splitlines()))
    assert all(text.startswith("2025-03-21  put ") for text in done.out.splitlines())
    assert "ZAAA3.SA closed at" in done.err
    weekly = run_main(*CHAIN, "--expiry", "2025-03-07", "--format", "csv", cwd=exchange)
    header, first, *_ = weekly.out.splitlines()
    assert "1" == dict(zip(header.split(","), first.split(","), strict=True))["weekly"]


def test_no_option_is_said(exchange: Path) -> None:
    """Of a paper that has none; of an expiry that nothing has, how many others there are."""
    none = run_main("options", "--underlying", "ZAAC4", "--on", "2025-03-07", cwd=exchange)
    assert 3 == none.code
    assert "error: got no such option on ZAAC4.SA traded on 2025-03-07, want" in none.err
    others = run_main(*CHAIN, "--expiry", "2025-12-19", cwd=exchange)
    assert 3 == others.code
    assert "others, want" in others.err


def test_the_underlying_is_known_by_issuer_and_class(tmp_path: Path) -> None:
    """Two classes of one issuer have options with roots alike; an index that nobody listed has its root alone.

    A W in front of the digits is the month of a put, not a week; the strike of an option on a paper quoted by the
    thousand is of one share.
    """
    option = {"market": "070", "bdi": "78", "strike": 4200, "expiry": "20250321"}
    put = {**option, "market": "080", "bdi": "82"}
    lines = [
        line(DAY, "ABCD3", isin="BRABCDACNOR1", specification="ON      NM"),
        line(DAY, "ABCD4", isin="BRABCDACNPR2", specification="PN      N2"),
        line(DAY, "ABCDC42", isin="BRABCDACNOR1", specification="ON      NM", **option),
        line(DAY, "ABCDC43", isin="BRABCDACNPR2", specification="PN      N2", **option | {"factor": 1000}),
        line(DAY, "ABCDW4", isin="BRABCDACNPR2", specification="PN      N2", **put | {"expiry": "20251121"}),
        line(DAY, "ABCDC42W2", isin="BRABCDACNPR2", specification="PN", **option | {"expiry": "20250314"}),
        line(DAY, "IBOVC130", isin="BRIBOVINDM18", specification="IBO", **option | {"bdi": "74"}),
    ]
    write(tmp_path / "D.TXT", whole(lines, year=2025), member="D.TXT")
    done = run_main("import-cotahist", "D.TXT", "--market", "all", cwd=tmp_path, env=NOW)
    assert done.code in {0, 1}, done.err

    def chain(underlying: str) -> list[tuple[str, float, int | None]]:
        args = ("options", "--underlying", underlying, "--on", DAY.isoformat(), "--format", "json")
        rows = run_main(*args, cwd=tmp_path, env=NOW).lines()
        return [(row["ticker"].partition("@")[0].removesuffix(".SA"), row["strike"], row["weekly"]) for row in rows]

    assert [("ABCDC42", 42.0, None)] == chain("ABCD3")
    assert [("ABCDC42W2", 42.0, 2), ("ABCDC43", 0.042, None), ("ABCDW4", 42.0, None)] == chain("ABCD4")
    assert [("IBOVC130", 42.0, None)] == chain("IBOV")
