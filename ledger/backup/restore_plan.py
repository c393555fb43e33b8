"""How the ledger in use compares to an archive, and so what restoring it would replace.

The ledger is only read in child processes: a damaged database can kill the process that maps it.
"""

import mmap
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from ledger.audit.verify import VerifyReport, VerifyVerdict, verify_folder
from ledger.backup.archive_log import ArchiveLog
from ledger.chain import Head, Link, Record
from ledger.codec import decode_envelope
from ledger.errors import DamagedError, NotALedgerError
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.log_source import Witness
from ledger.store.engine import Engine
from ledger.store.home import LedgerHome

Relation = Literal["absent", "prefix", "contains", "forked", "damaged"]
Action = Literal["restore", "keep", "ask"]

COUNTED = struct.Struct("=QQ")  # events, the first one's seq


class Lacking(msgspec.Struct, frozen=True):
    """The readable events of a ledger that an archive does not hold: how many, and the first one's seq.

    `at_least` when searching for more of them killed the process that searched.
    """

    events: int
    first_seq: int | None
    at_least: bool = False

    def describe(self) -> str:
        """Return in words what the restored ledger would lack."""
        if not self.events:
            return "no readable event that the backup lacks"
        few = "at least " if self.at_least else ""
        noun = "event" if self.events == 1 else "events"
        return f"{few}{self.events} readable {noun} from seq {self.first_seq} on that the backup lacks"


class LedgerComparison(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger in use, compared to an archive.

    `absent` no ledger, `prefix` all of it is in the archive and the archive goes on, `contains` it equals or
    extends the archive, `forked` each holds events that the other does not, `damaged` it does not verify.
    `lacking` None where the ledger could not be read at all. `lost` when no `CURRENT` names the folder.
    """

    relation: Relation
    folder: Path | None = None
    head: Head | None = None
    verdict: VerifyVerdict | None = None
    lacking: Lacking | None = None
    lost: bool = False

    def action(self, *, rollback: bool) -> Action:
        """Return what restoring comes to: go ahead, nothing to do, or only with the operator's consent."""
        if self.relation in {"absent", "prefix"}:
            return "restore"
        if self.relation == "contains" and not (rollback and self.lacking and self.lacking.events):
            return "keep"
        return "ask"

    def describe(self) -> str:
        """Return in words what would be replaced, where `action` is to ask."""
        assert self.folder is not None  # noqa: S101 - where there is no ledger nothing is replaced
        state = {"contains": "an intact", "forked": "a forked"}.get(self.relation, f"a damaged ({self.verdict})")
        if self.relation == "forked" and self.lacking is not None and self.lacking.first_seq == 0:
            state = "another"  # which begins with an event of its own
        ledger = f"{state} ledger in {self.folder.name}"
        return f"{ledger} that cannot be read" if self.lacking is None else f"{ledger} with {self.lacking.describe()}"


def compare_ledger(
    home: LedgerHome, archive: ArchiveLog, *, witnesses: Sequence[Witness] = (), alone: bool = False
) -> LedgerComparison:
    """Return how the ledger in use under `home` compares to `archive`. Changes nothing; takes no lock.

    `alone` when the caller holds the writer lock.
    Reads the whole ledger: its pages, its chain, and what the archive lacks where that matters.

    Raises: UnreadableError without permission.
    """
    try:
        folder, lost = home.current(), False
    except NotALedgerError:
        folder, lost = next(reversed(home.folders()), None), True  # the newest
    if folder is None:
        return LedgerComparison(relation="absent")
    report = verify_folder(folder, witnesses=witnesses, structure=True, alone=alone)
    try:
        head = IsolatedProcess(lambda: Engine(folder, readonly=True).head(), Head).result()  # as stored: unproved
    except IsolatedProcessError:
        head = None
    relation = _relation(folder, report, archive)
    return LedgerComparison(
        relation=relation,
        folder=folder,
        head=head,
        verdict=report.verdict,
        lacking=Lacking(0, None) if relation == "prefix" else _lacking(folder, archive),
        lost=lost,
    )


def _relation(folder: Path, report: VerifyReport, archive: ArchiveLog) -> Relation:
    if report.verdict != "intact" or report.head is None:
        return "damaged"
    head, theirs = Head(report.events, Link(report.head)), archive.head()
    if head.size < theirs.size:
        return "prefix" if archive.link_at(head.size - 1) == head.link else "forked"
    (link,) = IsolatedProcess(lambda: [Engine(folder, readonly=True).link_at(theirs.size - 1)], list).result()
    return "contains" if link == theirs.link else "forked"


def _lacking(folder: Path, archive: ArchiveLog) -> Lacking | None:
    with mmap.mmap(-1, COUNTED.size) as shared:
        try:
            return IsolatedProcess(partial(count_lacking, folder, archive, shared), Lacking).result()
        except IsolatedProcessError:
            # The memory outlives the child: what it had counted when the engine killed it still counts.
            events, first = COUNTED.unpack_from(shared)
    return Lacking(events, first, at_least=True) if events else None


def count_lacking(folder: Path, archive: ArchiveLog, counted: mmap.mmap) -> Lacking:
    """Return which readable events of the ledger in `folder` the archive does not hold; `counted` has them so far.

    An event that has its link or its body in common with the archive's is held: only one of the two was damaged.

    Raises: what opening the ledger raises; the engine may also kill this process.
    """
    theirs = archive.read()
    other: Record | None = next(theirs)  # an archive has an event 0
    events, first = 0, None
    for record in readable(Engine(folder, readonly=True)):
        while other is not None and other.seq < record.seq:
            other = next(theirs, None)
        if other is not None and (record.link == other.link or record.body == other.body):
            continue
        with suppress(DamagedError):  # what is no event is not missed
            decode_envelope(record.seq, record.body)
            first = record.seq if first is None else first
            events += 1
            COUNTED.pack_into(counted, 0, events, first)
    return Lacking(events, first)


def readable(engine: Engine) -> Iterator[Record]:
    """Yield every record that the database returns, holes passed over, whatever the stored head is."""
    _, last = engine.tail()
    start, end = 0, 0 if last is None else last[0] + 1
    while start < end:
        try:
            records = engine.chunk(start, end)
        except DamagedError as hole:
            records = engine.chunk(start, hole.seq) if hole.seq > start else []
            start = hole.seq + 1
        else:
            start = records[-1].seq + 1
        yield from records
