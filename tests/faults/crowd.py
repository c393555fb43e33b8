"""Many at once: two writers whose clocks jump, and ten readers, on a ledger whose map grows under them.

A round is some seconds of that. Every reader sees a log that only grows, whole each time it looks; every append
that was acknowledged is there at the end, once, and time never runs backwards in it.
"""

import os
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import ledger.store.engine
from ledger.audit.verify import verify_ledger
from ledger.chain import EMPTY_HEAD, Head, Link, link
from ledger.codec import decode_envelope
from ledger.ids import append_id
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.faults.place import LOCK_TIMEOUT_S, new_home
from tests.faults.power_log import ACK
from tests.faults.tally import Tally
from tests.kills.victim import Victim
from tests.support.drafts import connection_tested
from tests.support.oracle import check_log

WRITERS, READERS = 2, 10
SECONDS = 2.0
SMALL_MAP_BYTES = 1024 * 1024  # so that it grows several times in that while
LONG_ROUNDS = 20
HOUR_US = 3_600_000_000
LOOK = b"."


def campaign(seed: int, rounds: int, folder: Path, tally: Tally) -> None:
    """Let them all loose for `SECONDS`, `rounds` times."""
    for number in range(seed, seed + rounds):
        with tally.holding(number):
            _crowd(number, new_home(folder / f"dados-{number}"), tally)


def _crowd(seed: int, home: LedgerHome, tally: Tally) -> None:
    until = time.monotonic() + SECONDS
    writers = [Victim(partial(_write, home, seed * WRITERS + one, until)) for one in range(WRITERS)]
    readers = [Victim(partial(_read, home, until)) for _ in range(READERS)]
    acks = [ack for writer in writers for ack in _acks(_said(writer))]
    looks = sum(len(_said(reader)) for reader in readers)
    assert len(acks) > WRITERS
    assert looks > READERS
    _check(home, acks)
    tally.count("appends acknowledged", len(acks))
    tally.count("looks at the growing log", looks)
    tally.count("MiB that the map grew to", (home.root / "ledger-1" / "data.mdb").stat().st_size >> 20)


def _said(victim: Victim) -> bytes:
    said, code = victim.end()
    assert code == 0, f"the process ended with {code}"
    return said


def _acks(said: bytes) -> list[Head]:
    return [Head(size, Link(found)) for size, found in ACK.iter_unpack(said)]


def _check(home: LedgerHome, acks: list[Head]) -> None:
    with EventLog(home, now=lambda: 0, readonly=True) as log:
        check_log(log)
        held = {Head(record.seq + 1, record.link) for record in log.read()}
        size = log.head().size
    assert len(acks) == len(set(acks)) == size - 1
    assert set(acks) < held
    report = verify_ledger(home, structure=True)
    assert ("intact", size, ("anchor",)) == (report.verdict, report.events, report.witnesses)


def _write(home: LedgerHome, seed: int, until: float, said: int) -> None:
    """Append until then, by a clock that is an hour ahead now and an hour behind then; say each acknowledgement."""
    rng = random.Random(seed)
    _start_small()
    with EventLog(home, now=_jumping(rng), lock_timeout_s=LOCK_TIMEOUT_S) as log:
        number = 0
        while time.monotonic() < until:
            draft = connection_tested(number, note="x" * rng.randrange(30_000))
            head = log.append([draft], append_id=append_id(f"{seed}/{number}")).head
            os.write(said, ACK.pack(head.size, head.link))
            number += 1


def _jumping(rng: random.Random) -> Callable[[], int]:
    return lambda: time.time_ns() // 1000 + rng.randrange(-HOUR_US, HOUR_US)


def _read(home: LedgerHome, until: float, said: int) -> None:
    """Look again and again, through one log that stays open; say each look."""
    _start_small()
    with EventLog(home, now=lambda: 0, readonly=True) as log:
        seen, recorded_at = EMPTY_HEAD, 0
        while time.monotonic() < until:
            seen, recorded_at = _follow(log, seen, recorded_at)
            os.write(said, LOOK)


def _follow(log: EventLog, seen: Head, recorded_at: int) -> tuple[Head, int]:
    """Re-hash what is new since `seen`; return the head and the last time, which never decreases."""
    head, prev = log.head(), seen.link
    assert head.size >= seen.size
    for record in log.read(seen.size, head.size):
        prev = link(prev, record.body)
        assert prev == record.link
        now = decode_envelope(record.seq, record.body).recorded_at
        assert now >= recorded_at
        recorded_at = now
    assert prev == head.link
    return head, recorded_at


def _start_small() -> None:
    """Have this process open ledgers with a map that is soon full."""
    ledger.store.engine.FIRST_MAP_BYTES = SMALL_MAP_BYTES
