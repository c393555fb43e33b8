"""Signs a checkpoint of the log as it is on disk, once it extends what was signed before.

In this order, each durable before the next: tiles, `checkpoint`, the event `checkpoint.signed`.
A crash between any two leaves nothing signed that the log does not hold, and the next call finishes it.
Where other machines publish too, a claim comes before the tiles: see `published_objects`.

Source: C2SP tlog-checkpoint, "Signatures"; docs/format.md, "Checkpoint".
"""

from pathlib import Path

import msgspec
from msgspec.structs import replace

from ledger import ids
from ledger.checkpoint.errors import NotAnExtensionError, NoteError, OtherOriginError
from ledger.checkpoint.note import SigningKey, open_note, split_note
from ledger.checkpoint.published import Published
from ledger.checkpoint.published_tree import PublishedTree
from ledger.checkpoint.rereading import LeafMark, RecordedCheckpoints, drop, first_difference, grow, look
from ledger.checkpoint.statement import PREFIX, Statement, parse_statement
from ledger.codec import Draft
from ledger.errors import DamagedError
from ledger.events import LEDGER_STREAM, CheckpointSigned
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.store.writer_lock import WriterLock

FOLDER = "checkpoints"
LOCK = "checkpoint.lock"
PUBLISHED, RECORDED = "published checkpoint", "last checkpoint in the log"


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """A checkpoint that was signed, or stands because nothing new is in the log (`repeated`); `seq` is its event's.

    `published` is where, None where it was not, since a larger one is.
    """

    statement: Statement
    link: bytes
    note: bytes
    seq: int
    published: PublishedTree | None
    new_files: int
    repeated: bool


def default_folder(home: LedgerHome, origin: str) -> Path:
    """Return where checkpoints of `origin` lie unless somebody names another folder."""
    return home.root / FOLDER / origin.removeprefix(PREFIX).replace("/", "-")


class Publishing(msgspec.Struct, frozen=True, kw_only=True):
    """Where a checkpoint is published, None for the folder of its origin, and of how many events, 0 for all.

    `across_epochs` where what is published there already may be of an earlier epoch of the same log.
    """

    place: PublishedTree | None = None
    size: int = 0
    across_epochs: bool = False


ALL = Publishing()


def sign_checkpoint(
    log: EventLog, key: SigningKey, *, job_id: bytes, lock_timeout_s: float, publishing: Publishing = ALL
) -> Signed:
    """Return the checkpoint of `log`, signed, published and recorded.

    Reads the log twice, in constant memory. One that is smaller than the published one is signed and recorded, and
    published nowhere.

    Raises: NotAnExtensionError; OtherOriginError; NoteError for a published checkpoint that cannot be read;
    SignedElsewhereError; TileError, ObjectDiffersError; StoreError; DamagedError; DiskFullError, UnwritableError;
    what `EventLog.append` raises.
    """
    lock = WriterLock(log.home.locks / LOCK)
    try:
        with lock.held(lock_timeout_s):
            signing = _Signing(log, key, job_id, publishing)
            if signing.claimed:
                for one in signing.claimed:
                    _Signing(log, key, job_id, replace(publishing, size=one.size)).run()
                signing = _Signing(log, key, job_id, publishing)
            return signing.run()
    finally:
        lock.close()


