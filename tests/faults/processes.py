"""Many processes of the command line on one ledger at once: runs, readers, backups, restores, rebuilds.

A round starts them all together, by turns two hundred of all kinds and ninety of those that move the most.
None of them ends with a traceback or an exit code that its page does not have; what a run acknowledged is in the log
under its job, or in one that a restore replaced and kept; every backup holds, and the ledger and its read models
are whole.
"""

import random
import subprocess
from collections import Counter
from datetime import date
from pathlib import Path

import msgspec

from ledger import ids
from ledger.chain import LINK_BYTES, Seq
from ledger.codec import decode_envelope
from ledger.events import Window
from ledger.market.sessions import sessions
from ledger.store.engine import Engine
from tests.e2e.workplace import Workplace
from tests.faults.tally import Tally
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import YahooServer

LONG_ROUNDS = 6
DAYS = sessions(Window(date(2026, 1, 5), date(2026, 2, 12)))
TICKERS = tuple(f"TICK{number}.SA" for number in range(10, 22))
PATIENCE_S = "900"  # for locks: whoever waits has its turn in the end
ENDS_WITHIN_S = 900
# A backup whose ledger is replaced before that is recorded is a warning.
ALLOWED = {"run": {0}, "rebuild": {0, 3}, "backup": {0, 1}, "restore": {0, 3}}  # who reads: 0 or 1
READING = {0, 1}
FIRST_BACKUP = "backup-first.db"


class Crowd(msgspec.Struct, frozen=True):
    """How many processes a round starts, and of which kinds."""

    processes: int
    kinds: tuple[str, ...]


CROWDS = (
    Crowd(200, ("run", "run", "run", "read", "read", "verify", "backup", "rebuild")),
    Crowd(90, ("run", "backup", "restore")),
)


class Started(msgspec.Struct):
    """A process, what it was asked for, and the exit codes that it may have."""

    words: tuple[str, ...]
    allowed: set[int]
    process: "subprocess.Popen[str]"


def campaign(seed: int, rounds: int, folder: Path, tally: Tally) -> None:
    """Let a crowd loose on a ledger, `rounds` times, each time the next of `CROWDS`."""
    for number in range(seed, seed + rounds):
        with tally.holding(number), YahooServer() as server:
            place = folder / f"place-{number}"
            place.mkdir()
            _round(CROWDS[number % len(CROWDS)], number, place, server, tally)


def _round(crowd: Crowd, seed: int, folder: Path, server: YahooServer, tally: Tally) -> None:
    rng = random.Random(seed)
    server.series = {ticker: make_series(DAYS, seed=number) for number, ticker in enumerate(TICKERS)}
    place = Workplace(folder, server, INGEST_LOCK_TIMEOUT_SECONDS=PATIENCE_S)
    assert 0 == place.run("--ticker", TICKERS[0]).code
    assert 0 == place.run("backup", "--create", "--out", FIRST_BACKUP).code
    started = [_start(place, rng, number, crowd.kinds) for number in range(crowd.processes)]
    try:
        acknowledged = _ended(started, tally)
    finally:
        for one in started:
            one.process.kill()
            one.process.communicate()
    _check(place, acknowledged)
    tally.count("processes", len(started))
    tally.count("jobs acknowledged", len(acknowledged))


def _ended(started: list[Started], tally: Tally) -> set[tuple[int, str]]:
    """Return what runs acknowledged, (seq, job id), once every process has ended as it may."""
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
    for what, count in codes.items():
        tally.count(what, count)
    return acknowledged


def _start(place: Workplace, rng: random.Random, number: int, kinds: tuple[str, ...]) -> Started:
    ticker = rng.choice(TICKERS)
    kind = rng.choice(kinds)
    words: tuple[str, ...] = {
        "run": ("--ticker", ticker, "--ticker", rng.choice(TICKERS), "--force-refresh", "--format", "json"),
        "read": rng.choice((("metrics",), ("health",), ("logs",), ("prices", "--ticker", TICKERS[0]), ("events",))),
        "verify": ("verify",),
        "backup": ("backup", "--create", "--out", f"backup-{number}.db"),
        "restore": ("backup", "--restore", "--from", FIRST_BACKUP, "--rollback", "--yes"),
        "rebuild": ("rebuild",),
    }[kind]
    return Started(words, ALLOWED.get(kind, READING), place.start(*words))


def _check(place: Workplace, acknowledged: set[tuple[int, str]]) -> None:
    held = {known for folder in place.home.root.glob("ledger-*") for known in _held(folder)}
    assert acknowledged <= held, f"lost: {acknowledged - held}"
    for words in (("verify",), ("metrics",), ("rebuild", "--check")):
        result = place.run(*words)
        assert 0 == result.code, f"{words}: {result}"
    for backup in sorted(place.folder.glob("backup-*.db")):
        # Where no ledger is in use: to one that is, a backup of a ledger that was replaced is a fork.
        assert 0 == place.run("verify", backup.name, DATA_DIR="nowhere").code, backup.name
    assert [] == [str(path) for path in place.folder.rglob("*.b3-ledger-part")]
    place.close()


def _held(folder: Path) -> set[tuple[int, str]]:
    """Return (seq, job id) of every event of the ledger in `folder`, in use or replaced."""
    engine = Engine(folder, readonly=True)
    try:
        values = [value for seq in range(engine.head().size) for value in engine.values(seq, seq + 1)]
    finally:
        engine.close()
    envelopes = [decode_envelope(Seq(seq), value[LINK_BYTES:]) for seq, value in enumerate(values)]
    return {(seq, ids.text(envelope.job_id)) for seq, envelope in enumerate(envelopes)}
