"""Records an operator's decision to accept a head that a witness contradicts.

Source: docs/format.md, "Anchor".
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from ledger.appending import Append, Appended
from ledger.chain import Head
from ledger.codec import Draft
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
from ledger.log_source import Witness, check_head
from ledger.store.anchor import Anchor, read_anchor
from ledger.store.engine import Engine
from ledger.store.event_log import ANCHOR
from ledger.store.home import ANCHOR_FILE, LedgerHome
from ledger.store.mark import clear_mark, read_mark
from ledger.store.writer_lock import WriterLock

AcceptableVerdict = Literal["rolled_back", "forked", "unreadable"]


class NotAcceptableError(LedgerError):
    """There is nothing for an operator to decide; nothing was changed."""

    def __init__(self, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found}, want {wanted}")
        self.found, self.wanted = found, wanted


class Disagreement(msgspec.Struct, frozen=True, kw_only=True):
    """A witness that remembers another head than the log holds; `expected` None where it cannot be read."""

    witness: str
    verdict: AcceptableVerdict
    expected: Head | None

    def accepted(self, found: Head, reason: str) -> HeadAccepted:
        """Return the event that records the decision to accept the head `found` in spite of this witness."""
        return HeadAccepted(
            reason=reason,
            verdict=self.verdict,
            witness=self.witness,
            expected_size=None if self.expected is None else self.expected.size,
            expected_link=None if self.expected is None else self.expected.link,
            found_size=found.size,
            found_link=found.link,
        )


class Examined(msgspec.Struct, frozen=True):
    """The head of the log as it is, and every witness that disagrees with it."""

    head: Head
    disagreements: tuple[Disagreement, ...]


def examine(home: LedgerHome, witnesses: Sequence[Witness]) -> Examined:
    """Return who disagrees with the ledger in use: its anchor, `witnesses`, then its mark. Changes nothing.

    For a log whose own chain holds: only what others remember is compared.

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
    mark = read_mark(folder)
    marked = mark.remembered() if mark else None
    engine = Engine(folder, readonly=True)
    try:
        for one in dict.fromkeys((*remembered, *witnesses, *([marked] if marked else []))):
            try:
                check_head(engine.link_at, engine.head, one.head, one.name)
            except RolledBackError:
                disagreements.append(Disagreement(witness=one.name, verdict="rolled_back", expected=one.head))
            except ForkedError:
                disagreements.append(Disagreement(witness=one.name, verdict="forked", expected=one.head))
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
    """Append a `head.accepted` per disagreement in `found`, and make the anchor remember the head after them.

    The mark of the verification that found them is removed. The caller makes the other witnesses forget, afterwards.

    Raises: NotAcceptableError when nobody disagrees or the log is empty; ConflictError when the log
    moved since it was examined; WriterLockError; DiskFullError, StorageError.
    """
    if not found.disagreements:
        raise NotAcceptableError("a log that every witness remembers", wanted="one that was rolled back or forked")
    if found.head.size == 0:
        # An append now would take the place of event 0, which identifies the ledger.
        raise NotAcceptableError("an empty log", wanted="one with an event 0")
    events = [one.accepted(found.head, reason) for one in found.disagreements]
    drafts = [Draft(job_id=job_id, stream=LEDGER_STREAM, event=event) for event in events]
    lock = WriterLock(home.writer_lock)
    try:
        with lock.held(lock_timeout_s):
            folder = _folder(home)
            appended = _append(folder, drafts, found.head, now)
            # A crash before this line leaves the decision on record and an anchor that still disagrees, so the
            # operator is asked again. The other order could forget the old head without a record of it.
            Anchor.create(folder / ANCHOR_FILE, appended.head).close()
            clear_mark(folder)
            return appended
    finally:
        lock.close()


def _folder(home: LedgerHome) -> Path:
    folder = home.current()
    if folder is None:
        raise NoLedgerError(home.root)
    return folder


def _append(folder: Path, drafts: Sequence[Draft], expected: Head, now: Callable[[], int]) -> Appended:
    """Append `drafts` without checking the anchor; the caller holds the writer lock."""
    engine = Engine(folder, readonly=False)
    # The accepted head is part of the key, so after a crash the next decision is another append.
    identifier = append_id(f"accept/{expected.link.hex()}", job_id=drafts[0].job_id)

    def step(txn: Any) -> Appended:
        head = engine.head_in(txn)
        if head != expected:
            raise ConflictError(expected=expected.size, actual=head.size)
        return engine.append_in(txn, [Append(drafts, identifier)], head=head, now=now)[0]

    try:
        return engine.update(step)
    finally:
        engine.close()
