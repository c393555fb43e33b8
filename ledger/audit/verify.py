"""Verifies a log: every event re-hashed, then the head compared with whatever remembers it outside the file.

A log can be consistent in itself and still not be the one it was: only a witness outside the file shows
that its last events are gone or that it was rewritten from some event on.

Source: docs/format.md, "Verification".
"""

import time
from collections.abc import Sequence
from functools import partial, reduce
from itertools import islice
from pathlib import Path
from typing import Literal

import msgspec

from ledger.audit.append_index import IndexReport, compare_index
from ledger.audit.flaw import Flaw
from ledger.audit.meaning import EVENT_TYPE, KEPT_REMARKS, RECORDED_HEAD, EventsRead
from ledger.audit.pages import structure_flaw
from ledger.audit.rehash import RangeReport, rehash_ledger
from ledger.chain import GENESIS, Head, Link
from ledger.errors import AnchorDamagedError, NoLedgerError, NotALedgerError, UnknownEventError
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.log_source import Witness
from ledger.store.anchor import read_anchor
from ledger.store.engine import APPENDS, EVENTS, FORMAT_KEY, HEAD_KEY, KEY_BYTES, Engine
from ledger.store.event_log import ANCHOR
from ledger.store.home import ANCHOR_FILE, DATA_FILE, LedgerHome
from ledger.store.lmdb_file import inspect

