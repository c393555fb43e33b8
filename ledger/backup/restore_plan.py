"""How the ledger in use stands to an archive, and so what restoring it would replace.

Every look at the ledger is taken in a child process: a damaged database can kill whoever maps it.
"""

import mmap
import struct
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from ledger.audit.verify import VerifyReport, VerifyVerdict, Witness, verify_folder
from ledger.backup.archive_log import ArchiveLog
from ledger.chain import Head, Link, Record
from ledger.codec import decode_envelope
from ledger.errors import DamagedError, NotALedgerError
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.store.engine import Engine
from ledger.store.home import LedgerHome

Relation = Literal["absent", "prefix", "contains", "forked", "damaged"]
Action = Literal["restore", "keep", "ask"]

COUNTED = struct.Struct("=QQ")  # events, the first one's seq


class Lacking(msgspec.Struct, frozen=True):
    """The readable events of a ledger that an archive does not hold: how many, and the first one's seq.

    `at_least` when looking for more of them killed the process that looked.
    """

    events: int
    first_seq: int | None
    at_least: bool = False

    def says(self) -> str:
        """Return in words what would be lost from sight."""
        if not self.events:
            return "no readable event that the backup lacks"
        few = "at least " if self.at_least else ""
        noun = "event" if self.events == 1 else "events"
        return f"{few}{self.events} readable {noun} from seq {self.first_seq} on that the backup lacks"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger in use beside an archive.

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
        """Return what restoring comes to: go on, nothing to do, or not without a person's word."""
        if self.relation in {"absent", "prefix"}:
            return "restore"
        if self.relation == "contains" and not (rollback and self.lacking and self.lacking.events):
            return "keep"
        return "ask"

    def says(self) -> str:
        """Return in words what would be replaced, where `action` is to ask."""
        assert self.folder is not None  # noqa: S101 - where there is no ledger nothing is replaced
        state = {"contains": "an intact", "forked": "a forked"}.get(self.relation, f"a damaged ({self.verdict})")
        ledger = f"{state} ledger in {self.folder.name}"
        return f"{ledger} that cannot be read" if self.lacking is None else f"{ledger} with {self.lacking.says()}"


def stand(home: LedgerHome, archive: ArchiveLog, *, witnesses: Sequence[Witness] = (), alone: bool = False) -> Standing:
    """Return how the ledger in use under `home` stands to `archive`. Changes nothing; takes no lock.

    `alone` when the caller holds the writer lock.
    Reads the whole ledger: its pages, its chain, and what the archive lacks where that matters.

    Raises: UnreadableError without permission.
    """
    folder, lost = _folder(home)
    if folder is None:
        return Standing(relation="absent")
    report = verify_folder(folder, witnesses=witnesses, structure=True, alone=alone)
    head = _stored_head(folder)
    relation = _relation(folder, report, archive)
    return Standing(
        relation=relation,
        folder=folder,
        head=head,
        verdict=report.verdict,
        lacking=Lacking(0, None) if relation == "prefix" else _lacking(folder, archive),
        lost=lost,
    )


def _folder(home: LedgerHome) -> tuple[Path | None, bool]:
    """Return the ledger folder to look at, and whether `CURRENT` fails to name it: then it is the newest."""
    try:
        return home.current(), False
    except NotALedgerError:
        return next(reversed(home.folders()), None), True


def _stored_head(folder: Path) -> Head | None:
    """Return the head as the database has it, None where it cannot be read; nothing says that it is true."""
    try:
        return IsolatedProcess(lambda: Engine(folder, readonly=True).head(), Head).result()
    except IsolatedProcessError:
        return None


def _relation(folder: Path, report: VerifyReport, archive: ArchiveLog) -> Relation:
    if report.verdict != "intact" or report.head is None:
        return "damaged"
    head = Head(report.events, Link(report.head))
    theirs = archive.head()
    if head.size < theirs.size:
        return "prefix" if archive.link_at(head.size - 1) == head.link else "forked"
    return "contains" if _link_at(folder, theirs.size - 1) == theirs.link else "forked"


def _link_at(folder: Path, seq: int) -> bytes | None:
    answer = IsolatedProcess(lambda: [Engine(folder, readonly=True).link_at(seq)], list).result()
    link: bytes | None = answer[0]
    return link


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
        if not _held(record, other) and _is_event(record):
            first = record.seq if first is None else first
            events += 1
            COUNTED.pack_into(counted, 0, events, first)
    return Lacking(events, first)


def readable(engine: Engine) -> Iterator[Record]:
    """Yield every record that the database gives out, holes passed over."""
    start, end = 0, _end(engine)
    while start < end:
        try:
            records = engine.chunk(start, end)
        except DamagedError as hole:
            records = engine.chunk(start, hole.seq) if hole.seq > start else []
            start = hole.seq + 1
        else:
            start = records[-1].seq + 1
        yield from records


def _end(engine: Engine) -> int:
    """Return the seq after the last event that is there, whatever the stored head says."""
    _, last = engine.tail()
    return 0 if last is None else last[0] + 1


def _held(record: Record, other: Record | None) -> bool:
    return other is not None and (record.link == other.link or record.body == other.body)


def _is_event(record: Record) -> bool:
    try:
        decode_envelope(record.seq, record.body)
    except DamagedError:
        return False
    return True
