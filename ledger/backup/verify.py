"""Does an archive hold? Every frame re-hashed, then the file compared with what remembers it from outside.

A cut exactly between two frames leaves a whole, shorter archive: only its `.checksum` or the `backup.created`
event of the log it was made from shows that something is gone.

Source: docs/format.md, "Verification".
"""

import time
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from ledger.audit.flaw import Flaw
from ledger.audit.meaning import EVENT_TYPE, first_false
from ledger.audit.verify import VerifyReport, VerifyVerdict
from ledger.backup.archive_log import ArchiveLog
from ledger.backup.frames import CUT_FRAME
from ledger.backup.scan import Scan, scan
from ledger.chain import GENESIS, Head, Link
from ledger.errors import ChecksumDamagedError, NotAnArchiveError, UnknownEventError
from ledger.events import BackupCreated
from ledger.files.checksum import read_checksum
from ledger.log_source import Witness

CUT = {CUT_FRAME, "missing event"}  # flaws of a file that ends too early
CHECKSUM, RECORDED = "checksum", BackupCreated.TAG.partition("/")[0]


def verify_archive(
    path: Path,
    *,
    witnesses: Sequence[Witness] = (),
    recorded: BackupCreated | None = None,
) -> VerifyReport:
    """Re-hash every event of the archive at `path`; compare it with its `.checksum`, `recorded` and `witnesses`.

    `recorded` is the live log's event for this backup. Constant memory.

    Raises: NoArchiveError, UnreadableError; NewerFormatError, UnknownEventError. Damage is a verdict, not an error.
    """
    started = time.perf_counter()
    try:
        report = judge(scan(path, meaning=True), witnesses=witnesses, recorded=recorded)
    except NotAnArchiveError as error:
        report = unreadable(error)
    return replace(report, seconds=round(time.perf_counter() - started, 6))


def judge(found: Scan, *, witnesses: Sequence[Witness] = (), recorded: BackupCreated | None = None) -> VerifyReport:
    """Return the verdict on a scan, given the witnesses outside the file; `seconds` is left at 0.

    Raises: UnreadableError; UnknownEventError for an event of a newer version.
    """
    cut = found.flaw is not None and found.flaw.kind in CUT
    if found.flaw is not None and not cut:
        if found.flaw.kind == EVENT_TYPE:
            raise UnknownEventError(found.flaw.seq or 0, found.flaw.found)
        return _report(found, "tampered", found.flaw)
    if flaw := first_false(found.claims, ArchiveLog(found).link_at):
        return replace(_report(found, "forked", flaw), last_good_seq=(flaw.seq or 1) - 1)
    if cut:  # less grave than a head that is not this log's
        return _report(found, "truncated", found.flaw)
    known = [*([Witness(RECORDED, Head(recorded.size, Link(recorded.link)))] if recorded else []), *witnesses]
    against = [(bad, witness) for witness in known if (bad := _against(found, witness))]
    for bad, witness in sorted(against, key=lambda one: one[0][0] != "forked"):  # the graver one, whatever their order
        return replace(_report(found, *bad), against=witness)
    try:
        remembered = read_checksum(found.path)
    except ChecksumDamagedError as error:
        return _report(found, "unreadable", Flaw(None, CHECKSUM, "64 hex digits", error.found))
    if remembered is not None and remembered != found.sha256:
        flaw = Flaw(None, CHECKSUM, f"sha256 {remembered.hex()}", f"sha256 {found.sha256.hex()}")
        if recorded is not None and recorded.sha256 == found.sha256:
            return _report(found, "tampered", flaw)  # the file is what was made, so it is the checksum that was changed
        # Every frame holds and the bytes are not those of the checksum: frames are gone from the end.
        return _report(found, "truncated", replace(flaw, seq=found.head.size))
    names = [*([CHECKSUM] if remembered else []), *(witness.name for witness in known)]
    return replace(_report(found, "intact", None), witnesses=tuple(names))


def contradicts_recorded(report: VerifyReport) -> bool:
    """Whether the file holds in itself, and is not the one that the ledger in use recorded under its name."""
    return report.verdict == "forked" and report.against is not None and report.against.name == RECORDED


def _against(found: Scan, witness: Witness) -> tuple[VerifyVerdict, Flaw] | None:
    """Return what is wrong when the archive does not hold the head that `witness` remembers."""
    size, wanted = found.head.size, witness.head
    name = f"the event {RECORDED}" if witness.name == RECORDED else f"the {witness.name}"
    if wanted.size <= size:
        held = ArchiveLog(found).link_at(wanted.size - 1) if wanted.size else GENESIS
        assert held is not None  # noqa: S101 - the archive is that long
        if held == wanted.link:
            return None
        return "forked", Flaw(
            max(wanted.size - 1, 0), "link", f"{wanted.link.hex()}, which {name} remembers", held.hex()
        )
    if witness.name == RECORDED:
        missing = f"seq {wanted.size - 1}, which {name} remembers"
        return "truncated", Flaw(size, "missing event", missing, "the end")
    # Nothing in the file distinguishes an honest older copy from a newer one that lost its last frames.
    found_text = f"{size} events, made before that head was saved or cut at its end"
    return "truncated", Flaw(size, "missing event", f"the {wanted.size} that {name} remembers", found_text)


def _report(found: Scan, verdict: VerifyVerdict, flaw: Flaw | None) -> VerifyReport:
    last = found.head.size - 1 if found.head.size else None
    return VerifyReport(
        verdict=verdict,
        events=found.head.size,
        head_seq=last,
        head=found.head.link if found.head.size else None,
        first_bad=flaw,
        last_good_seq=last,
        body_bytes=found.body_bytes,
        witnesses=(),
        found=found.found,
    )


def unreadable(error: NotAnArchiveError) -> VerifyReport:
    """Return the report on a file that does not begin as an archive does."""
    return VerifyReport(
        verdict="unreadable",
        events=0,
        head_seq=None,
        head=None,
        first_bad=Flaw(None, "header", "an archive", error.found),
        last_good_seq=None,
        body_bytes=0,
        witnesses=(),
    )