class _Signing:
    """One checkpoint under way."""

    def __init__(self, log: EventLog, key: SigningKey, job_id: bytes, publishing: Publishing) -> None:
        self._log, self._key, self._job_id = log, key, job_id
        self._ledger_folder = log.folder
        self._head = log.head()
        self._known = look(log.values(0, self._head.size))
        size = publishing.size
        self._origin = self._known.origin(size or self._head.size)
        self._last = self._known.last(self._origin)
        self._across_epochs = publishing.across_epochs
        self._published = publishing.place or Published(default_folder(log.home, self._origin))
        # What is published, the newest last, each with whether this key's name stands under it.
        self._stated = sorted(map(self._opened, self._published.notes()), key=lambda one: one[0].size)
        before = self._stated[-1][0].size if self._stated else 0
        # What a crash left to be signed first.
        self.claimed = [self._own(one) for one in self._published.claims(before)]
        self._covered = before
        self._size = size or self._head.size
        if not size and self._last and self._known.others <= self._last.event.size and self._mine(self._last):
            self._size = self._last.event.size  # only checkpoints came after it

    def run(self) -> Signed:
        """Read, hold, publish, record."""
        goes_on = self._covered <= self._size
        with self._published.staged(self._covered) as staging:
            marks = grow(
                self._log.values(0, self._head.size),
                [self._size, *self._held()],
                keep=staging.add if goes_on else drop,
                keep_size=self._size,
            )
            self._hold(marks)
            self._finish(marks)
            link, statement = marks[self._size].link, Statement(self._origin, self._size, marks[self._size].root)
            if self._covered < self._size:
                self._published.claim(self._covered, statement)  # only one machine is to put its tiles there
            new_files = staging.publish() if goes_on else 0
        note = self._key.sign(statement.text())
        if self._covered < self._size:
            self._published.put_checkpoint(statement, note)  # a crash after this leaves it without its event
        recorded = self._recorded(self._size)
        signed = Signed(
            statement=statement,
            link=link,
            note=note,
            seq=recorded.seq if recorded else self._record(statement, link, note),
            published=self._published if goes_on else None,
            new_files=new_files,
            repeated=recorded is not None,
        )
        if goes_on:
            self._published.point_to(statement, note)
        return signed

    def _extended(self) -> list[Statement]:
        """Return what is published, or was about to be, the newest last."""
        return [*(stated for stated, _ in self._stated), *self.claimed]

    def _mine(self, recorded: RecordedCheckpoints) -> bool:
        return recorded.event.key_id == self._key.verifier().key_id

    def _opened(self, content: bytes) -> tuple[Statement, bool]:
        """Return what a published checkpoint states, and whether this key's name stands under it."""
        try:
            return self._own(parse_statement(open_note(content, self._key.verifier()))), True
        except NoteError:
            # Another key's may stand there, when keys changed; a signature of this key's that fails may not.
            text, signatures = split_note(content)
            if self._key.name in {name for name, _ in signatures}:
                raise
            return self._own(parse_statement(text)), False

    def _own(self, found: Statement) -> Statement:
        """Return what is published, once it is of this origin, or of an earlier one where that may be."""
        wanted = self._known.origin(found.size) if self._across_epochs else self._origin
        if found.origin != wanted:
            raise OtherOriginError(self._published.where, found.origin, wanted=wanted)
        return found

    def _held(self) -> dict[int, tuple[str, bytes]]:
        """Return what the log has to hold: of each size, who signed it, and the root.

        Raises: NotAnExtensionError where the log is shorter.
        """
        held = {}
        if self._last is not None:
            held[self._last.event.size] = (RECORDED, self._last.event.root)
        for stated in self._extended():
            known = held.get(stated.size)
            if known is not None and known[1] != stated.root:
                raise self._not_held(PUBLISHED, stated.size)
            held[stated.size] = (PUBLISHED, stated.root)
        for size, (witness, _) in held.items():
            if size > self._head.size:
                raise NotAnExtensionError(witness=witness, size=size, seq=self._head.size, found="the end")
        return held

    def _hold(self, marks: dict[int, LeafMark]) -> None:
        for size, (witness, root) in self._held().items():
            if marks[size].root != root:
                raise self._not_held(witness, size)
        last = self._last
        if last is not None and marks[last.event.size].link != last.event.link:
            expected, found = last.event.link.hex(), marks[last.event.size].link.hex()
            raise DamagedError(last.seq, "recorded link", expected=found, found=expected)

    def _not_held(self, witness: str, size: int) -> NotAnExtensionError:
        # Tiles are there as far as the newest checkpoint that is published, or was about to be, reaches.
        bound = min(max((one.size for one in self._extended()), default=size), self._head.size)
        seq = first_difference(self._log.values(0, self._head.size), self._published, bound)
        found = "another root" if seq is None else "another event"
        return NotAnExtensionError(witness=witness, size=size, seq=seq, found=found)

    def _finish(self, marks: dict[int, LeafMark]) -> None:
        """Record what is published, where a crash came before its event."""
        for one in [stated for stated, mine in self._stated if mine]:
            if one.size != self._size and one.origin == self._origin and not self._recorded(one.size):
                self._record(one, marks[one.size].link, self._key.sign(one.text()))

    def _recorded(self, size: int) -> RecordedCheckpoints | None:
        mine = (one for one in self._known.signed if one.event.origin == self._origin and self._mine(one))
        return next((one for one in mine if one.event.size == size), None)

    def _record(self, statement: Statement, link: bytes, note: bytes) -> int:
        key_id = self._key.verifier().key_id
        event = CheckpointSigned(
            origin=statement.origin,
            size=statement.size,
            link=link,
            root=statement.root,
            key_id=key_id,
            note=note.decode(),
        )
        draft = Draft(job_id=self._job_id, stream=LEDGER_STREAM, event=event)
        natural_key = f"checkpoint/{statement.origin}/{statement.size}/{key_id.hex()}"
        identifier = ids.append_id(natural_key, job_id=self._job_id)
        return self._log.append([draft], append_id=identifier, expected_folder=self._ledger_folder).first
