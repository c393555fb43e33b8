"""A restore while other processes ingest and read: whoever stays open goes on with the restored ledger, whole."""

import multiprocessing
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import msgspec
import pytest

from ledger.codec import decode_envelope
from ledger.events import BackupRestored
from ledger.ids import text
from ledger.market.sessions import sessions
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Window
from tests.e2e.workplace import NOW, Workplace, at
from tests.support.cli import environment
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import YahooServer

TICKER = "PETR4.SA"
ENDS_WITHIN_S = 120.0
CROWD = [f"AAA{letter}{number}.SA" for letter in "ABCDEFGHIJ" for number in range(3, 7)]
DAYS = sessions(Window(date(2025, 11, 3), date(2026, 2, 12)))
EARLIER = datetime(2026, 1, 5, 23, tzinfo=UTC)
LATER = datetime(2026, 2, 9, 23, tzinfo=UTC)
SNAPSHOT = "PETR4-20260212.csv"
RESTORE = ("backup", "--restore", "--from", "old.db", "--rollback", "--yes")

# Runs `main` up to where the function named by the first argument is first called, restores there, and goes on.
RESTORING = """
import importlib, subprocess, sys
owner, name = sys.argv.pop(1).split(":")
module, _, cls = owner.partition("/")
owner = importlib.import_module(module)
owner = getattr(owner, cls) if cls else owner
original = getattr(owner, name)
def restore_first(*args, **kwargs):
    setattr(owner, name, original)
    words = "backup --restore --from old.db --rollback --yes".split()
    subprocess.run([sys.executable, "-m", "cli", *words], check=True, stdout=sys.stderr)
    return original(*args, **kwargs)
setattr(owner, name, restore_first)
from cli.entry import main
main()
"""


def folder_events(folder: Path) -> list[tuple[str, str, str]]:
    """Return (job, stream, type) of every event of the ledger in `folder`."""
    engine = Engine(folder, readonly=True)
    records = engine.chunk(0, engine.head().size)
    engine.close()
    told = [decode_envelope(record.seq, record.body) for record in records]
    return [(text(one.job_id), one.stream, one.type) for one in told]


def head_of(folder: Path) -> tuple[int, bytes]:
    """Return size and last link of the ledger in `folder`."""
    engine = Engine(folder, readonly=True)
    head = engine.head()
    engine.close()
    return head.size, head.link


def replaced(place: Workplace) -> tuple[int | None, bytes | None]:
    """Return size and last link of the ledger that was replaced, as the log in use tells."""
    (told,) = (one.event for one in place.events() if isinstance(one.event, BackupRestored))
    return told.replaced_size, told.replaced_link


@pytest.mark.parametrize(
    "where",
    [
        "ledger.ingest.providers.yahoo.provider/YahooProvider:fetch",
        "ledger.ingest.rules.judge:judge",
        "cli.commands.ingest.run.worker:publish",
    ],
    ids=["before-the-answer", "before-the-decision", "before-the-snapshot"],
)
def test_a_job_that_a_restore_overtakes_is_done_in_the_restored_ledger(
    where: str, place: Workplace, server: YahooServer
) -> None:
    """It had read a ledger that held more: the restored one ends with every session, and no event means another's."""
    server.series[TICKER] = make_series(DAYS, seed=1)
    for moment in (EARLIER, LATER):
        server.now = moment
        assert 0 == place.run("--ticker", TICKER, B3_LEDGER_NOW=at(moment)).code
        if moment == EARLIER:
            assert 0 == place.run("backup", "--create", "--out", "old.db", B3_LEDGER_NOW=at(moment)).code
    server.now = NOW
    done = subprocess.run(
        [sys.executable, "-c", RESTORING, where, "--ticker", TICKER],
        cwd=place.folder,
        env=environment(place.settings),
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )
    assert 0 == done.returncode, done.stderr
    assert len(DAYS) + 1 == len(place.snapshot(SNAPSHOT))
    assert 0 == place.run("snapshot", "--check").code
    assert head_of(place.folder / "dados" / "ledger-1") == replaced(place)
    own = place.events(TICKER, since=5)
    assert ["fetch.succeeded", "validation.completed", "snapshot.written"] == [one.type for one in own]
    assert [None, own[0].seq, own[1].seq] == [one.cause for one in own]


