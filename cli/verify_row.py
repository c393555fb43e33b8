"""What verification found, as it is printed, and what to do next. Pure."""

import msgspec

from cli.exit_codes import Exit
from ledger.verify import VerifyReport, VerifyVerdict
from ledger.walker import Flaw

_RESTORE = "main backup --list, then main backup --restore --from FILE"
_ACCEPT = "or go on with the log as it is: main accept-head --reason 'what happened' --yes"


class VerifyRow(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the log holds; hashes are hex, `bytes` were re-hashed.

    `first_bad` is the first thing that does not hold, its seq null where it is not one of the events.
    `witnesses` names who remembers a head that the log still holds.
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


def row(report: VerifyReport) -> VerifyRow:
    """Return what is printed of `report`."""
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
    )


def exit_code(found: VerifyRow) -> Exit:
    """Return 2 for every bad verdict, 1 for a log that nothing outside it vouches for."""
    if found.verdict != "intact":
        return Exit.CRITICAL
    return Exit.OK if found.witnesses else Exit.WARNING


def text(found: VerifyRow) -> str:
    """Return the verdict as a person reads it."""
    if found.first_bad is not None:
        bad = found.first_bad
        place = "" if bad.seq is None else f" at seq {bad.seq}"
        good = "no event holds" if found.last_good_seq is None else f"events 0 to {found.last_good_seq} hold"
        return f"{found.verdict}{place}: got {bad.kind} {bad.found}, want {bad.expected}; {good}"
    held = (
        f"held against {', '.join(found.witnesses)}" if found.witnesses else "nothing outside it to hold it against"
    )
    done = f"{found.bytes} bytes re-hashed in {found.seconds:g} s"
    return f"intact: {found.events} events, {done}, {held}; head {found.head}"


def next_step(found: VerifyRow) -> str | None:
    """Return what a person can do about it, None when all is well."""
    if found.verdict in {"rolled_back", "forked"}:
        return f"find out who replaced the database; then {_RESTORE}; {_ACCEPT}"
    if found.first_bad is not None and found.first_bad.kind == "anchor":
        return f"find out who wrote to it; then {_RESTORE}; {_ACCEPT}"
    if found.verdict != "intact":
        return _RESTORE
    return None if found.witnesses else "keep a head outside, and hold the log against it: main verify --save-head FILE"
