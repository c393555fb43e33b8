"""Does the ledger in use hold what a backup file holds? Where they part, one of the two was rewritten.

Nothing in either says which: a finding about the pair, and none about the file.
"""

from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec

from ledger.audit.flaw import Flaw
from ledger.audit.verify import VerifyReport
from ledger.backup.archive_log import ArchiveLog
from ledger.codec import decode_created
from ledger.errors import LedgerError
from ledger.files.isolated import IsolatedProcess
from ledger.store.engine import Engine
from ledger.store.home import LedgerHome

IN_USE = "ledger in use"


class Parting(msgspec.Struct, frozen=True):
    """The first seq at which a ledger and an archive hold other events, and the ledger's link there.

    `seq` None where they hold the same as far as both go, and for two that never were one ledger.
    """

    seq: int | None = None
    link: bytes | None = None


def held_against(report: VerifyReport, archive: ArchiveLog, root: LedgerHome) -> VerifyReport:
    """Return the report on an archive that is intact, held against the ledger in use of its kind under `root`.

    A ledger that is not there, cannot be read or is another one says nothing. One that agrees is no witness either:
    it does not show whether the file lost its last frames.

    Raises: UnreadableError when the archive cannot be read again.
    """
    home = root if archive.created.kind == "real" else root.sample
    try:
        folder = home.current()
        parting = None if folder is None else IsolatedProcess(partial(_parting, folder, archive), Parting).result()
    except LedgerError:
        parting = None
    if parting is None or parting.seq is None or parting.link is None:
        return report
    found = archive.link_at(parting.seq)
    assert found is not None  # noqa: S101 - both go that far
    flaw = Flaw(parting.seq, "link", f"{parting.link.hex()}, which the {IN_USE} holds", found.hex())
    last = parting.seq - 1 if parting.seq else None
    return msgspec.structs.replace(report, verdict="forked", first_bad=flaw, last_good_seq=last, witnesses=())


def _parting(folder: Path, archive: ArchiveLog) -> Parting:
    """Return where the ledger in `folder` and the archive part: links that agree once agree before, so it is halved."""
    with closing(Engine(folder, readonly=True)) as engine:
        if decode_created(engine.chunk(0, 1)[0].body).ledger_id != archive.created.ledger_id:
            return Parting()
        agreed, parted = 0, min(engine.head().size, archive.head().size)
        if engine.link_at(parted - 1) == archive.link_at(parted - 1):
            return Parting()
        while agreed < parted - 1:
            middle = (agreed + parted) // 2
            if engine.link_at(middle - 1) == archive.link_at(middle - 1):
                agreed = middle
            else:
                parted = middle
        return Parting(seq=parted - 1, link=engine.link_at(parted - 1))
