"""Archives put together by hand, from docs/format.md and not by the code under test."""

import struct
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from ledger.chain import Record
from ledger.codec import Draft
from ledger.events import LEDGER_STREAM, LedgerCreated
from ledger.ids import append_id
from ledger.memory_log import MemoryLog
from ledger.values import LedgerKind
from tests.support.drafts import JOB, StepClock, connection_tested

HEADER = b"b3-ledger archive 1\n"


def created(kind: LedgerKind = "real", ledger_id: bytes = JOB) -> Draft:
    """Return the event that every log begins with."""
    event = LedgerCreated(ledger_id=ledger_id, kind=kind, software="b3-ledger test")
    return Draft(job_id=ledger_id, stream=LEDGER_STREAM, event=event)


def small_log(events: int, *, kind: LedgerKind = "real", ledger_id: bytes = JOB) -> MemoryLog:
    """Return a log of `events` events (at least one), the same ones every time."""
    log = MemoryLog(now=StepClock())
    log.append([created(kind, ledger_id)], append_id=append_id("ledger.created"))
    for number in range(1, events):
        log.append([connection_tested(number, note="x" * number)], append_id=append_id(f"n/{number}"))
    return log


def frames(records: Iterable[Record]) -> list[bytes]:
    """Return the frame of each record: length, link, body."""
    return [struct.pack(">I", len(record.body)) + record.link + record.body for record in records]


def archive(records: Iterable[Record]) -> bytes:
    """Return the whole archive of `records`."""
    return HEADER + b"".join(frames(records))


def put(path: Path, content: bytes, *, checksum: bool = False) -> Path:
    """Make the file `path` hold `content`, with a `.checksum` that fits where asked; return the path."""
    path.write_bytes(content)
    if checksum:
        path.with_name(f"{path.name}.checksum").write_text(f"{sha256(content).hexdigest()}  {path.name}\n", "utf-8")
    return path
