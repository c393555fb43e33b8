"""Kills at random instants of an import, whose appends share transactions, and what must hold after each.

Victims import one file, the next after the one that was killed, until nobody is killed any more. By then the log has
to say what one that was never disturbed says, and at no instant more than a part of that, append by append.
"""

import random
import shutil
import time
import traceback
from functools import partial
from pathlib import Path
from unittest.mock import patch

from ledger.codec import decode_envelope, decode_event, encode_data
from ledger.errors import LedgerError
from ledger.ids import new_id
from ledger.ingest.providers.cotahist import file, importing
from ledger.ingest.providers.cotahist.importing import Importer
from ledger.ingest.providers.cotahist.intake import Intake, Selection
from ledger.ingest.providers.cotahist.spool import Spool
from ledger.ingest.rules.held import Held
from ledger.store.anchor import read_anchor
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import ANCHOR_FILE, LedgerHome
from projections.store.replaying import compare
from projections.store.runner import catch_up
from tests.kills.tally import Tally
from tests.kills.victim import Victim
from tests.support.cotahist import made, quotes
from tests.support.oracle import check_log

YEAR = 2025
NOW_US = 1_770_000_000_000_000
LOCK_TIMEOUT_S = 20.0
RECORDS = 3_000
APPENDS_A_COMMIT = 3  # so that a small file has many transactions

Said = tuple[bytes, str, bytes]  # append id, stream and data of an event: all that no job and no clock decides


class Lifetimes:
    """How long the next victim lives: no longer than one that came to its end in it, so that most are killed."""

    def __init__(self, rng: random.Random, longest_s: float) -> None:
        self._rng, self._longest_s = rng, longest_s

    def drawn_s(self) -> float:
        """Return how long the next one lives."""
        return self._rng.uniform(0, self._longest_s)

    def ended_within(self, life_s: float) -> None:
        """Remember that a victim was done before its `life_s` was over: a machine may be quicker than it was."""
        self._longest_s = min(self._longest_s, life_s)


def take(home: LedgerHome, path: Path, _said: int = -1) -> None:
    """Import the file at `path` into the ledger of `home`. The victim's work."""
    with (
        patch.object(importing, "COMMIT_APPENDS", APPENDS_A_COMMIT),
        EventLog(home, now=lambda: NOW_US, lock_timeout_s=LOCK_TIMEOUT_S) as log,
        Spool() as spool,
        file.opened(path) as text,
    ):
        intake = Intake(Selection(market="all"))
        intake.fill(spool, text, text.batches())
        importer = Importer(
            intake.contents(text, started_at=NOW_US, finished_at=NOW_US),
            job_id=new_id(NOW_US),
            log=log,
            held=lambda *_: Held({}),
            threshold_percent=10,
            lock_timeout_s=LOCK_TIMEOUT_S,
        )
        for _ in importer.run(spool):
            pass


def said(home: LedgerHome) -> list[Said]:
    """Return what the log of `home` says after its own event; a decision is there with the evidence that caused it."""
    found: list[Said] = []
    with EventLog(home, now=lambda: 0, readonly=True) as log:
        for record in log.read(1):
            envelope = decode_envelope(record.seq, record.body)
            if envelope.cause is not None:
                assert (found[-1][:2], envelope.cause) == ((envelope.append_id, envelope.stream), envelope.seq - 1)
            found.append((envelope.append_id, envelope.stream, encode_data(decode_event(envelope))))
        assert log.head() == catch_up(log, log.folder)
        anchored = read_anchor(log.folder / ANCHOR_FILE)
        assert anchored is not None
        assert anchored.size <= log.head().size
    return found


def new_ledger(folder: Path) -> LedgerHome:
    """Return a home with a ledger of one event."""
    home = LedgerHome(folder)
    create_ledger(home, kind="real", software="kills", now=lambda: NOW_US, lock_timeout_s=LOCK_TIMEOUT_S)
    return home


def campaign(rounds: int, seed: int, folder: Path) -> Tally:
    """Return what `rounds` rounds came to: each a victim that is killed, ledger after ledger."""
    rng, tally, began = random.Random(seed), Tally(what="import", seed=seed), time.perf_counter()
    path = made(folder / "A.TXT", quotes(records=RECORDS, year=YEAR, seed=seed), year=YEAR)
    undisturbed = new_ledger(folder / "undisturbed")
    started = time.perf_counter()
    take(undisturbed, path)
    lifetimes = Lifetimes(rng, time.perf_counter() - started)
    want = said(undisturbed)
    while tally.rounds < rounds:
        home = new_ledger(folder / f"ledger-{tally.rounds}")
        tally.ledgers += 1
        try:
            _disturbed(home, path, want, lifetimes, tally, rounds)
        except (AssertionError, LedgerError):
            tally.violations.append(f"{home.root}, round {tally.rounds}: {traceback.format_exc()}")
            tally.rounds += 1
        else:
            shutil.rmtree(home.root)
    tally.seconds = time.perf_counter() - began
    return tally


def _disturbed(home: LedgerHome, path: Path, want: list[Said], lifetimes: Lifetimes, tally: Tally, rounds: int) -> None:
    code, known = -9, 0
    while code == -9 and tally.rounds < rounds:
        victim = Victim(partial(take, home, path))
        time.sleep(life_s := lifetimes.drawn_s())
        victim.kill()
        _, code = victim.end()
        assert code in {-9, 0}, f"the victim ended with {code}"
        tally.rounds += 1
        tally.killed += code == -9
        tally.ended_before += code == 0
        if code == 0:
            lifetimes.ended_within(life_s)
        found = said(home)
        # Tickers come in one order, so what is there is the beginning of all, by whole appends.
        assert want[: len(found)] == found
        assert known <= len(found)
        assert len(found) % 2 == 0
        tally.landed_unacknowledged += len(found) > known
        known = len(found)
    take(home, path)
    assert want == said(home)
    with EventLog(home, now=lambda: 0, readonly=True) as log:
        check_log(log)
        assert [] == compare(log, log.folder)
        tally.events += log.head().size
    tally.full_checks += 1
