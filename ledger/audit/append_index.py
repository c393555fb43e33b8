"""Does the index of appends agree with the events? It is derived from them, and retries rely on it.

Source: docs/format.md, "Database".
"""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from ledger.audit.flaw import Flaw
from ledger.codec import decode_envelope
from ledger.errors import DamagedError
from ledger.store.engine import APPEND, APPENDS, AppendRun, Engine

KIND = "append index"


class IndexReport(msgspec.Struct, frozen=True):
    """How many appends agree with the index, and the first flaw."""

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
        found = None
        with engine.reading() as txn, suppress(DamagedError):
            found = engine.run_in(txn, identifier)
        if found != run:
            stored = "none" if found is None else _said(found)
            return IndexReport(appends, Flaw(run.first, KIND, _said(run), stored))
        appends += 1
    # Entries that begin at `size` or later are of appends since.
    with engine.reading() as txn:
        entries = txn.cursor(db=engine.databases[APPENDS]).iternext(keys=False, values=True)
        indexed = sum(len(entry) != APPEND.size or APPEND.unpack(entry)[0] < size for entry in entries)
    flaw = None if indexed == appends else Flaw(None, KIND, f"{appends} appends", f"{indexed}")
    return IndexReport(appends, flaw)


def _runs(engine: Engine, size: int) -> Iterator[tuple[bytes, AppendRun]]:
    """Yield each append of events [0, size): consecutive events with the same id were appended together."""
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


def _said(run: AppendRun) -> str:
    return f"{run.count} from seq {run.first}"