VerifyVerdict = Literal["intact", "tampered", "truncated", "rolled_back", "forked", "unreadable"]
WORKERS = 2


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What verification found; `events` is the size in the stored head.

    `witnesses` names those whose head the log still holds; an intact log without any could have lost its end.
    `found` has the remarks: what an older version wrote and this one would not, and what is foreign in the database.
    `against` is the witness that gave a verdict of rolled_back, forked or (of an archive) truncated, else None.
    """

    verdict: VerifyVerdict
    events: int
    head_seq: int | None
    head: bytes | None
    first_bad: Flaw | None
    last_good_seq: int | None
    body_bytes: int
    witnesses: tuple[str, ...]
    seconds: float = 0.0  # how long verification took
    found: EventsRead = EventsRead()
    against: Witness | None = None


class _Probed(msgspec.Struct, frozen=True):
    """What one read of the database shows: where its events end, and its links at some seqs."""

    head: Head
    end_flaw: Flaw | None
    links: tuple[bytes | None, ...]
    foreign: tuple[Flaw, ...] = ()  # keys of the database that are nobody's


def verify_ledger(
    home: LedgerHome, *, witnesses: Sequence[Witness] = (), structure: bool = False, workers: int = WORKERS
) -> VerifyReport:
    """Re-hash every event of the ledger in use and compare its head with the anchor and `witnesses`.

    Writes nothing. Needs no lock: it judges the events that were there when it began.
    `structure` checks the pages of the database file first, at about 150 MB/s, and the index of appends last.
    The caller must have read `witnesses` before this call.

    Raises: NoLedgerError; UnreadableError without permission; UnknownEventError for an event of a newer version.
    Damage is a verdict, not an error.
    """
    folder = home.current()
    if folder is None:
        raise NoLedgerError(home.root)
    return verify_folder(folder, witnesses=witnesses, structure=structure, workers=workers)


def verify_folder(
    folder: Path,
    *,
    witnesses: Sequence[Witness] = (),
    structure: bool = False,
    alone: bool = False,
    workers: int = WORKERS,
) -> VerifyReport:
    """Return what `verify_ledger` does, for the ledger in `folder`, whether it is in use or not.

    `alone` when the caller holds the writer lock.

    Raises: UnreadableError without permission; UnknownEventError for an event of a newer version.
    """
    started = time.perf_counter()
    try:
        anchored = read_anchor(folder / ANCHOR_FILE)
        anchor_flaw = None
    except AnchorDamagedError as error:
        anchored, anchor_flaw = None, Flaw(None, "anchor", "a remembered head", error.reason)
    known = [*([Witness(ANCHOR, anchored)] if anchored else []), *witnesses]
    page_flaw = structure_flaw(folder, alone=alone) if structure else None
    report = _unreadable(page_flaw) if page_flaw else _mapped(folder, known, index=structure, workers=workers)
    if anchor_flaw and report.verdict in {"intact", "rolled_back", "forked"}:
        report = msgspec.structs.replace(
            report, verdict="unreadable", first_bad=anchor_flaw, witnesses=(), against=None
        )
    return msgspec.structs.replace(report, seconds=round(time.perf_counter() - started, 6))


def _mapped(folder: Path, witnesses: Sequence[Witness], *, index: bool, workers: int) -> VerifyReport:
    """Return what child processes that map the database find: events first, then the index, then the witnesses."""
    try:
        inspect(folder / DATA_FILE)
        seqs = tuple(witness.head.size - 1 for witness in witnesses)
        probed = IsolatedProcess(partial(_probe, folder, seqs), _Probed).result()
    except (NotALedgerError, IsolatedProcessError) as error:
        return _unreadable(Flaw(None, "database", "a readable database", str(error)))
    ranges = rehash_ledger(folder, probed.head.size, workers=workers)
    flaw = next((part.flaw for part in ranges if part.flaw), probed.end_flaw)
    if flaw is None and index:
        try:
            flaw = IsolatedProcess(partial(compare_index, folder, probed.head.size), IndexReport).result().flaw
        except IsolatedProcessError as error:
            flaw = Flaw(None, "database", "a readable database", error.how)
    report = _compared(witnesses, probed, ranges) if flaw is None else _flawed(flaw, probed.head, ranges)
    found = EventsRead(len(probed.foreign), probed.foreign).and_then(report.found)
    return msgspec.structs.replace(report, found=found)


def _flawed(flaw: Flaw, head: Head, ranges: Sequence[RangeReport]) -> VerifyReport:
    if flaw.seq is None:
        return _report("unreadable", head, ranges, flaw)
    if flaw.kind == EVENT_TYPE:
        raise UnknownEventError(flaw.seq, flaw.found)
    if flaw.kind == RECORDED_HEAD:
        return _report("forked", head, ranges, flaw)
    cut = flaw.kind == "missing event" and flaw.found == "the end"
    return _report("truncated" if cut else "tampered", head, ranges, flaw)


def _probe(folder: Path, seqs: Sequence[int]) -> _Probed:
    engine = Engine(folder, readonly=True)
    head, last = engine.tail()
    links = tuple(GENESIS if seq < 0 else engine.link_at(seq) for seq in seqs)
    flaw, ours = _end_flaw(head, last) or _uncounted(engine), {FORMAT_KEY, HEAD_KEY, EVENTS, APPENDS}
    with engine.reading() as txn:
        # The first that no version of this software writes beside the databases.
        keys = islice((key for key in txn.cursor().iternext(keys=True, values=False) if key not in ours), KEPT_REMARKS)
        foreign = tuple(Flaw(None, "foreign key", "none", f"key {key.hex()}") for key in keys)
    return _Probed(head, flaw, links, foreign)


def _uncounted(engine: Engine) -> Flaw | None:
    """Return the first key of the events that a walk by seq passes over, None when it meets them all."""
    events = engine.databases[EVENTS]
    with engine.reading() as txn:
        size = engine.head_in(txn).size
        if txn.stat(events)["entries"] <= size:
            return None
        for seq, key in enumerate(txn.cursor(db=events).iternext(keys=True, values=False)):
            if key != seq.to_bytes(KEY_BYTES, "big"):
                return Flaw(seq, "unexpected event", f"{size} events", f"key {key.hex()}")
    return None


def _end_flaw(head: Head, last: tuple[int, Link] | None) -> Flaw | None:
    """Return what is wrong at the end of the log that re-hashing up to the stored head does not show."""
    if last is None:
        return None
    seq, link = last
    if seq >= head.size:
        return Flaw(head.size, "unexpected event", "the end", f"seq {seq}")
    if seq == head.size - 1 and link != head.link:
        return Flaw(seq, "stored head", link.hex(), head.link.hex())
    return None


def _unreadable(flaw: Flaw) -> VerifyReport:
    return VerifyReport(
        verdict="unreadable",
        events=0,
        head_seq=None,
        head=None,
        first_bad=flaw,
        last_good_seq=None,
        body_bytes=0,
        witnesses=(),
    )


def _report(verdict: VerifyVerdict, head: Head, ranges: Sequence[RangeReport], flaw: Flaw | None) -> VerifyReport:
    whole = next((number for number, part in enumerate(ranges) if part.flaw), len(ranges))
    good = sum(part.good for part in ranges[: whole + 1])  # events that hold from seq 0 on
    return VerifyReport(
        verdict=verdict,
        events=head.size,
        head_seq=head.size - 1 if head.size else None,
        head=head.link,
        first_bad=flaw,
        last_good_seq=good - 1 if good else None,
        body_bytes=sum(part.body_bytes for part in ranges),
        witnesses=(),
        found=reduce(EventsRead.and_then, (part.found for part in ranges[: whole + 1]), EventsRead()),
    )


def _compared(witnesses: Sequence[Witness], probed: _Probed, ranges: Sequence[RangeReport]) -> VerifyReport:
    """Return the report on a log without a flaw: intact, unless a witness remembers another head.

    Of several that do, one that was forked from is the gravest.
    """
    found = list(zip(witnesses, probed.links, strict=True))
    for witness, link in found:
        if link is not None and link != witness.head.link:
            flaw = Flaw(
                max(witness.head.size - 1, 0),  # a log that began otherwise differs from its first event on
                "link",
                f"{witness.head.link.hex()}, which the {witness.name} remembers",
                link.hex(),
            )
            return msgspec.structs.replace(_report("forked", probed.head, ranges, flaw), against=witness)
    for witness, link in found:
        if link is None:
            expected = f"seq {witness.head.size - 1}, which the {witness.name} remembers"
            flaw = Flaw(probed.head.size, "missing event", expected, "the end")
            return msgspec.structs.replace(_report("rolled_back", probed.head, ranges, flaw), against=witness)
    report = _report("intact", probed.head, ranges, None)
    return msgspec.structs.replace(report, witnesses=tuple(dict.fromkeys(witness.name for witness in witnesses)))
