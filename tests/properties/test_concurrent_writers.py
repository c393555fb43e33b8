"""Writers in processes of their own, all retrying each other's appends: each lands once, and all are told the same."""

import os
import random
import struct
import time
from functools import partial
from pathlib import Path

from ledger.audit.verify import verify_ledger
from ledger.codec import Draft, decode_envelope, decode_event
from ledger.ids import append_id
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.kills.victim import Victim
from tests.support.drafts import connection_tested
from tests.support.oracle import check_log

PROCESSES = 4
SHARED, OWN = 20, 20  # appends that all of them ask for, and appends of each alone
TOLD = struct.Struct(">QQQ32s?")  # name, first, size after, link after, repeated


def drafts(name: int) -> list[Draft]:
    """Return the events of the append `name`: one to three of them."""
    return [connection_tested(100 * name + number) for number in range(1 + name % 3)]


def names(process: int) -> list[int]:
    """Return what one process asks for, in an order of its own."""
    own = range(SHARED + process * OWN, SHARED + (process + 1) * OWN)
    asked = [*range(SHARED), *own]
    random.Random(process).shuffle(asked)
    return asked


def create(home: LedgerHome) -> None:
    """Make the ledger if there is none; of all who ask at once, one does."""
    create_ledger(home, kind="real", software="test", now=lambda: 0, lock_timeout_s=30)


def write(home: LedgerHome, process: int, said: int) -> None:
    """Append all that the process asks for and say what it was told."""
    create(home)
    with EventLog(home, now=lambda: time.time_ns() // 1000, lock_timeout_s=30) as log:
        for name in names(process):
            told = log.append(drafts(name), append_id=append_id(f"writer/{name}"))
            os.write(said, TOLD.pack(name, told.first, told.head.size, told.head.link, told.repeated))


def test_every_acknowledged_append_is_there_once(tmp_path: Path) -> None:
    """Creation included: one ledger, no holes, no doubles, and one answer for all who asked for the same."""
    home = LedgerHome(tmp_path / "dados")
    ended = [victim.end() for victim in [Victim(partial(write, home, process)) for process in range(PROCESSES)]]
    assert [0] * PROCESSES == [code for _, code in ended]
    told = [TOLD.unpack(said[at : at + TOLD.size]) for said, _ in ended for at in range(0, len(said), TOLD.size)]
    assert sorted(name for process in range(PROCESSES) for name in names(process)) == sorted(name for name, *_ in told)
    answers = {(name, first, size, link) for name, first, size, link, _ in told}
    assert SHARED + PROCESSES * OWN == len(answers) == sum(not repeated for *_, repeated in told)
    report = verify_ledger(home)
    assert ("intact", ("anchor",)) == (report.verdict, report.witnesses)
    with EventLog(home, now=lambda: 0, readonly=True) as log:
        check_log(log)
        events = [decode_event(decode_envelope(record.seq, record.body)) for record in log.read()]
        for name, first, size, link in answers:
            assert [draft.event for draft in drafts(name)] == events[first:size]
            assert link == log.link_at(size - 1)
    assert 1 + sum(len(drafts(name)) for name, *_ in answers) == len(events)
