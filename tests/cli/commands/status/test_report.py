"""`main report`: the page that the command writes of real ledgers, and the same bytes wherever it is written."""

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import lmdb
import msgspec
import pytest

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.cli.render.report.reading import PageReader, sound
from tests.e2e.workplace import Workplace, at
from tests.support import cotahist
from tests.support.cli import Result, run_code
from tests.support.sample_ledger import EVENTS, FOLDER, look
from tests.support.yahoo_series import correct, dividend, make_series, split, widened, withdraw
from tests.support.yahoo_server import Status, YahooServer

TICKER, OTHER = "PETR4.SA", "VALE3.SA"
DAYS = sessions(Window(date(2025, 12, 1), date(2026, 2, 12)))
THEN, NOW, LATER = (datetime(2026, 2, day, 22, tzinfo=UTC) for day in (5, 12, 13))
LATE, CORRECTED, GONE, PAID, SPLIT = DAYS[12], DAYS[20], DAYS[25], date(2026, 2, 10), date(2026, 2, 11)
WHOLE = make_series(DAYS, seed=5)
FILE = "<img src=x onerror=alert(1)>.db"


class Told(msgspec.Struct, frozen=True):
    """A ledger that Yahoo told its history twice, with the reports that were written on the way, by position."""

    place: Workplace
    written: dict[int, bytes]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """Runs against a server on loopback: split, dividend, revisions, a failure; a file of the exchange; a backup."""
    with YahooServer() as server:
        place = Workplace(tmp_path_factory.mktemp("told"), server, ADAPTER_MAX_RETRIES="0")
        written: dict[int, bytes] = {}

        def report() -> None:
            size = place.head().size
            done = place.run("report", "--out", f"{size}.html")
            assert 0 == done.code, done.err
            written[size] = (place.folder / f"{size}.html").read_bytes()

        known = tuple(row for row in WHOLE.days if row.date <= THEN.date())
        server.series[TICKER] = withdraw(msgspec.structs.replace(WHOLE, days=known), LATE)
        server.faults[OTHER] = [Status(code=500, times=None)]
        server.now = THEN
        assert 1 == place.run("--ticker", TICKER, "--ticker", OTHER, "--jobs", "1", B3_LEDGER_NOW=at(THEN)).code
        report()
        fixed = correct(WHOLE, CORRECTED, close=widened(41.5), adj_close=widened(41.5), high=widened(60.0))
        server.series[TICKER] = withdraw(dividend(split(fixed, SPLIT, 2), PAID, 0.75), GONE)
        server.now = NOW
        assert 2 > place.run("--ticker", TICKER, B3_LEDGER_NOW=at(NOW)).code
        report()
        lines = [cotahist.line(day) for day in DAYS if day.year == 2025]
        cotahist.made(place.folder / "COTAHIST_A2025.TXT", lines)
        server.now = LATER
        assert 0 == place.run("import-cotahist", "COTAHIST_A2025.TXT", B3_LEDGER_NOW=at(LATER)).code
        report()
        assert 0 == place.run("backup", "--create", "--out", FILE, B3_LEDGER_NOW=at(LATER)).code
        report()
        yield Told(place, written)
        place.close()


def page_of(told: Told, *args: str, **settings: str) -> bytes:
    """Return the page that the command prints on stdout."""
    done = told.place.run("report", "--out", "-", *args, **settings)
    assert (0, "") == (done.code, done.err)
    return done.out.encode()


def test_the_sample_has_a_sound_page(sample: Path, tmp_path: Path) -> None:
    """And the row says what was written."""
    out = tmp_path / "r.html"
    done = look("report", "--out", str(out), "--format", "json", cwd=sample)
    content = out.read_bytes()
    found = sound(content)
    assert [
        {
            "report": str(out),
            "lang": "en",
            "events": EVENTS,
            "head": found.text.rpartition(", head ")[2][:64],
            "verdict": "intact",
            "tickers": 2,
            "bytes": len(content),
            "checksum": sha256(content).hexdigest(),
        }
    ] == done.lines()
    assert "Synthetic sample data: no price here was ever traded." in found.text
    assert "last answer: 4 rows rejected, 0 flagged" in found.text
    assert 2 == len(found.of("svg"))


