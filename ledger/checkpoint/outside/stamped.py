"""Holds a log against the timestamps that it records: what they say of `recorded_at`, and of the tree they date.

The events under a stamp were recorded before its time, the stamp's own event and all that follow it after; since
`recorded_at` never decreases, two comparisons a stamp say whether any event contradicts it.

Source: docs/format.md, "Timestamp".
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from ledger.audit.flaw import Flaw
from ledger.audit.meaning import KEPT_REMARKS, EventsRead, Stamp
from ledger.audit.verify import VerifyReport
from ledger.backup.archive_log import archive_log
from ledger.checkpoint.errors import TimestampError
from ledger.checkpoint.outside.timestamp import opened
from ledger.checkpoint.rereading import Batches, KnownSoFar, LeafMark, drop, grow, stored
from ledger.checkpoint.statement import Statement
from ledger.codec import decode_as, decode_envelope
from ledger.events import CheckpointTimestamped
from ledger.files.isolated import IsolatedProcess
from ledger.store.engine import Engine

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

WITNESS = "timestamp"
SLACK_US = 300_000_000  # by how much two clocks may differ before anything is said of it

Body = Callable[[int], bytes]  # of the event at a seq

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_US, _LAST_US = -62_135_596_800_000_000, 253_402_300_799_999_999  # what a date can say


class _StampsHeld(msgspec.Struct, frozen=True):
    """What timestamps say of a log: what contradicts its times, the tree that is another one, how many hold."""

    remarks: tuple[Flaw, ...]
    forked: Flaw | None
    good: int


def hold_stamps(report: VerifyReport, place: Path, roots: "tuple[Certificate, ...] | None" = None) -> VerifyReport:
    """Return `report` on the ledger folder or backup at `place` with what its timestamps add to it.

    A time that contradicts one is a remark. With `roots` each is opened, and has to be of an authority under them and
    over this log's own tree, or the log is `forked`; one by nobody who is trusted is a remark, and so is that there
    is none. Without them the times are believed as they were recorded. A database is read in a child process.

    Raises: IsolatedProcessError when the child dies; as `archive_log` does.
    """
    stamps = report.found.stamps
    if report.verdict != "intact" or not (stamps or roots):
        return report
    held = IsolatedProcess(partial(_held_at, place, stamps, roots), _StampsHeld).result()
    found = report.found.and_then(EventsRead(len(held.remarks), held.remarks[:KEPT_REMARKS]))
    if held.forked is not None:
        good = report.events - 1  # the chain holds all the same: nobody can say which event differs first
        return replace(report, verdict="forked", first_bad=held.forked, last_good_seq=good, witnesses=(), found=found)
    witnesses = (*report.witnesses, WITNESS) if held.good else report.witnesses
    return replace(report, witnesses=witnesses, found=found)


def _held_at(place: Path, stamps: tuple[Stamp, ...], roots: "tuple[Certificate, ...] | None") -> _StampsHeld:
    if place.is_dir():
        engine = Engine(place, readonly=True)
        size = engine.head().size
        return _held(lambda seq: engine.chunk(seq, seq + 1)[0].body, lambda: stored(engine, size), stamps, roots)
    archive = archive_log(place)
    return _held(lambda seq: next(archive.read(seq, seq + 1)).body, archive.values, stamps, roots)


def _held(
    body: Body, read: Callable[[], Batches], stamps: tuple[Stamp, ...], roots: "tuple[Certificate, ...] | None"
) -> _StampsHeld:
    remarks = [flaw for stamp in stamps for flaw in _contradictions(stamp, body)]
    if roots is None:
        return _StampsHeld(tuple(remarks), None, 0)
    if not stamps:
        return _StampsHeld((Flaw(None, WITNESS, "one of an authority under the root certificate", "none"),), None, 0)
    sound = [stamp for stamp in stamps if 0 < stamp.size <= stamp.seq]
    known, marks = KnownSoFar(), dict[int, LeafMark]()
    if sound:
        reach = max(stamp.size for stamp in sound)
        marks = grow(known.watched(read()), {stamp.size for stamp in sound}, keep=drop, keep_size=reach)
    good, forked = 0, None
    for stamp in sound:
        statement = Statement(known.known().origin(stamp.size), stamp.size, marks[stamp.size].root)
        try:
            flaw = _other_tree(stamp, body(stamp.seq), statement, roots)
        except TimestampError as error:
            remarks.append(Flaw(stamp.seq, WITNESS, error.wanted, error.found))
        else:
            good, forked = good + (flaw is None), forked or flaw
    return _StampsHeld(tuple(remarks), forked, good)


def _contradictions(stamp: Stamp, body: Body) -> Iterator[Flaw]:
    """Yield the first event under the stamp that says it came after it, and the stamp's own where that came before."""
    if not 0 < stamp.size <= stamp.seq:
        yield Flaw(stamp.seq, WITNESS, f"one of 1 to {stamp.seq} events", f"one of {stamp.size}")
        return
    latest, earliest = stamp.time + SLACK_US, stamp.time - SLACK_US

    def recorded_at(seq: int) -> int:
        return decode_envelope(seq, body(seq)).recorded_at

    if recorded_at(stamp.size - 1) > latest:
        seq = bisect_right(range(stamp.size), latest, key=recorded_at)
        wanted = f"at most {_text(latest)}, by the timestamp at seq {stamp.seq}"
        yield Flaw(seq, "recorded_at", wanted, _text(recorded_at(seq)))
    if stamp.recorded_at < earliest:
        wanted = f"at least {_text(earliest)}, by its own timestamp"
        yield Flaw(stamp.seq, "recorded_at", wanted, _text(stamp.recorded_at))


def _other_tree(stamp: Stamp, body: bytes, statement: Statement, roots: "tuple[Certificate, ...]") -> Flaw | None:
    """Return what a trusted token says that the log does not, None where they agree.

    Raises: TimestampError for a token that is not by an authority under `roots`.
    """
    event = decode_as(decode_envelope(stamp.seq, body), CheckpointTimestamped)
    dated = opened(event.token, roots)
    if dated.time != event.time:
        return Flaw(stamp.seq, WITNESS, f"{_text(dated.time)}, which the authority signed", _text(event.time))
    try:
        dated.check(statement.text())
    except TimestampError as error:
        return Flaw(
            None, WITNESS, f"{error.wanted}, the tree of {stamp.size} events", f"at seq {stamp.seq}: {error.found}"
        )
    return None


def _text(at_us: int) -> str:
    at = _EPOCH + timedelta(microseconds=max(_FIRST_US, min(at_us, _LAST_US)))
    return f"{at.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"
