"""Kills at random instants of `EventLog.append`, and what must hold after each.

Victims append one known, endless row of appends, in order, the next victim from the last acknowledged one on. So
the log is always a prefix of that row, and what was cut short is asked for again under its own id, as a caller
would that does not know whether it was acknowledged.
"""

import os
import random
import shutil
import struct
import time
import traceback
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import msgspec

from ledger.audit.verify import verify_ledger
from ledger.chain import EMPTY_HEAD, Head, Link, link
from ledger.codec import decode_envelope, encode_data
from ledger.errors import LedgerError
from ledger.ids import append_id
from ledger.store.anchor import read_anchor
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import ANCHOR_FILE, LedgerHome
from projections.store.replaying import compare, replay
from projections.store.runner import catch_up, rebuild
from tests.kills.tally import Tally
from tests.kills.victim import Victim
from tests.support.mix import Batch, realistic
from tests.support.oracle import check_log

ACK = struct.Struct(">QQ32s")  # number of the append, size after it, link after it
APPENDS_AHEAD = 400
LONGEST_LIFE_S = 0.03
LONGEST_CREATION_S = 0.008
ROUNDS_A_LEDGER = 200
ROUNDS_A_FULL_CHECK = 50
LOCK_TIMEOUT_S = 20.0


class Planned(msgspec.Struct, frozen=True):
    """One append of the row: its number, the seq of its first event, and its events."""

    number: int
    first: int
    drafts: Batch

    @property
    def stop(self) -> int:
        """The size of the log once it has landed."""
        return self.first + len(self.drafts)

    @property
    def append_id(self) -> bytes:
        """Its natural key, the same for every victim."""
        return append_id(f"kills/{self.number}")


class Ack(msgspec.Struct, frozen=True):
    """What a victim was told when its append returned."""

    number: int
    head: Head


def plan(seed: int) -> Iterator[Planned]:
    """Yield the row of appends: the realistic mix, now and then a few appends' events in one."""
    rng = random.Random(seed)
    batches, first, number = realistic(10**9, seed), 1, 0
    while True:
        few = rng.choice((1, 1, 1, 1, 2, 30))
        drafts = tuple(draft for batch in islice(batches, few) for draft in batch)
        yield Planned(number, first, drafts)
        first, number = first + len(drafts), number + 1


def make_ledger(home: LedgerHome) -> None:
    """Make the ledger of `home` if there is none."""
    create_ledger(home, kind="real", software="kills", now=lambda: 0, lock_timeout_s=LOCK_TIMEOUT_S)


def append_all(home: LedgerHome, row: Sequence[Planned], seed: int, said: int) -> None:
    """Append all of `row`, saying each acknowledgement; read models catch up now and then. The victim's work."""
    rng = random.Random(seed)
    make_ledger(home)
    with EventLog(home, now=partial(_jumping, rng), lock_timeout_s=LOCK_TIMEOUT_S) as log:
        for planned in row:
            appended = log.append(planned.drafts, append_id=planned.append_id)
            os.write(said, ACK.pack(planned.number, appended.head.size, appended.head.link))
            if rng.random() < 0.05:
                catch_up(log, log.folder)


def _jumping(rng: random.Random) -> int:
    """Return the time by a clock that is up to an hour off, another way each time it is looked at."""
    return time.time_ns() // 1000 + rng.randrange(-3_600_000_000, 3_600_000_000)


