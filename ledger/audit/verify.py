"""Verifies a log: every event re-hashed, then the head compared with whatever remembers it outside the file.

A log can be consistent in itself and still not be the one it was: only a witness outside the file shows
that its last events are gone or that it was rewritten from some event on.

Source: docs/format.md, "Verification".
"""

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from ledger.audit.append_index import IndexReport, compare_index
from ledger.audit.pages import structure_flaw
from ledger.audit.rehash import Flaw, RangeReport, rehash_ledger
from ledger.chain import GENESIS, Head, Link
from ledger.errors import AnchorDamagedError, NoLedgerError, NotALedgerError
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.store.anchor import read_anchor
from ledger.store.engine import Engine
from ledger.store.event_log import ANCHOR
from ledger.store.home import ANCHOR_FILE, DATA_FILE, LedgerHome
from ledger.store.lmdb_file import inspect

VerifyVerdict = Literal["intact", "tampered", "truncated", "rolled_back", "forked", "unreadable"]
WORKERS = 2


class Witness(msgspec.Struct, frozen=True):
    """A head of the log, remembered outside it by `name`."""

    name: str
    head: Head


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What verification found; `events` is the size in the stored head.

    `witnesses` names those whose head the log still holds; an intact log without any could have lost its end.
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


class _Probed(msgspec.Struct, frozen=True):
    """What one read of the database shows: where its events end, and its links at some seqs."""

    head: Head
    end_flaw: Flaw | None
    links: tuple[bytes | None, ...]


def verify_ledger(
    home: LedgerHome, *, witnesses: Sequence[Witness] = (), structure: bool = False, workers: int = WORKERS
) -> VerifyReport:
    """Re-hash every event of the ledger in use and compare its head with the anchor and `witnesses`.

    Writes nothing. Needs no lock: it judges the events that were there when it began.
    `structure` checks the pages of the database file first, at about 150 MB/s, and the index of appends last.
    The caller must have read `witnesses` before this call.

    Raises: NoLedgerError; UnreadableError without permission. Damage is a verdict, not an error.
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

    Raises: UnreadableError without permission.
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
    if anchor_flaw and report.verdict == "intact":
        report = msgspec.structs.replace(report, verdict="unreadable", first_bad=anchor_flaw)
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
    if flaw is None:
        return _compared(witnesses, probed, ranges)
    if flaw.seq is None:
        return _report("unreadable", probed.head, ranges, flaw)
    cut = flaw.kind == "missing event" and flaw.found == "the end"
    return _report("truncated" if cut else "tampered", probed.head, ranges, flaw)


def _probe(folder: Path, seqs: Sequence[int]) -> _Probed:
    engine = Engine(folder, readonly=True)
    head, last = engine.tail()
    links = tuple(GENESIS if seq < 0 else engine.link_at(seq) for seq in seqs)
    return _Probed(head, _end_flaw(head, last), links)


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
    )


def _compared(witnesses: Sequence[Witness], probed: _Probed, ranges: Sequence[RangeReport]) -> VerifyReport:
    """Return the report on a log without a flaw: intact, unless a witness remembers another head."""
    for witness, found in zip(witnesses, probed.links, strict=True):
        last, link = witness.head.size - 1, witness.head.link
        if found is None:
            expected = f"seq {last}, which the {witness.name} remembers"
            flaw = Flaw(probed.head.size, "missing event", expected, "the end")
            return _report("rolled_back", probed.head, ranges, flaw)
        if found != link:
            flaw = Flaw(last, "link", f"{link.hex()}, which the {witness.name} remembers", found.hex())
            return _report("forked", probed.head, ranges, flaw)
    report = _report("intact", probed.head, ranges, None)
    return msgspec.structs.replace(report, witnesses=tuple(witness.name for witness in witnesses))
