"""Signs a checkpoint of the log as it is on disk, once it extends what was signed before.

In this order, each durable before the next: tiles, `checkpoint`, the event `checkpoint.signed`.
A crash between any two leaves nothing signed that the log does not hold, and the next call finishes it.

Source: C2SP tlog-checkpoint, "Signatures"; docs/format.md, "Checkpoint".
"""

from pathlib import Path

import msgspec

from ledger import ids
from ledger.checkpoint.errors import NotAnExtensionError, NoteError, OtherOriginError
from ledger.checkpoint.note import SigningKey, open_note, split_note
from ledger.checkpoint.published import Published
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

    `folder` is None where it was not published, since a larger one is.
    """

    statement: Statement
    link: bytes
    note: bytes
    seq: int
    folder: Path | None
    new_files: int
    repeated: bool


def default_folder(home: LedgerHome, origin: str) -> Path:
    """Return where checkpoints of `origin` lie unless somebody names another folder."""
    return home.root / FOLDER / origin.removeprefix(PREFIX).replace("/", "-")


def sign_checkpoint(
    log: EventLog, key: SigningKey, *, job_id: bytes, lock_timeout_s: float, folder: Path | None = None, size: int = 0
) -> Signed:
    """Return the checkpoint of `log`, signed, published under `folder` and recorded.

    `size` 0 is all of it; the default folder is that of its origin. Reads the log twice, in constant memory.
    One that is smaller than the published one is signed and recorded, and published nowhere.

    Raises: NotAnExtensionError; OtherOriginError; NoteError for a published checkpoint that cannot be read;
    TileError; DamagedError; DiskFullError, UnwritableError; what `EventLog.append` raises.
    """
    lock = WriterLock(log.home.locks / LOCK)
    try:
        with lock.held(lock_timeout_s):
            return _Signing(log, key, job_id, folder, size).run()
    finally:
        lock.close()


class _Signing:
    """One checkpoint under way."""

    def __init__(self, log: EventLog, key: SigningKey, job_id: bytes, folder: Path | None, size: int) -> None:
        self._log, self._key, self._job_id = log, key, job_id
        self._ledger_folder = log.folder
        self._head = log.head()
        self._known = look(log.values(0, self._head.size))
        self._origin = self._known.origin(size or self._head.size)
        self._last = self._known.last(self._origin)
        self._published = Published(folder or default_folder(log.home, self._origin))
        self._before = self._published_before()
        self._size = size or self._head.size
        if not size and self._last and self._known.others <= self._last.event.size and self._mine(self._last):
            self._size = self._last.event.size  # only checkpoints came after it

    def run(self) -> Signed:
        """Read, hold, publish, record."""
        goes_on = self._before is None or self._before.size <= self._size
        with self._published.staged() as staging:
            marks = grow(
                self._log.values(0, self._head.size),
                [self._size, *self._held()],
                keep=staging.add if goes_on else drop,
                keep_size=self._size,
            )
            self._hold(marks)
            self._finish(marks)
            new_files = staging.publish() if goes_on else 0
        mark = marks[self._size]
        statement = Statement(self._origin, self._size, mark.root)
        note = self._key.sign(statement.text())
        if goes_on and statement != self._before:
            # A crash before this line leaves tiles that nobody asks for; one after it, a checkpoint without its event.
            self._published.put_checkpoint(note)
        recorded = self._recorded(self._size)
        return Signed(
            statement=statement,
            link=mark.link,
            note=note,
            seq=recorded.seq if recorded else self._record(statement, mark.link, note),
            folder=self._published.folder if goes_on else None,
            new_files=new_files,
            repeated=recorded is not None,
        )

    def _mine(self, recorded: RecordedCheckpoints) -> bool:
        return recorded.event.key_id == self._key.verifier().key_id

    def _published_before(self) -> Statement | None:
        content = self._published.checkpoint()
        if content is None:
            return None
        try:
            text = open_note(content, self._key.verifier())
        except NoteError:
            # Another key's may stand there, when keys changed; a signature of this key's that fails may not.
            text, signatures = split_note(content)
            if self._key.name in {name for name, _ in signatures}:
                raise
        found = parse_statement(text)
        if found.origin != self._origin:
            raise OtherOriginError(self._published.folder, found.origin, wanted=self._origin)
        return found

    def _held(self) -> dict[int, tuple[str, bytes]]:
        """Return what the log has to hold: of each size, who signed it, and the root.

        Raises: NotAnExtensionError where the log is shorter.
        """
        held = {}
        if self._last is not None:
            held[self._last.event.size] = (RECORDED, self._last.event.root)
        if self._before is not None:
            known = held.get(self._before.size)
            if known is None or known[1] == self._before.root:
                held[self._before.size] = (PUBLISHED, self._before.root)
            else:
                raise self._not_held(PUBLISHED, self._before.size)
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
        bound = size if self._before is None else self._before.size
        seq = first_difference(self._log.values(0, self._head.size), self._published, bound)
        found = "another root" if seq is None else "another event"
        return NotAnExtensionError(witness=witness, size=size, seq=seq, found=found)

    def _finish(self, marks: dict[int, LeafMark]) -> None:
        """Record the published checkpoint where a crash came before its event."""
        before = self._before
        if before is None or before.size == self._size or self._recorded(before.size):
            return
        note = self._published.checkpoint() or b""
        if any(name == self._key.name for name, _ in split_note(note)[1]):
            self._record(before, marks[before.size].link, self._key.sign(before.text()))

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