class Ledger:
    """One ledger through many rounds, checked as far as `checked`."""

    def __init__(self, folder: Path, seed: int, tally: Tally) -> None:
        """Begin with nothing there at all: the first victims create it."""
        self.home = LedgerHome(folder / "dados")
        self._tally = tally
        self._rng = random.Random(seed)
        self._plan = plan(seed)
        self._row: list[Planned] = []  # what is not known to be in the log
        self._checked = EMPTY_HEAD
        self._recorded_at = 0
        self._longest_s = LONGEST_CREATION_S
        self._longest_life_s = LONGEST_LIFE_S

    def round(self) -> None:
        """Start one or two victims, kill each at its random instant, and assert that nothing promised was broken."""
        self._row.extend(islice(self._plan, APPENDS_AHEAD - len(self._row)))
        # Two at once ask for the same appends: each lands once, whoever was first.
        victims = [Victim(self._work()) for _ in range(self._rng.choice((1, 1, 1, 2)))]
        acks = [ack for victim in victims for ack in self._killed(victim)]
        self._tally.rounds += 1
        self._tally.acknowledged += len(acks)
        if self.home.switch_token() is None:
            assert [] == acks
            self._tally.creations_cut += 1
            self._longest_s *= 1.1
            return
        # A busy machine may end every victim before its first append: about a third of the rounds hit that.
        self._longest_life_s = max(LONGEST_LIFE_S, self._longest_life_s * (0.95 if acks else 1.1))
        self._longest_s = self._longest_life_s
        with EventLog(self.home, now=lambda: 0, readonly=True) as log:  # refuses when the anchor does not hold
            self._check_tail(log, acks)
            assert log.head() == catch_up(log, log.folder)

    def check_all(self) -> None:
        """Assert that the whole log re-hashes, is what was planned, and that its read models are its own."""
        if self.home.switch_token() is None:
            return
        report = verify_ledger(self.home)
        assert ("intact", self._checked.size, ("anchor",)) == (report.verdict, report.events, report.witnesses)
        with EventLog(self.home, now=lambda: 0, readonly=True) as log:
            assert self._checked == log.head()
            check_log(log)
        self._tally.full_checks += 1

    def close(self) -> None:
        """Assert that one that is not killed finishes what is left, and that a rebuild changes no read model."""
        self.check_all()
        victim = Victim(partial(append_all, self.home, self._row[:10], self._rng.getrandbits(32)))
        said, code = victim.end()
        assert (0, 10 * ACK.size) == (code, len(said))
        with EventLog(self.home, now=lambda: 0, readonly=True) as log:
            self._check_tail(log, _acks(said))
            assert log.head() == rebuild(log, log.folder)
            assert [] == compare(log, log.folder)
            assert set(replay(log))
        self.check_all()
        self._tally.events += self._checked.size

    def _work(self) -> partial[None]:
        return partial(append_all, self.home, self._row, self._rng.getrandbits(32))

    def _killed(self, victim: Victim) -> list[Ack]:
        time.sleep(self._rng.uniform(0, self._longest_s))
        victim.kill()
        said, code = victim.end()
        assert code in {-9, 0}, f"the victim ended with {code}"
        self._tally.killed += code == -9
        self._tally.ended_before += code == 0
        return _acks(said)

    def _check_tail(self, log: EventLog, acks: list[Ack]) -> None:
        head = log.head()
        links, stops = self._walk(log, head), {planned.number: planned.stop for planned in self._row}
        for ack in acks:
            # The link is a hash over all bytes up to there: the same link is the same events, byte for byte.
            assert ack.head == Head(stops[ack.number], links.get(ack.head.size, Link(b"")))
        told = max((ack.head.size for ack in acks), default=0)
        known = max(told, self._checked.size, 1)
        self._check_end(head, known)
        anchored = read_anchor(log.folder / ANCHOR_FILE)
        assert anchored is not None
        assert told <= anchored.size <= head.size
        self._tally.anchors_behind += anchored.size < head.size
        self._tally.landed_unacknowledged += head.size > known
        self._row = [planned for planned in self._row if planned.stop > head.size]
        self._checked = head

    def _walk(self, log: EventLog, head: Head) -> dict[int, Link]:
        """Return the links by size past what was checked, hashed here, each event held against what was planned."""
        drafts = {
            planned.first + at: (planned, draft) for planned in self._row for at, draft in enumerate(planned.drafts)
        }
        links, prev, seq = {}, self._checked.link, self._checked.size - 1
        for seq, record in enumerate(log.read(self._checked.size), self._checked.size):
            links[seq + 1] = prev = link(prev, record.body)
            assert (seq, prev) == (record.seq, record.link)
            envelope = decode_envelope(seq, record.body)
            assert envelope.recorded_at >= self._recorded_at
            self._recorded_at = envelope.recorded_at
            if seq:
                planned, draft = drafts[seq]
                assert (planned.append_id, draft.job_id, draft.cause, draft.stream, encode_data(draft.event)) == (
                    envelope.append_id,
                    envelope.job_id,
                    envelope.cause,
                    envelope.stream,
                    bytes(envelope.data),
                )
        assert head == Head(seq + 1, prev)
        return links

    def _check_end(self, head: Head, known: int) -> None:
        """Assert that the log ends where it was known to, or with the whole append after that."""
        in_flight = next(planned.stop for planned in self._row if planned.first == known)
        assert head.size in {known, in_flight}


def _acks(said: bytes) -> list[Ack]:
    whole = len(said) // ACK.size * ACK.size
    assert whole == len(said)  # a write this small is never torn
    return [Ack(number, Head(size, Link(found))) for number, size, found in ACK.iter_unpack(said)]


def campaign(rounds: int, seed: int, folder: Path) -> Tally:
    """Return what `rounds` rounds came to; a ledger that breaks a promise is left where it lies."""
    tally = Tally(what="append", seed=seed)
    began = time.perf_counter()
    while tally.rounds < rounds:
        ledger_seed = seed + tally.rounds
        ledger = Ledger(folder / f"ledger-{ledger_seed}", ledger_seed, tally)
        tally.ledgers += 1
        try:
            _grow(ledger, min(ROUNDS_A_LEDGER, rounds - tally.rounds))
        except (AssertionError, LedgerError):
            tally.violations.append(f"ledger of seed {ledger_seed}, round {tally.rounds}: {traceback.format_exc()}")
            tally.rounds += 1
        else:
            shutil.rmtree(ledger.home.root.parent)
    tally.seconds = time.perf_counter() - began
    return tally


def _grow(ledger: Ledger, rounds: int) -> None:
    for number in range(1, rounds + 1):
        ledger.round()
        if number % ROUNDS_A_FULL_CHECK == 0:
            ledger.check_all()
    ledger.close()
