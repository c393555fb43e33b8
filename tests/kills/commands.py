"""Kills at random instants of the running command line, and what must hold after each.

Every round kills a run of the main job - its whole process group, or the supervisor alone - looks at what is left,
and then lets the same run go to its end: it finishes what was pending and exits 0.
"""

import os
import random
import shutil
import sys
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

import cli.commands.ingest.run.command
import cli.entry
import cli.root
import ledger.ingest.providers.yahoo.provider  # noqa: F401 - imported once here, not in every victim
from ledger.audit.verify import verify_ledger
from ledger.chain import EMPTY_HEAD
from ledger.codec import decode_envelope
from ledger.errors import LedgerError
from ledger.files.checksum import parse_checksum
from ledger.market.sessions import sessions
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import Window
from projections.models import ingest_logs, prices, snapshots
from projections.queries.snapshot_csv import render
from projections.store.replaying import compare
from projections.store.runner import catch_up, view_at
from projections.store.store import View
from tests.kills.tally import Tally
from tests.kills.victim import Victim
from tests.support.cli import command, environment
from tests.support.oracle import check_log
from tests.support.yahoo_series import make_series
from tests.support.yahoo_server import YahooServer

TICKERS = ("BBAS3.SA", "PETR4.SA", "VALE3.SA")  # of the sample, those in which nothing is rejected
HISTORY = Window(date(2025, 6, 2), date(2026, 12, 30))
FIRST_NOW = datetime(2026, 2, 13, 12, tzinfo=UTC)
ROUNDS_A_PLACE = 5
LONGEST_CREATION_S = 0.15
YAHOO_PLACES = 3  # every third place asks the server, the others the sample
EXECUTED_ROUNDS = 8  # every eighth victim is a new interpreter, the others are forked


def run_forked(folder: Path, args: tuple[str, ...], env: Mapping[str, str], said: int) -> None:
    """Be `main` on `args` in `folder`, in this process; its stdout goes to `said`."""
    _redirected(folder, said)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["main", *args]
    sys.stdout, sys.stderr = (os.fdopen(fd, "w", closefd=False) for fd in (1, 2))
    cli.entry.main()


def run_executed(folder: Path, args: tuple[str, ...], env: Mapping[str, str], said: int) -> None:
    """Become `main` on `args` in `folder`, as a shell would start it."""
    _redirected(folder, said)
    os.execve(sys.executable, command(*args), dict(env))  # noqa: S606 - the interpreter that runs this


