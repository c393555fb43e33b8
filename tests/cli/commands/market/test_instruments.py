"""`main instruments` prints what was listed when, and what may have been renamed."""

from datetime import date
from pathlib import Path

from tests.support.cli import run_main
from tests.support.cotahist import line, whole, write
from tests.support.exchange import MONTHS, lines_of, records

NOW = {"B3_LEDGER_NOW": "2025-04-07T12:00:00Z", "YAHOO_BASE_URL": "http://127.0.0.1:9"}


def test_each_instrument_is_listed_from_its_first_session_to_its_last(exchange: Path) -> None:
    """As it is listed at the end; against the files."""
    rows = run_main("instruments", "--class", "fii", "--format", "json", cwd=exchange).lines()
    sessions: dict[str, list[date]] = {}
    for day in sorted({text[2:10] for first in MONTHS for text in map(bytes.decode, lines_of(first))}):
        for one in records(date(int(day[:4]), int(day[4:6]), int(day[6:]))):
            if one["CODBDI"] == "12":
                sessions.setdefault(f"{one['CODNEG']}.SA", []).append(one["DATA"])
    assert {ticker: (min(days).isoformat(), max(days).isoformat(), len(days)) for ticker, days in sessions.items()} == {
        row["ticker"]: (row["first_session"], row["last_session"], row["sessions_total"]) for row in rows
    }


def test_a_tickers_listings_are_a_line_for_each_change(exchange: Path) -> None:
    """The rights change by one, and the mark goes eight sessions later."""
    done = run_main("instruments", "ZAAB3", cwd=exchange)
    rows = run_main("instruments", "--ticker", "ZAAB3", "--format", "json", cwd=exchange).lines()
    assert (0, len(rows)) == (done.code, len(done.out.splitlines()))
    march = [row for row in rows if row["since"] >= "2025-03"]
    assert [100, 101, 101] == [row["distribution"] for row in march]
    marked = march[1]
    assert ("ON  ED  NM", 8) == (marked["specification"], marked["sessions"])
    text = next(text for text in done.out.splitlines() if "ON  ED  NM" in text and "2025-03" in text)
    assert f"{marked['since']}  {marked['until']}" in text


def test_a_day_shows_the_listing_of_that_day(exchange: Path) -> None:
    """Before and after a company's shares went to the code of judicial recovery: a share all the same."""
    (before, after) = (
        next(
            row
            for row in run_main(
                "instruments", "--on", day, "--class", "share", "--format", "json", cwd=exchange
            ).lines()
            if row["ticker"] == "ZAAE4.SA"
        )
        for day in ("2025-03-10", "2025-03-31")
    )
    assert (("share", "02"), ("share", "08")) == tuple((row["asset_class"], row["bdi"]) for row in (before, after))


def test_what_is_not_listed_is_said(exchange: Path, tmp_path: Path) -> None:
    """With exit code 3 and the command that brings it; a ledger that has none too."""
    done = run_main("instruments", "XXXX3", cwd=exchange)
    assert 3 == done.code
    assert "error: got no listing of XXXX3.SA, want" in done.err
    assert "hint: main import-cotahist --market all --download YEAR" in done.err
    assert 3 == run_main("instruments", cwd=tmp_path).code
    assert 3 == run_main("instruments", "--renames", "--class", "share", cwd=exchange).code


def test_an_earlier_position_knows_earlier_listings_alone(exchange: Path) -> None:
    """Folded in memory."""
    events = run_main("events", "--type", "fetch.succeeded", "--format", "json", cwd=exchange).lines()
    done = run_main("instruments", "--as-of", str(events[0]["seq"] + 1), "--format", "csv", cwd=exchange)
    header, *lines = done.out.splitlines()
    assert (0, 1) == (done.code, len(lines))
    assert header.startswith("ticker,since,until")


def test_renames_are_candidates_with_what_speaks_for_them(exchange: Path, tmp_path: Path) -> None:
    """A code ends and another begins the next session at its price; once a person recorded it, that is said."""
    archive = tmp_path / "a.db"
    run_main("backup", "--create", "--out", str(archive), cwd=exchange)
    run_main("backup", "--restore", "--from", str(archive), "--yes", cwd=tmp_path)
    done = run_main("instruments", "ZAAA3", "--renames", "--format", "json", cwd=tmp_path, env=NOW)
    (row,) = [row for row in done.lines() if row["into"] == "ZNEW3.SA"]
    assert (0, False, False, 2) == (row["sessions_between"], row["same_isin"], row["same_name"], row["speaks"])
    assert 0.9 < row["close_ratio"] < 1.1
    text = run_main("instruments", "ZAAA3", "--renames", cwd=tmp_path, env=NOW)
    hint = f"main retire ZAAA3.SA --on {row['last_session']} --into ZNEW3.SA --reason 'what happened'"
    assert f"hint: {hint}" in text.err
    assert "no session between" in text.out
    recorded = run_main(
        "retire", "ZAAA3", "--on", row["last_session"], "--into", "ZNEW3", "--reason", "x", cwd=tmp_path
    )
    assert 0 == recorded.code, recorded.err
    again = run_main("instruments", "ZAAA3", "--renames", cwd=tmp_path, env=NOW)
    assert "recorded into ZNEW3.SA" in again.out
    assert "hint:" not in again.err


def test_what_has_the_same_isin_is_a_candidate_however_far_apart(tmp_path: Path) -> None:
    """Nothing else is, where neither name nor price speaks for it, nor a paper of another class."""
    days = [date(2025, 3, number) for number in (10, 11, 12, 13, 14, 17, 18, 19, 20, 21, 24)]
    lines = [
        *(line(day, "STAY3", isin="BRSTAYACNOR1", name="STAYS") for day in days),
        *(line(day, "GONE3", isin="BRGONEACNOR2", name="GONE", close=1000) for day in days[:2]),
        *(line(day, "BACK3", isin="BRGONEACNOR2", name="BACK", close=5000) for day in days[9:]),
        *(line(day, "NEAR3", isin="BRNEARACNOR3", name="NEAR", close=5000) for day in days[2:]),
        *(line(day, "UNIT11", isin="BRUNITCDAM14", name="UNIT", close=1010, specification="UNT") for day in days[2:]),
    ]
    write(tmp_path / "M.TXT", whole(lines, year=2025), member="M.TXT")
    assert run_main("import-cotahist", "M.TXT", cwd=tmp_path, env=NOW).code in {0, 1}
    rows = run_main("instruments", "--renames", "--format", "json", cwd=tmp_path, env=NOW).lines()
    assert [("GONE3.SA", "BACK3.SA", 7, True, 1)] == [
        (row["ticker"], row["into"], row["sessions_between"], row["same_isin"], row["speaks"]) for row in rows
    ]
    none = run_main("instruments", "STAY3", "--renames", cwd=tmp_path, env=NOW)
    assert (0, "") == (none.code, none.out)
    assert "no candidate" in none.err
