"""Backups of a ledger that two hundred tickers are being written to, and of one ledger on two machines."""

import shutil
import subprocess
from datetime import timedelta
from typing import Any

import pytest

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.e2e.workplace import NOW, Workplace, at
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import YahooServer

CROWD = [f"{letters}{number}.SA" for letters in ("AAAA", "BBBB", "CCCC", "DDDD", "EEEE") for number in range(10, 50)]
DAYS = sessions(Window(NOW.date().replace(day=2), NOW.date().replace(day=12)))


def created(place: Workplace, name: str) -> Any:
    """Make and prove the backup `name`, and return its row."""
    done = place.run("backup", "--create", "--out", name, "--verify", "--format", "json")
    assert 0 == done.code, done.err
    (row,) = done.lines()
    return row


def cmp(place: Workplace, older: str, newer: str) -> tuple[int, str]:
    """Return what `cmp` says of two backups, as far as the older one goes."""
    size = (place.folder / older).stat().st_size
    done = subprocess.run(
        ["cmp", "-n", str(size), older, newer], cwd=place.folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_backups_while_two_hundred_tickers_are_ingested(place: Workplace, server: YahooServer) -> None:
    """Each proves itself, restores by itself, and equals a later one cut to its length."""
    server.series = {ticker: make_series(DAYS, seed=seed) for seed, ticker in enumerate(CROWD)}
    (place.folder / "carteira.txt").write_text("".join(f"{ticker}\n" for ticker in CROWD))
    assert 0 == place.run("--ticker", CROWD[0]).code
    run = place.start("--tickers-file", "carteira.txt", LOG_LEVEL="ERROR")  # a full pipe would stop it
    rows = list[Any]()
    while run.poll() is None:
        rows.append(created(place, f"{len(rows)}.db"))
    out, err = run.communicate()
    assert (0, len(CROWD)) == (run.returncode, len(out.splitlines())), err
    last = created(place, "last.db")

    assert set(CROWD) == set(last["tickers"])
    under_way = [row for row in rows if 1 < len(row["tickers"]) < len(CROWD)]
    assert len(under_way) > 1
    assert [(0, "")] * len(rows) == [cmp(place, row["backup"], "last.db") for row in rows]
    sizes = [row["events"] for row in (*rows, last)]
    assert sorted(set(sizes)) == sizes
    middle = under_way[len(under_way) // 2]
    assert 0 == place.run("verify", middle["backup"]).code
    assert 0 == place.run("backup", "--restore", "--from", middle["backup"], DATA_DIR="./ensaio").code
    (shown,) = place.run("verify", "--format", "json", DATA_DIR="./ensaio").lines()
    assert ("intact", middle["events"] + 1) == (shown["verdict"], shown["events"])


def test_two_machines_back_the_same_events_up_to_the_same_bytes(
    place: Workplace, server: YahooServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever their clock, zone, language and time of day: `diff` of the two shows nothing."""
    server.series = {ticker: make_series(DAYS, seed=seed) for seed, ticker in enumerate(CROWD[:3])}
    assert 0 == place.run(*(word for ticker in CROWD[:3] for word in ("--ticker", ticker))).code
    later = {"B3_LEDGER_NOW": at(NOW + timedelta(days=30)), "TZ": "Asia/Tokyo", "LC_ALL": "C", "PYTHONHASHSEED": "7"}
    other = Workplace(tmp_path_factory.mktemp("other"), None, **{**place.settings, **later})
    shutil.copytree(place.folder / "dados", other.folder / "dados")
    created(place, "ours.db")
    created(other, "theirs.db")
    done = subprocess.run(
        ["diff", place.folder / "ours.db", other.folder / "theirs.db"], capture_output=True, text=True, check=False
    )
    assert (0, "") == (done.returncode, done.stdout + done.stderr)
