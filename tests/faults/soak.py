"""Work of all kinds on one ledger, without a pause: runs, readers, verifications, backups, restores, rebuilds.

A round is a minute of that, some processes at a time; whoever ends is followed by the next. Beside them one notebook
stays open and looks again and again. No process ends with a traceback or an exit code that its page does not have,
what a run acknowledged is in the log, and the notebook's memory and handles stay what they were.
"""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import date
from pathlib import Path

import msgspec

from ledger.market.sessions import sessions
from ledger.values import Window
from tests.e2e.workplace import Workplace
from tests.faults.tally import Tally
from tests.support.cli import environment
from tests.support.yahoo_series import Series, make_series
from tests.support.yahoo_server import Fault, Status, YahooServer

SECONDS = 60.0
AT_ONCE = 6
LONG_ROUNDS = 10
DAYS = sessions(Window(date(2026, 1, 5), date(2026, 2, 12)))
TICKERS = tuple(f"TICK{number}.SA" for number in range(10, 18))
KINDS = ("run", "run", "run", "read", "read", "verify", "backup", "restore", "rebuild")
ALLOWED = {"run": {0, 1}, "backup": {0, 1}, "restore": {0, 3}, "rebuild": {0, 3}, "read": {0, 1}, "verify": {0, 1}}
PATIENCE_S = "120"
ENDS_WITHIN_S = 300
MORE_BYTES = 8 * 1024 * 1024  # what a notebook may hold more at the end than when it was warm
NOTEBOOK = """
import os, sys, time
from projections import open_ledger
def held():
    status = open("/proc/self/status").read().split()
    return int(status[status.index("RssAnon:") + 1]) * 1024, len(os.listdir("/proc/self/fd"))
looks = 0
while not sys.stdin.closed and os.path.exists("looking"):
    with open_ledger("dados") as ledger:
        for _ in range(20):
            ledger.prices(sys.argv[1]), ledger.revisions(sys.argv[1]), ledger.gaps(sys.argv[1]), ledger.logs()
            looks += 1
            if looks == 60:
                print(*held())
        last = held()
print(*last)
print(looks)
"""


class Ended(msgspec.Struct):
    """A process that ended: what it was asked for, its exit code, and what it said."""

    kind: str
    words: tuple[str, ...]
    code: int
    out: str
    err: str


def campaign(seed: int, rounds: int, folder: Path, tally: Tally) -> None:
    """Keep a ledger busy for `SECONDS`, `rounds` times, each time another ledger."""
    for number in range(seed, seed + rounds):
        with tally.holding(number), YahooServer() as server:
            place = folder / f"place-{number}"
            place.mkdir()
            _round(number, place, server, tally)


def _round(seed: int, folder: Path, server: YahooServer, tally: Tally) -> None:
    server.series = {ticker: make_series(DAYS, seed=number) for number, ticker in enumerate(TICKERS)}
    place = Workplace(folder, server, INGEST_LOCK_TIMEOUT_SECONDS=PATIENCE_S, ADAPTER_MAX_RETRIES="1")
    assert 0 == place.run("--ticker", TICKERS[0]).code
    (folder / "looking").touch()
    notebook = _notebook(place)
    ended: list[Ended] = []
    until = time.monotonic() + SECONDS
    hands = [
        threading.Thread(target=_keep_busy, args=[place, server, _rng(seed * AT_ONCE + hand), until, ended])
        for hand in range(AT_ONCE)
    ]
    for hand in hands:
        hand.start()
    for hand in hands:
        hand.join()
    (folder / "looking").unlink()
    out, err = notebook.communicate(timeout=ENDS_WITHIN_S)
    assert 0 == notebook.returncode, err
    _check(place, ended)
    _check_notebook(out, tally)
    tally.count("processes", len(ended))
    for what, count in Counter(f"{one.kind} ended with {one.code}" for one in ended).items():
        tally.count(what, count)


def _rng(seed: int) -> random.Random:
    return random.Random(seed)


def _notebook(place: Workplace) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", NOTEBOOK, TICKERS[0]],
        cwd=place.folder,
        env=environment(place.settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _keep_busy(place: Workplace, server: YahooServer, rng: random.Random, until: float, ended: list[Ended]) -> None:
    while time.monotonic() < until:
        kind = rng.choice(KINDS)
        ticker = rng.choice(TICKERS)
        if kind == "run":
            _disturb(server, ticker, rng)
        words = _words(kind, ticker, place.folder, rng)
        process = place.start(*words)
        out, err = process.communicate(timeout=ENDS_WITHIN_S)
        ended.append(Ended(kind, words, process.returncode, out, err))


def _disturb(server: YahooServer, ticker: str, rng: random.Random) -> None:
    """Have Yahoo fail now and then, and rewrite history now and then, as it does."""
    faults: list[Fault] = [Status(code=rng.choice((429, 500, 502)), times=1)]
    server.faults[ticker] = faults if rng.random() < 0.3 else []
    if rng.random() < 0.1:
        rewritten: Series = make_series(DAYS, seed=rng.randrange(1000))
        server.series[ticker] = rewritten


def _words(kind: str, ticker: str, folder: Path, rng: random.Random) -> tuple[str, ...]:
    if kind == "restore":
        made = sorted(folder.glob("backup-*.db"))
        if not made:
            return ("backup", "--list")
        return ("backup", "--restore", "--from", rng.choice(made).name)
    return {
        "run": ("--ticker", ticker, "--ticker", rng.choice(TICKERS), "--force-refresh", "--format", "json"),
        "read": rng.choice((("metrics",), ("health",), ("logs",), ("prices", "--ticker", TICKERS[0]), ("events",))),
        "verify": ("verify",),
        "backup": ("backup", "--create", "--out", f"backup-{rng.getrandbits(48):x}.db"),
        "rebuild": ("rebuild",),
    }[kind]


def _check(place: Workplace, ended: list[Ended]) -> None:
    acknowledged = set[tuple[int, str]]()
    for one in ended:
        assert one.code in ALLOWED[one.kind], f"{one.words}: exit code {one.code}\n{one.out}{one.err}"
        assert "Traceback" not in one.err, f"{one.words}: {one.err}"
        assert "internal" not in one.out + one.err, f"{one.words}: {one.out}{one.err}"
        if one.kind == "run":
            rows = [msgspec.json.decode(line) for line in one.out.splitlines()]
            acknowledged |= {(row["seq"], row["job_id"]) for row in rows if row["seq"] is not None}
    held = {(one.seq, one.job_id) for one in place.events()}
    assert acknowledged <= held, f"lost: {acknowledged - held}"
    assert [0, 0] == [place.run(*words).code for words in (("verify",), ("rebuild", "--check"))]
    for backup in sorted(place.folder.glob("backup-*.db"))[-5:]:
        assert 0 == place.run("verify", backup.name, DATA_DIR="nowhere").code, backup.name
    assert [] == [os.fspath(path) for path in place.folder.rglob("*.b3-ledger-part")]
    place.close()


def _check_notebook(out: str, tally: Tally) -> None:
    warm, last, (looks,) = (tuple(map(int, line.split())) for line in out.splitlines())
    assert last[0] <= warm[0] + MORE_BYTES, f"a notebook held {warm[0]} bytes when it was warm, {last[0]} at the end"
    assert last[1] == warm[1], f"a notebook held {warm[1]} handles when it was warm, {last[1]} at the end"
    tally.count("looks of the notebook", looks)