def test_a_ledger_of_revisions_has_a_sound_page(told: Told) -> None:
    """What was corrected, withdrawn, came late, was paid and split is drawn and told; what failed is, too."""
    found = sound(page_of(told))
    drawn = {str(given.get("class")) for given in found.of("path")}
    assert {"c", "correction", "was", "withdrawn", "late", "split", "paid"} <= drawn
    for said in (
        "Corrected 1, withdrawn 1, came late 1, missing 1.",
        "sessions were rescaled as a whole",
        f"{CORRECTED} close",
        f"{SPLIT} split 1 to 2",
        f"{PAID} dividend 0.75",
        f"{FILE}, 0 min 0 s before, 1 events not covered",
        "the last run ended as error",
        "cotahist 0 1",
    ):
        assert said in found.text, said


@pytest.mark.parametrize("lang", ["en", "pt-BR"])
def test_a_name_from_the_log_is_text(told: Told, lang: str) -> None:
    """A backup may be called anything."""
    found = sound(page_of(told, "--lang", lang))
    assert FILE in found.text
    assert [] == found.of("img")


def test_the_past_is_what_was_written_then(told: Told) -> None:
    """Whatever was learned since, of whichever provider."""
    assert 4 == len(told.written)
    for size, content in told.written.items():
        assert content == page_of(told, "--as-of", str(size - 1)), size
    early = min(told.written)
    assert told.written[early] == page_of(told, "--as-of", at(THEN))
    preferring = {"PRICE_SOURCES": "cotahist,yfinance"}
    assert b"yfinance has them" in page_of(told, "--as-of", str(early - 1), **preferring)
    assert b"cotahist has them" in page_of(told, **preferring)


def test_the_same_position_gives_the_same_bytes(told: Told) -> None:
    """Again, in another time zone and language, at another time, by another seed of hashes, from a backup."""
    last = str(sorted(told.written)[-2] - 1)
    elsewhere = {"TZ": "Asia/Tokyo", "LANG": "pt_BR.UTF-8", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    want = page_of(told, "--as-of", last)
    assert want == page_of(told, "--as-of", last, **elsewhere, B3_LEDGER_NOW="2031-01-01T00:00:00Z")
    assert want == page_of(told, "--ledger", FILE)
    shutil.rmtree(told.place.home.current() / "projections")  # type: ignore[operator]
    assert want == page_of(told, "--as-of", last)


def test_tickers_may_be_chosen(told: Told) -> None:
    """Nothing is said of the others."""
    found = sound(page_of(told, "petr4"))
    assert "About PETR4.SA only." in found.text
    assert OTHER not in found.text
    assert OTHER in sound(page_of(told, "PETR4", OTHER)).text


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["XPTO3", "--out", "x.html"], f"got no ingest of XPTO3.SA in the first {EVENTS} events, want one of ITUB4.SA"),
        (
            ["PETR4", "--out", "x.html", "--as-of", "0"],
            "got no ingest of PETR4.SA in the first 1 events, want one that",
        ),
        (["--out", "x.html", "--as-of", "1999-01-01"], "got no event recorded by 1999-01-01T23:59:59Z, want a time"),
        (["--out", "none/x.html"], "got 'No such file or directory' on writing none/x.html, want"),
        (["--out", "-", "--format", "json"], "got --format json for a page on stdout, want --out with a file"),
        ([], "got no --out, want one"),
    ],
)
def test_what_cannot_be_written_is_exit_3(args: list[str], message: str, sample: Path) -> None:
    """And no file is made."""
    done = look("report", *args, cwd=sample)
    assert (3, True) == (done.code, f"error: {message}" in done.err), done.err
    assert [] == [*sample.glob("*.html")]


