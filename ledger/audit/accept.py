"""Going on with a log that is not the one that was remembered: only on a person's word, and on the record.

Source: docs/format.md, "Anchor".
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from ledger.appending import Appended, chain_records, head_after, hold_back
from ledger.audit.verify import Witness
from ledger.chain import Head, Seq
from ledger.codec import Draft, decode_envelope
from ledger.errors import (
    AnchorDamagedError,
    ConflictError,
    ForkedError,
    LedgerError,
    NoLedgerError,
    RolledBackError,
)
from ledger.events import LEDGER_STREAM, HeadAccepted
from ledger.ids import append_id
from ledger.store.anchor import Anchor, read_anchor
from ledger.store.engine import Engine
from ledger.store.event_log import check_head
from ledger.store.home import ANCHOR_FILE, LedgerHome
from ledger.store.writer_lock import WriterLock

ANCHOR = "anchor"

AcceptableVerdict = Literal["rolled_back", "forked", "unreadable"]


class NotAcceptableError(LedgerError):
    """There is nothing that a person's word could settle; nothing was changed."""

    def __init__(self, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found}, want {wanted}")
        self.found, self.wanted = found, wanted


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """A witness that remembers another head than the log holds; `expected` None where it cannot be read."""

    witness: str
    verdict: AcceptableVerdict
    expected: Head | None


class Examined(msgspec.Struct, frozen=True):
    """The log as it is, and every witness that disagrees with it."""

    head: Head
    disagreements: tuple[Disagreement, ...]


def examine(home: LedgerHome, witnesses: Sequence[Witness]) -> Examined:
    """Return who disagrees with the ledger in use: its anchor, then `witnesses`. Changes nothing.

    For a log whose own chain holds: this only looks at what others remember.

    Raises: NoLedgerError; what opening the database raises.
    """
    folder = _folder(home)
    remembered: list[Witness] = []
    disagreements: list[Disagreement] = []
    try:
        if (anchored := read_anchor(folder / ANCHOR_FILE)) is not None:
            remembered.append(Witness(ANCHOR, anchored))
    except AnchorDamagedError:
        disagreements.append(Disagreement(witness=ANCHOR, verdict="unreadable", expected=None))
    engine = Engine(folder, readonly=True)
    try:
        disagreements.extend(_disagreements(engine, [*remembered, *witnesses]))
        return Examined(engine.head(), tuple(disagreements))
    finally:
        engine.close()


def accept(
    home: LedgerHome,
    found: Examined,
    *,
    reason: str,
    job_id: bytes,
    now: Callable[[], int],
    lock_timeout_s: float,
) -> Appended:
    """Append a `head.accepted` for each disagreement in `found`, and make the anchor remember the log as it then is.

    The caller makes the other witnesses forget, afterwards.

    Raises: NotAcceptableError when nobody disagrees or nothing is left of the log; ConflictError when the log
    moved since it was examined; WriterLockError; DiskFullError, StorageError.
    """
    if not found.disagreements:
        raise NotAcceptableError("a log that every witness remembers", wanted="one that was rolled back or forked")
    if found.head.size == 0:
        # What was appended now would stand in the place of event 0, which says whose ledger this is.
        raise NotAcceptableError("an empty log", wanted="one with an event 0")
    drafts = [Draft(job_id=job_id, stream=LEDGER_STREAM, event=event) for event in _events(found, reason)]
    lock = WriterLock(home.writer_lock)
    try:
        with lock.held(lock_timeout_s):
            folder = _folder(home)
            appended = _append(folder, drafts, found.head, now)
            # A crash before this line leaves a record of the decision and an anchor that still disagrees: the
            # decision is asked for again. The other order could forget the old head without a record of it.
            Anchor.create(folder / ANCHOR_FILE, appended.head).close()
            return appended
    finally:
        lock.close()


def _folder(home: LedgerHome) -> Path:
    folder = home.current()
    if folder is None:
        raise NoLedgerError(home.root)
    return folder


def _disagreements(engine: Engine, witnesses: Iterable[Witness]) -> Iterable[Disagreement]:
    for one in witnesses:
        try:
            check_head(engine.link_at, engine.head, one.head, one.name)
        except RolledBackError as error:
            yield Disagreement(witness=error.witness, verdict="rolled_back", expected=one.head)
        except ForkedError as error:
            yield Disagreement(witness=error.witness, verdict="forked", expected=one.head)


def _events(found: Examined, reason: str) -> list[HeadAccepted]:
    return [
        HeadAccepted(
            reason=reason,
            verdict=one.verdict,
            witness=one.witness,
            expected_size=None if one.expected is None else one.expected.size,
            expected_link=None if one.expected is None else one.expected.link,
            found_size=found.head.size,
            found_link=found.head.link,
        )
        for one in found.disagreements
    ]


def _append(folder: Path, drafts: Sequence[Draft], expected: Head, now: Callable[[], int]) -> Appended:
    """Append `drafts` without asking the anchor; the caller holds the writer lock."""
    engine = Engine(folder, readonly=False)
    # The head found is part of the key: after a crash the next decision is another append.
    identifier = append_id(f"accept/{expected.link.hex()}", job_id=drafts[0].job_id)

    def step(txn: Any) -> Appended:
        head = engine.head_in(txn)
        if head != expected:
            raise ConflictError(expected=expected.size, actual=head.size)
        recorded_at, held_back_us = hold_back(now(), _last_recorded_at(engine, txn, head))
        records = chain_records(drafts, head=head, recorded_at=recorded_at, append_id=identifier)
        after = head_after(records)
        engine.put_in(txn, records, append_id=identifier, head=after)
        return Appended(first=Seq(head.size), count=len(records), head=after, held_back_us=held_back_us)

    try:
        return engine.update(step)
    finally:
        engine.close()


def _last_recorded_at(engine: Engine, txn: Any, head: Head) -> int:
    seq = head.size - 1
    return decode_envelope(seq, engine.body_in(txn, seq)).recorded_at
