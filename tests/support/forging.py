"""What somebody can do who writes to the data folder and knows the format: every neighbour of a change is mended too.

Links, seqs, causes, append index, anchor, and the heads that the log itself records are those of the forged log; the
read models are gone, so that the next command builds them from it.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ledger.backup.archive_log import archive_log
from ledger.backup.restore_build import fill
from ledger.chain import GENESIS, Record, Seq, link
from ledger.checkpoint import tree
from ledger.store.anchor import Anchor
from ledger.store.engine import Engine
from ledger.store.home import ANCHOR_FILE, PROJECTIONS
from tests.ledger.checkpoint import reference
from tests.support.archives import archive, put

Body = list[Any]  # a body's eight items, its data a map
Change = Callable[[list[Body]], list[Body]]

SEQ, JOB_ID, CAUSE, TYPE, DATA = 0, 3, 4, 6, 7


def bodies(folder: Path) -> list[Body]:
    """Return every event of the ledger in `folder`, decoded."""
    engine = Engine(folder, readonly=True)
    try:
        return [msgspec.msgpack.decode(one.body) for one in _records(engine)]
    finally:
        engine.close()


def _records(engine: Engine) -> list[Record]:
    found: list[Record] = []
    size = engine.head().size
    while len(found) < size:
        found += engine.chunk(len(found), size)
    return found


def chained(events: Sequence[Body]) -> list[Record]:
    """Return `events` as a log that holds in itself, recorded heads and roots among them."""
    prev, records = GENESIS, list[Record]()
    moved = {event[SEQ]: seq for seq, event in reversed(list(enumerate(events)))}  # of one that is copied: the first
    for seq, event in enumerate(events):
        event[SEQ], event[CAUSE] = seq, moved.get(event[CAUSE])
        if event[TYPE] in {"checkpoint.signed/1", "checkpoint.timestamped/1", "backup.created/1", "backup.created/2"}:
            _mend(event[DATA], records)
        body = msgspec.msgpack.encode(event)
        prev = link(prev, body)
        records.append(Record(Seq(seq), prev, body))
    return records


def _mend(data: dict[str, Any], records: Sequence[Record]) -> None:
    size = min(data["size"], len(records))
    data["size"] = size
    if "link" in data:
        data["link"] = records[size - 1].link
    if "root" in data:
        data["root"] = reference.mth([tree.leaf(one.seq, one.link, one.body) for one in records[:size]])


def forge_ledger(folder: Path, change: Change) -> None:
    """Put the changed events in the place of those in the ledger `folder`."""
    records = chained(change(bodies(folder)))
    scratch = folder.with_name("forged")
    scratch.mkdir()
    source = archive_log(put(scratch / "a.db", archive(records)))
    engine = Engine(scratch, readonly=False, create=True)
    head = fill(engine, source)
    engine.close()
    shutil.copy(scratch / "data.mdb", folder / "data.mdb")
    (folder / "lock.mdb").unlink(missing_ok=True)
    Anchor.create(folder / ANCHOR_FILE, head).close()
    shutil.rmtree(folder / PROJECTIONS, ignore_errors=True)
    shutil.rmtree(scratch)


def forge_archive(path: Path, folder: Path, change: Change) -> None:
    """Write the changed events of the ledger in `folder` as a backup, with the `.checksum` that fits."""
    put(path, archive(chained(change(bodies(folder)))), checksum=True)
