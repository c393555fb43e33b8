"""Does the index of appends say what the events say? It is derived from them, and a retry goes by it.

Source: docs/format.md, "Database".
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from ledger.audit.rehash import Flaw
from ledger.codec import decode_envelope
from ledger.errors import DamagedError
from ledger.store.engine import APPEND, APPENDS, AppendRun, Engine

KIND = "append index"


class IndexReport(msgspec.Struct, frozen=True):
    """What comparing the index with the events found: appends that agree, the first flaw."""

    appends: int
    flaw: Flaw | None


def compare_index(folder: Path, size: int) -> IndexReport:
    """Return whether the index has every append of events [0, size), each as it is, and nothing else.

    Decodes every envelope, so it costs about what re-hashing does. Maps the file: call it in a child process.

    Raises: DamagedError where an event cannot be read; what opening the ledger raises.
    """
    engine = Engine(folder, readonly=True)
    appends = 0
    for identifier, run in _runs(engine, size):
        with engine.reading() as txn:
            found = _found(engine, txn, identifier)
        if found != run:
            says = "none" if found is None else _says(found)
            return IndexReport(appends, Flaw(run.first, KIND, _says(run), says))
        appends += 1
    indexed = _indexed(engine, size)
    flaw = None if indexed == appends else Flaw(None, KIND, f"{appends} appends", f"{indexed}")
    return IndexReport(appends, flaw)


def _runs(engine: Engine, size: int) -> Iterator[tuple[bytes, AppendRun]]:
    """Yield each append of events [0, size): consecutive events with one id were appended together."""
    first, last_id, seq = 0, b"", 0
    while seq < size:
        for record in engine.chunk(seq, size):
            identifier = decode_envelope(record.seq, record.body).append_id
            if identifier != last_id and record.seq:
                yield last_id, AppendRun(first, record.seq - first)
                first = record.seq
            last_id, seq = identifier, record.seq + 1
    if size:
        yield last_id, AppendRun(first, size - first)


def _found(engine: Engine, txn: object, identifier: bytes) -> AppendRun | None:
    try:
        return engine.run_in(txn, identifier)
    except DamagedError:
        return None


def _indexed(engine: Engine, size: int) -> int:
    """Return how many entries of the index begin before `size`; later ones are of appends since."""
    with engine.reading() as txn:
        values = txn.cursor(db=engine.databases[APPENDS]).iternext(keys=False, values=True)
        return sum(len(value) != APPEND.size or APPEND.unpack(value)[0] < size for value in values)


def _says(run: AppendRun) -> str:
    return f"{run.count} from seq {run.first}"