def _redirected(folder: Path, said: int) -> None:
    os.chdir(folder)
    os.dup2(said, 1)
    os.dup2(os.open("stderr.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)


class Place:
    """A working folder in which the main job runs, is killed, and runs again."""

    def __init__(self, folder: Path, seed: int, tally: Tally, server: YahooServer | None) -> None:
        """Begin with an empty folder; the provider is `server`, else the sample."""
        folder.mkdir(parents=True)
        self.folder = folder
        root = LedgerHome(folder / "dados")
        self.home = root.sample if server is None else root
        self._server = server
        self._tally = tally
        self._rng = random.Random(seed)
        self._now = FIRST_NOW
        self._checked = EMPTY_HEAD
        self._longest_s = {run_forked: 0.5, run_executed: 0.9}

    def round(self) -> None:
        """Kill one run at its random instant, assert that nothing promised is broken, and have the next one finish."""
        executed = self._rng.randrange(EXECUTED_ROUNDS) == 0
        self._tally.rounds += 1
        self._killed(run_executed if executed else run_forked)
        self._finished(run_executed if executed else run_forked)
        if self._server is not None:
            self._now += timedelta(days=1)

    def close(self) -> None:
        """Have the oracle look at the whole log."""
        with EventLog(self.home, now=lambda: 0, readonly=True) as log:
            check_log(log)
        self._tally.full_checks += 1
        self._tally.events += self._checked.size

    def _killed(self, run: Any) -> None:
        victim = Victim(partial(run, self.folder, self._args(), self._env()))
        longest_s = self._longest_s[run] if self._checked.size else LONGEST_CREATION_S
        time.sleep(self._rng.uniform(0, longest_s))
        alone = self._rng.randrange(3) == 0
        victim.kill() if alone else victim.kill_group()
        said, code = victim.end()
        assert code in {-9, 0}, f"the victim ended with {code}"
        self._tally.killed += code == -9
        self._tally.ended_before += code == 0
        if self.home.switch_token() is None:
            assert b"" == said
            self._tally.creations_cut += 1
            return
        pending = self._check(said)
        self._tally.pending_left += pending

    def _finished(self, run: Any) -> None:
        began = time.perf_counter()
        said, code = Victim(partial(run, self.folder, self._args(), self._env())).end()
        self._longest_s[run] = time.perf_counter() - began
        rows = _rows(said)
        assert (0, dict.fromkeys(TICKERS, "success")) == (code, {row["ticker"]: row["status"] for row in rows})
        assert 0 == self._check(said)
        for file in self.folder.glob("snapshots/*.csv"):
            checksum = file.with_name(f"{file.name}.checksum").read_bytes()
            assert sha256(file.read_bytes()).digest() == parse_checksum(checksum)

    def _check(self, said: bytes) -> int:
        """Assert that the log holds, with all that was acknowledged in it; return how many fetches are pending."""
        report = verify_ledger(self.home)
        assert ("intact", ("anchor",)) == (report.verdict, report.witnesses)
        with EventLog(self.home, now=lambda: 0, readonly=True) as log:
            log.require(self._checked, witness="campaign")
            head = log.head()
            for row in _rows(said):
                self._check_row(log, row)
            assert head == catch_up(log, log.folder)
            assert [] == compare(log, log.folder)
            view = view_at(log, head.size)
            self._check_snapshots(view)
        self._checked = head
        state = view.state["ingest_logs"]
        return sum(len(seqs) for ticker in TICKERS for seqs in ingest_logs.pending(state, ticker).values())

    def _check_row(self, log: EventLog, row: dict[str, Any]) -> None:
        """Assert of a row that was printed that its event is there, its head was the log's, its snapshot is on disk."""
        self._tally.acknowledged += 1
        (record,) = log.read(row["seq"], row["seq"] + 1)
        assert row["ticker"] == decode_envelope(record.seq, record.body).stream
        assert row["head"] in {record.link.hex() for record in log.read(row["seq"])}
        assert row["checksum"] == sha256((self.folder / row["snapshot"]).read_bytes()).hexdigest()

    def _check_snapshots(self, view: View) -> None:
        """Assert that every file under a final name is whole: one that was recorded, or what the log says now."""
        known = {(one.name, one.sha256) for one in snapshots.written(view.state["snapshots"])}
        for one in prices.all_series(view.state["prices"]):
            csv = render(one.ticker, prices.bars(view.state["prices"], one))
            known.add((csv.name, csv.sha256))
        found = {(file.name, sha256(file.read_bytes()).digest()) for file in self.folder.glob("snapshots/*.csv")}
        assert found <= known

    def _args(self) -> tuple[str, ...]:
        tickers = tuple(word for ticker in TICKERS for word in ("--ticker", ticker))
        return (*(() if self._server else ("--no-network",)), *tickers, "--format", "json")

    def _env(self) -> dict[str, str]:
        if self._server is None:
            return environment()
        self._server.now = self._now
        now = self._now.isoformat().replace("+00:00", "Z")
        return environment({"YAHOO_BASE_URL": self._server.url, "B3_LEDGER_NOW": now})


def _rows(said: bytes) -> list[dict[str, Any]]:
    """Return the whole lines that were printed; a kill may cut the last one."""
    lines = said.split(b"\n")[:-1]
    return [msgspec.json.decode(line) for line in lines]


@contextmanager
def _serving() -> Iterator[YahooServer]:
    with YahooServer() as server:
        for number, ticker in enumerate(TICKERS):
            server.series[ticker] = make_series(sessions(HISTORY), seed=number)
        yield server


def campaign(rounds: int, seed: int, folder: Path) -> Tally:
    """Return what `rounds` rounds came to; a place where a promise was broken is left as it is."""
    tally = Tally(what="cli", seed=seed)
    began = time.perf_counter()
    with _serving() as server:
        while tally.rounds < rounds:
            place_seed = seed + tally.rounds
            asked = server if tally.ledgers % YAHOO_PLACES == YAHOO_PLACES - 1 else None
            place = Place(folder / f"place-{place_seed}", place_seed, tally, asked)
            tally.ledgers += 1
            try:
                for _ in range(min(ROUNDS_A_PLACE, rounds - tally.rounds)):
                    place.round()
                place.close()
            except (AssertionError, LedgerError):
                tally.violations.append(f"{place.folder.name}, round {tally.rounds}: {traceback.format_exc()}")
            else:
                shutil.rmtree(place.folder)
    tally.seconds = time.perf_counter() - began
    return tally
