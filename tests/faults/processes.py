"""Many processes of the command line on one ledger at once: runs, readers, backups, rebuilds.

A round starts them all together. None of them ends with a traceback or an exit code that its page does not have, what
a run acknowledged is in the log under its job, every backup holds, and the ledger and its read models are whole.
"""

import random
import subprocess
from collections import Counter
from datetime import date
from pathlib import Path

import msgspec

from ledger.events import Window
from ledger.market.sessions import sessions
from tests.e2e.workplace import Workplace
from tests.faults.tally import Tally
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import YahooServer

PROCESSES = 200
LONG_ROUNDS = 5
DAYS = sessions(Window(date(2026, 1, 5), date(2026, 2, 12)))
TICKERS = tuple(f"TICK{number}.SA" for number in range(10, 22))
PATIENCE_S = "900"  # for locks: whoever waits has its turn in the end
ENDS_WITHIN_S = 900
ALLOWED = {"run": {0}, "rebuild": {0, 3}, "backup": {0}}  # others, which read: 0 or 1
READING = {0, 1}


class Started(msgspec.Struct):
    """A process, what it was asked for, and the exit codes that it may have."""

    words: tuple[str, ...]
    allowed: set[int]
    process: "subprocess.Popen[str]"


def campaign(seed: int, rounds: int, folder: Path, tally: Tally) -> None:
    """Let `PROCESSES` loose on a ledger, `rounds` times."""
    for number in range(seed, seed + rounds):
        with tally.holding(number), YahooServer() as server:
            place = folder / f"place-{number}"
            place.mkdir()
            _round(number, place, server, tally)


def _round(seed: int, folder: Path, server: YahooServer, tally: Tally) -> None:
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    server.series = {ticker: make_series(DAYS, seed=number) for number, ticker in enumerate(TICKERS)}
    place = Workplace(folder, server, INGEST_LOCK_TIMEOUT_SECONDS=PATIENCE_S)
    assert 0 == place.run("--ticker", TICKERS[0]).code
    started = [_start(place, rng, number) for number in range(PROCESSES)]
    codes = Counter[str]()
    acknowledged = set[tuple[int, str]]()
    for one in started:
        out, err = one.process.communicate(timeout=ENDS_WITHIN_S)
        code = one.process.returncode
        assert code in one.allowed, f"{one.words}: exit code {code}\n{out}{err}"
        assert "Traceback" not in err, f"{one.words}: {err}"
        codes[f"ended with {code}"] += 1
        if "--ticker" in one.words[:1]:
            rows = [msgspec.json.decode(line) for line in out.splitlines()]
            acknowledged |= {(row["seq"], row["job_id"]) for row in rows if row["seq"] is not None}
    _check(place, acknowledged)
    tally.count("processes", len(started))
    tally.count("jobs acknowledged", len(acknowledged))
    for what, count in codes.items():
        tally.count(what, count)


def _start(place: Workplace, rng: random.Random, number: int) -> Started:
    ticker = rng.choice(TICKERS)
    kind = rng.choice(("run", "run", "run", "read", "read", "verify", "backup", "rebuild"))
    words: tuple[str, ...] = {
        "run": ("--ticker", ticker, "--ticker", rng.choice(TICKERS), "--force-refresh", "--format", "json"),
        "read": rng.choice((("metrics",), ("health",), ("logs",), ("prices", "--ticker", TICKERS[0]), ("events",))),
        "verify": ("verify",),
        "backup": ("backup", "--create", "--out", f"backup-{number}.db"),
        "rebuild": ("rebuild",),
    }[kind]
    return Started(words, ALLOWED.get(kind, READING), place.start(*words))


def _check(place: Workplace, acknowledged: set[tuple[int, str]]) -> None:
    held = {(one.seq, one.job_id) for one in place.events()}
    assert acknowledged <= held, f"lost: {acknowledged - held}"
    assert [0, 0, 0] == [place.run(*words).code for words in (("verify",), ("rebuild", "--check"), ("metrics",))]
    for backup in sorted(place.folder.glob("backup-*.db")):
        assert 0 == place.run("verify", backup.name).code, backup.name
    assert [] == [str(path) for path in place.folder.rglob("*.b3-ledger-part")]
    place.close()
