"""What verification found, as it is printed, and what to do next. Pure."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from cli.app.exit_codes import Exit
from cli.render import times
from ledger.audit.flaw import Flaw
from ledger.audit.verify import VerifyReport, VerifyVerdict
from ledger.backup.held_against import IN_USE
from ledger.backup.restore_history import Replaced

NAMED_BY_WHAT_WAS_FOUND = {"missing event", "header"}  # kinds of flaw

LEDGER_ID = "ledger id"  # the kind of flaw of a log that was held against another ledger's head
ANOTHER_LEDGER = "main config, and compare DATA_DIR and the file with what was meant"

_RESTORE = "main backup --list, then main backup --restore --from FILE"
_ACCEPT = "or go on with the log as it is: main accept-head --reason 'what happened' --yes"


class ReplacedByRow(msgspec.Struct, frozen=True, kw_only=True):
    """The recorded restore that took a saved head out of use, and the folder where the ledger that holds it lies."""

    backup: str
    seq: int
    recorded_at: str
    ledger: str


class VerifyRow(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the log holds; hashes are hex, `bytes` were re-hashed.

    `first_bad` is the first thing that does not hold, its seq null where it is not one of the events.
    `witnesses` names who remembers a head that the log still holds.
    `replaced_by` tells of the restore, when it is by one that the log no longer holds a saved head.
    `remarks` are the first of `remark_count` places where the log holds what this version would not write.
    `marked` when a bad verdict left its mark, which keeps writers away; false when it could not be left.
    `recorded_seq` is the event of --record; `ahead_seconds` says how far the log is ahead of the clock.
    """

    verdict: VerifyVerdict
    events: int
    head_seq: int | None
    head: str | None
    first_bad: Flaw | None
    last_good_seq: int | None
    seconds: float
    witnesses: tuple[str, ...]
    bytes: int
    replaced_by: ReplacedByRow | None = None
    remark_count: int = 0
    remarks: tuple[Flaw, ...] = ()
    marked: bool | None = None
    recorded_seq: int | None = None
    ahead_seconds: int | None = None


def row(report: VerifyReport, replaced: Replaced | None = None, root: Path = Path()) -> VerifyRow:
    """Return what is printed of `report`; `replaced` is by which restore, in the home `root`."""
    replaced_by = None
    if replaced:
        replaced_by = ReplacedByRow(
            backup=replaced.backup,
            seq=replaced.seq,
            recorded_at=times.text(replaced.recorded_at),
            ledger=str(root / replaced.folder),
        )
    return VerifyRow(
        verdict=report.verdict,
        events=report.events,
        head_seq=report.head_seq,
        head=None if report.head is None else report.head.hex(),
        first_bad=report.first_bad,
        last_good_seq=report.last_good_seq,
        seconds=report.seconds,
        witnesses=report.witnesses,
        bytes=report.body_bytes,
        replaced_by=replaced_by,
        remark_count=report.found.remark_count,
        remarks=report.found.remarks,
    )


def exit_code(found: VerifyRow) -> Exit:
    """Return 2 for every bad verdict, 1 for a log without a witness, or with something to warn of."""
    if found.verdict != "intact":
        return Exit.CRITICAL
    return Exit.OK if found.witnesses and not list(warnings(found)) else Exit.WARNING


def warnings(found: VerifyRow) -> Iterator[str]:
    """Yield what is not as it should be in a log, whatever the verdict."""
    for remark in found.remarks:
        place = "" if remark.seq is None else f" at seq {remark.seq}"
        yield f"remark{place}: {flaw_text(remark)}"
    if (more := found.remark_count - len(found.remarks)) > 0:
        yield f"{more} more remarks"
    if found.ahead_seconds is not None:
        yield f"the log is {found.ahead_seconds} s ahead of the clock"
    if found.marked and found.verdict == "intact":
        yield "the mark of an earlier verdict stays: hold the log against the same checkpoint, or a later one"
    if found.marked is False:
        yield "no mark could be left beside the log: writers do not know of this verdict"


def text(found: VerifyRow) -> str:
    """Return the verdict as a person reads it."""
    if found.first_bad is not None:
        bad = found.first_bad
        place = "" if bad.seq is None else f" at seq {bad.seq}"
        good = "no event holds" if found.last_good_seq is None else f"events 0 to {found.last_good_seq} hold"
        why = ""
        if by := found.replaced_by:
            restore = f"the restore of {by.backup} at {by.recorded_at} (seq {by.seq})"
            why = f"; {restore} replaced that head, whose ledger lies in {by.ledger}"
        return f"{found.verdict}{place}: {flaw_text(bad)}; {good}{why}"
    held = f"held against {', '.join(found.witnesses)}" if found.witnesses else "nothing outside it to hold it against"
    done = f"{found.bytes} bytes re-hashed in {found.seconds:g} s"
    return f"intact: {found.events} events, {done}, {held}; head {found.head}"


def flaw_text(flaw: Flaw) -> str:
    """Return what does not hold, as `got X, want Y`."""
    if flaw.found.startswith("got "):
        return flaw.found  # the message of an error, which names what was wanted
    what = "" if flaw.kind in NAMED_BY_WHAT_WAS_FOUND else f"{flaw.kind} "
    return f"got {what}{flaw.found}, want {flaw.expected}"


def next_step(found: VerifyRow) -> str | None:
    """Return what a person can do about it, None when all is well."""
    if found.replaced_by is not None:
        return "that was a restore on the record; keep the new head: main verify --save-head FILE"
    if found.first_bad is not None and found.first_bad.kind == LEDGER_ID:
        return ANOTHER_LEDGER
    if found.verdict in {"rolled_back", "forked"}:
        return f"find out who replaced the database; then {_RESTORE}; {_ACCEPT}"
    if found.first_bad is not None and found.first_bad.kind == "anchor":
        return f"find out who wrote to it; then {_RESTORE}; {_ACCEPT}"
    if found.verdict != "intact":
        return _RESTORE
    return None if found.witnesses else "keep a head outside, and hold the log against it: main verify --save-head FILE"


def file_step(found: VerifyRow) -> str | None:
    """Return what a person can do about a backup file, None when all is well."""
    return step_of_file(found.verdict, found.witnesses, found.first_bad)


def step_of_file(verdict: VerifyVerdict, witnesses: tuple[str, ...], bad: Flaw | None) -> str | None:
    """Return what a person can do about a backup file of which that was found, None when all is well."""
    if verdict == "forked" and bad is not None and bad.expected.endswith(f"the {IN_USE} holds"):
        return "one of the two was rewritten: main verify; if it is the ledger: main backup --restore --from FILE --yes"
    if bad is not None and bad.kind == LEDGER_ID:
        return ANOTHER_LEDGER
    if verdict != "intact":
        return "take another one: main backup --list"
    return None if witnesses else "keep its .checksum beside it: main backup --create writes both"