@pytest.mark.parametrize(
    ("where", "words", "code"),
    [
        ("ledger.backup.create:record_created", ("backup", "--create", "--out", "new.db"), 1),
        ("cli.commands.trust.verify.marking:recorded", ("verify", "--record"), 3),
    ],
)
def test_what_names_the_head_of_a_replaced_ledger_is_not_appended_to_the_restored_one(
    where: str, words: tuple[str, ...], code: int, place: Workplace, server: YahooServer
) -> None:
    """It would be a fork on the record, at which every writer stops; the backup itself is whole."""
    server.series[TICKER] = make_series(DAYS, seed=1)
    assert 0 == place.run("--ticker", TICKER).code
    assert 0 == place.run("backup", "--create", "--out", "old.db").code
    server.series["VALE3.SA"] = make_series(DAYS, seed=2)
    assert 0 == place.run("--ticker", "VALE3").code
    done = subprocess.run(
        [sys.executable, "-c", RESTORING, where, *words],
        cwd=place.folder,
        env=environment(place.settings),
        capture_output=True,
        text=True,
        timeout=ENDS_WITHIN_S,
        check=False,
    )
    assert code == done.returncode, done.stderr
    assert "got another log in use than the one whose" in done.stderr
    assert [0, 0] == [place.run(*words).code for words in (("verify",), ("--ticker", "VALE3"))]
    if code == 1:
        assert 0 == place.run("verify", "new.db", DATA_DIR="nowhere").code


def _keep_open(root: Path, stop: Event, answer: Any) -> None:
    """Read the whole log again and again through one that stays open; answer how often, and what it was each time."""
    looks, seen = 0, set()
    with EventLog(LedgerHome(root), now=int, readonly=True) as log:
        size = log.head().size
        while not stop.is_set() or not looks:
            seen.add(b"".join(record.link for record in log.read(0, size)))
            looks += 1
    answer.put((looks, len(seen)))


def test_a_run_and_readers_that_stay_open_go_on(place: Workplace, server: YahooServer) -> None:
    """Nothing acknowledged after the switch is in the replaced folder, and nothing acknowledged is in neither."""
    server.series = {ticker: make_series(DAYS, seed=seed) for seed, ticker in enumerate([TICKER, *CROWD])}
    assert 0 == place.run("--ticker", TICKER).code
    assert 0 == place.run("backup", "--create", "--out", "old.db").code
    (place.folder / "carteira.txt").write_text("".join(f"{ticker}\n" for ticker in CROWD))
    fork = multiprocessing.get_context("fork")
    stop, answer = fork.Event(), fork.SimpleQueue()
    reader = fork.Process(target=_keep_open, args=(place.home.root, stop, answer), daemon=True)
    reader.start()
    server.delay_s = 0.5
    run = place.start("--tickers-file", "carteira.txt", "--format", "json", LOG_LEVEL="ERROR")
    while not any(server.charts(ticker) for ticker in CROWD[8:]):
        assert run.poll() is None
        time.sleep(0.01)
    server.delay_s = 3.0  # some 20 s of answers are left, which a restore on a busy machine does not take
    restored = place.run(*RESTORE)
    server.delay_s = 0.0
    assert (0, None) == (restored.code, run.poll()), restored.err
    fresh = place.run("health", "--format", "json")
    out, err = run.communicate(timeout=ENDS_WITHIN_S)
    stop.set()
    reader.join(ENDS_WITHIN_S)
    assert 0 == reader.exitcode, "else there is no answer to wait for"
    looks, kinds = answer.get()

    assert (0, len(CROWD)) == (run.returncode, len(out.splitlines())), err
    assert 1 == kinds
    assert looks > 1
    assert fresh.lines()[0]["db_accessible"]
    old, new = (folder_events(place.folder / "dados" / name) for name in ("ledger-1", "ledger-2"))
    assert head_of(place.folder / "dados" / "ledger-1") == replaced(place)
    decided = {(job, stream) for job, stream, kind in old + new if kind.startswith("validation.")}
    printed = [msgspec.json.decode(line) for line in out.splitlines()]
    assert [] == [row for row in printed if (row["job_id"], row["ticker"]) not in decided]
    assert {stream for _, stream, _ in old} & set(CROWD), "some were done before the switch"
    assert {stream for _, stream, _ in new} & set(CROWD), "some were done after it"
    assert 0 == place.run("--tickers-file", "carteira.txt").code
    assert [0, 0] == [place.run(*args).code for args in (("verify",), ("snapshot", "--check"))]
