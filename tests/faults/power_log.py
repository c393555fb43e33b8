"""Power cuts while the log is appended to: what was acknowledged is there on every disk that a cut may leave.

A round is some appends to a new ledger, with the disks of all their instants: about a thousand.
"""

import os
import random
import struct
from itertools import islice
from pathlib import Path

from ledger.audit.rehash import rehash_range
from ledger.audit.verify import verify_ledger
from ledger.chain import Head, Link
from ledger.ids import append_id
from ledger.store.engine import Engine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.faults.place import LOCK_TIMEOUT_S, grow, new_home
from tests.faults.power import Scenario, cut_power
from tests.faults.shim import Shim
from tests.faults.tally import Tally
from tests.support.drafts import StepClock, connection_tested
from tests.support.following import Following
from tests.support.mix import realistic

APPENDS_A_ROUND = 12
ALL_CHECKS_ONE_IN = 25
AT_RANDOM = 12
ACK = struct.Struct(">Q32s")
LONG_ROUNDS = 150


def campaign(seed: int, rounds: int, folder: Path, tally: Tally, shim: Shim) -> None:
    """Cut the power of `rounds` ledgers at every instant."""
    for number in range(seed, seed + rounds):
        with tally.holding(number):
            cut_power(_appending(number), number, folder / "place", tally, shim)


def _appending(seed: int) -> Scenario:
    rng = random.Random(seed)
    held = rng.choice((0, 3, 40))

    def prepare(root: Path) -> None:
        home = new_home(root / "dados")
        if held:
            grow(home, held, seed + 1)

    def work(root: Path, said: int) -> None:
        with EventLog(LedgerHome(root / "dados"), now=StepClock(), lock_timeout_s=LOCK_TIMEOUT_S) as log:
            following = Following(log.read())
            for number, drafts in enumerate(islice(realistic(10_000, seed), APPENDS_A_ROUND)):
                few = [connection_tested(at, note="x" * rng.randrange(3_000)) for at in range(rng.choice((0, 0, 1, 9)))]
                told = following.drafts([*drafts, *few], log.head().size)
                head = log.append(told, append_id=append_id(f"power/{number}")).head
                os.write(said, ACK.pack(head.size, head.link))

    return Scenario(name="log", prepare=prepare, work=work, checker=Checker, at_random=AT_RANDOM)


class Checker:
    """Looks at a ledger as a cut left it, knowing every event that it may hold."""

    def __init__(self, done: Path) -> None:
        """Learn the links of the ledger whose work came to its end in `done`."""
        with EventLog(LedgerHome(done / "dados"), now=lambda: 0, readonly=True) as log:
            self._links = [record.link for record in log.read()]
        self._looked = 0

    def __call__(self, root: Path, marks: bytes) -> None:
        """Assert that the ledger opens, re-hashes, holds what `marks` acknowledge and nothing that never was."""
        self._looked += 1
        home = LedgerHome(root / "dados")
        acks = [Head(size, Link(link)) for size, link in ACK.iter_unpack(marks)]
        with EventLog(home, now=lambda: 0, readonly=True) as log:  # refuses when the anchor leads
            head = log.head()
            folder = log.folder
        assert head.link == self._links[head.size - 1]
        assert not acks or (acks[-1].size <= head.size and acks[-1].link == self._links[acks[-1].size - 1])
        engine = Engine(folder, readonly=True)
        try:
            report = rehash_range(engine, 0, head.size)
        finally:
            engine.close()
        assert (head.size, None) == (report.good, report.flaw)
        if self._looked % ALL_CHECKS_ONE_IN == 0:
            self._check_all(home, head)

    def _check_all(self, home: LedgerHome, head: Head) -> None:
        """Assert that pages and index hold too, and that the next writer goes on."""
        report = verify_ledger(home, structure=True)
        assert ("intact", head.size, ("anchor",)) == (report.verdict, report.events, report.witnesses)
        with EventLog(home, now=StepClock(), lock_timeout_s=LOCK_TIMEOUT_S) as log:
            after = log.append([connection_tested(1)], append_id=append_id("after"))
        assert head.size == after.first
        assert "intact" == verify_ledger(home, structure=True).verdict