@pytest.mark.damages("one event is changed")
def test_a_log_that_does_not_hold_has_a_page_that_says_so_and_nothing_else(copy: Path) -> None:
    """The old page must not look as if all were well; up to the event before it, the log is what it was."""
    folder = copy / FOLDER
    before = (3).to_bytes(8, "big")
    with lmdb.open(str(folder), max_dbs=3) as env, env.begin(write=True) as txn:
        events = env.open_db(b"events", txn=txn)
        value = bytearray(txn.get(before, db=events))
        value[-1] ^= 1
        txn.put(before, bytes(value), db=events)
    done = look("report", "--out", "r.html", "--format", "json", cwd=copy)
    (row,) = done.lines()
    found = sound((copy / "r.html").read_bytes())
    assert (2, "tampered", None, 0) == (done.code, row["verdict"], row["head"], row["tickers"])
    assert "critical: got link " in done.err
    assert "at seq 3, want " in done.err
    assert "The log was altered Event 3 does not hold" in found.text
    assert [] == found.of("table")
    assert 0 == look("report", "--out", "r.html", "--as-of", "2", cwd=copy).code


def test_a_page_goes_where_it_is_sent(sample: Path, tmp_path: Path) -> None:
    """Over a file, through a link, which stays one."""
    target, link = tmp_path / "target.html", tmp_path / "link.html"
    target.write_text("old")
    link.symlink_to(target)
    assert 0 == look("report", "--out", str(link), cwd=sample).code
    assert link.is_symlink()
    assert Result(0, target.read_text("utf-8"), "") == look("report", "--out", "-", cwd=sample)


def test_no_other_command_pays_for_pages(tmp_path: Path) -> None:
    """Neither does `main report --help`."""
    program = (
        "import sys\nimport cli.entry, cli.root, cli.commands.status.health.command\n"
        "print([name for name in sys.modules if '.report' in name and 'metrics' not in name])\n"
        "import cli.commands.status.report.command\n"
        "print([name for name in ('cli.render.report.page', 'projections.report.gathering') if name in sys.modules])"
    )
    assert Result(0, "[]\n[]\n", "") == run_code(program, cwd=tmp_path)


def test_words_and_pictures_are_of_the_language(sample: Path) -> None:
    """Down to the decimal comma."""
    page: Any = look("report", "--out", "-", "--lang", "pt-BR", cwd=sample).out
    found: PageReader = sound(page.encode())
    assert "Relatório do livro de preços" in found.text
    assert "Menor fechamento 28,15 em 2026-02-13" in found.text


def test_a_ticker_that_was_retired_is_history(copy: Path) -> None:
    """From the event that records it on, and not before."""
    done = look("retire", "PETR4", "--on", "2026-02-13", "--into", "ITUB4", "--reason", "a new name", cwd=copy)
    assert 0 == done.code, done.err
    said = "PETR4.SA ok ended on 2026-02-13, goes on as ITUB4.SA"
    assert said in sound(look("report", "--out", "-", cwd=copy).out.encode()).text
    assert "ended on" not in look("report", "--out", "-", "--as-of", str(EVENTS - 1), cwd=copy).out


def test_what_is_missing_is_what_main_gaps_prints(told: Told) -> None:
    """At the time of the position."""
    gaps = told.place.run("gaps", "--ticker", TICKER, "--source", "yfinance", B3_LEDGER_NOW=at(LATER))
    text = sound(page_of(told, TICKER)).text
    days = [line.split()[1] for line in gaps.out.splitlines()]
    assert ["2026-02-13"] == days
    assert f"Missing sessions {len(days)} Last backup" in text
    assert "2026-02-13 the series has not reached it" in text


def test_the_commands_on_the_page_do_what_it_says(sample: Path, tmp_path: Path) -> None:
    """The first gives the page again; the second shows the head; none fails."""
    out = tmp_path / "again.html"
    page = look("report", "ITUB4", "--out", "-", cwd=sample).out
    commands = re.findall(r"<code>(main [^<]*)</code>", page)
    again, shown, *others = (one.replace("report.html", str(out)).split()[1:] for one in commands)
    assert 0 == look(*again, cwd=sample).code
    assert page == out.read_text("utf-8")
    (event,) = look(*shown, cwd=sample).lines()
    assert event["link"] in page
    assert [0, 0, 0] == [look(*one, cwd=sample).code for one in others]
