"""Re-hashing a stored log, in child processes: a damaged database can kill whoever maps it.

The link before any event is stored, so any range stands alone and two cores share the work.
"""

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
from blake3 import blake3

from ledger.chain import GENESIS, LINK_BYTES
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.store.engine import EVENTS, KEY_BYTES, Engine, key

EVENTS_A_TRANSACTION = 10_000
WORTH_A_SECOND_PROCESS = 20_000
ARRAY_OF_8 = b"\x98"

_encode = msgspec.msgpack.Encoder().encode


class Flaw(msgspec.Struct, frozen=True):
    """The first thing that does not hold; `seq` None where it is not one of the events."""

    seq: int | None
    kind: str
    expected: str
    found: str


class RangeReport(msgspec.Struct, frozen=True):
    """What re-hashing [start, stop) found: events that hold from `start` on, their bytes, the first flaw."""

    start: int
    stop: int
    good: int
    body_bytes: int
    flaw: Flaw | None


def seq_prefix(seq: int) -> bytes:
    """Return how every body stored at `seq` begins: an array of 8, the seq first.

    Source: MessagePack specification, "int format family".
    """
    return ARRAY_OF_8 + _encode(seq)


def walk_range(engine: Engine, start: int, stop: int) -> RangeReport:
    """Re-hash events [start, stop) of an open ledger and return what was found.

    Short transactions: a long reader would make a live file grow.
    """
    good = body_bytes = 0
    while start + good < stop:
        end = min(start + good + EVENTS_A_TRANSACTION, stop)
        done, added_bytes, flaw = _walk(engine, start + good, end)
        good, body_bytes = good + done, body_bytes + added_bytes
        if flaw is not None:
            return RangeReport(start, stop, good, body_bytes, flaw)
    return RangeReport(start, stop, good, body_bytes, None)


def _walk(engine: Engine, start: int, stop: int) -> tuple[int, int, Flaw | None]:
    stored = GENESIS if start == 0 else engine.link_at(start - 1)
    if stored is None:
        return 0, 0, Flaw(start - 1, "missing event", f"seq {start - 1}", "none")
    prev: bytes = stored
    body_bytes = 0
    hasher = blake3()
    reset, update, digest, encode = hasher.reset, hasher.update, hasher.digest, _encode
    with engine.reading() as txn:
        seq = start
        # This loop is what verification costs: `key` and `seq_prefix` stand in it written out.
        for found_key, value in _items(engine, txn, start):
            body = value[LINK_BYTES:]
            reset()
            update(prev + body)
            link = digest()
            if (
                found_key != seq.to_bytes(KEY_BYTES, "big")
                or not value.startswith(link)
                or not body.startswith(ARRAY_OF_8 + encode(seq))
            ):
                return seq - start, body_bytes, _flaw(seq, found_key, value, link)
            body_bytes += len(body)
            prev = link
            seq += 1
            if seq == stop:
                return seq - start, body_bytes, None
    return seq - start, body_bytes, Flaw(seq, "missing event", f"seq {seq}", "the end")


def _items(engine: Engine, txn: Any, start: int) -> Any:
    cursor = txn.cursor(db=engine.databases[EVENTS])
    return cursor.iternext() if cursor.set_range(key(start)) else ()


def _flaw(seq: int, found_key: bytes, value: bytes, link: bytes) -> Flaw:
    if found_key != key(seq):
        return Flaw(seq, "missing event", f"seq {seq}", f"key {found_key.hex()}")
    if len(value) < LINK_BYTES:
        return Flaw(seq, "record", f"at least {LINK_BYTES} bytes", f"{len(value)} bytes")
    if value[:LINK_BYTES] != link:
        return Flaw(seq, "link", link.hex(), value[:LINK_BYTES].hex())
    want = seq_prefix(seq)
    return Flaw(seq, "seq", want.hex(), value[LINK_BYTES : LINK_BYTES + len(want)].hex())


def walk_ledger(folder: Path, size: int, *, workers: int) -> list[RangeReport]:
    """Re-hash events [0, size) of the ledger in `folder`, in up to `workers` processes at once.

    Never maps the file in this process, so no damage can end it; a child that dies is a flaw of its range.
    """
    parts = workers if size >= WORTH_A_SECOND_PROCESS else 1
    ranges = list(pairwise(size * part // parts for part in range(parts + 1)))
    children = [IsolatedProcess(partial(_walk_here, folder, *bounds), RangeReport) for bounds in ranges]
    return [_collect(child, *bounds) for child, bounds in zip(children, ranges, strict=True)]


def _walk_here(folder: Path, start: int, stop: int) -> RangeReport:
    return walk_range(Engine(folder, readonly=True), start, stop)


def _collect(child: IsolatedProcess[RangeReport], start: int, stop: int) -> RangeReport:
    try:
        return child.result()
    except IsolatedProcessError as error:
        return RangeReport(start, stop, 0, 0, Flaw(None, "database", "a readable database", error.how))
