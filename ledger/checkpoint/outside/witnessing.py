"""Asks witnesses to cosign a signed checkpoint, and keeps what they say: in the published note, then in the log.

A witness cosigns only what extends the last checkpoint that it cosigned of this origin: whoever signs two histories
has to find witnesses that saw neither.

Source: C2SP tlog-witness, "add-checkpoint".
"""

from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

import msgspec

from ledger import ids
from ledger.checkpoint.errors import CosignatureError, NoAnswerError, NoteError, NotProvenError
from ledger.checkpoint.note import NOTE_LIMIT_BYTES, VerifierKey
from ledger.checkpoint.outside.cosignature import Cosignature, cosignatures
from ledger.checkpoint.outside.exchange import HttpAnswer, post
from ledger.checkpoint.proving import FromLog, FromTiles, HashSource, prove_extension
from ledger.checkpoint.signing import LOCK, Signed
from ledger.checkpoint.statement import Statement
from ledger.codec import Draft
from ledger.errors import AppendIdError
from ledger.events import LEDGER_STREAM, CheckpointCosigned
from ledger.log_source import events_of
from ledger.store.event_log import EventLog
from ledger.store.writer_lock import WriterLock
from ledger.urls import masked

CALL = "add-checkpoint"
SIZE_TYPE = "text/x.tlog.size"
OK, FORBIDDEN, NOT_FOUND, CONFLICT, UNPROCESSABLE = 200, 403, 404, 409, 422
US_A_SECOND = 1_000_000

_REFUSALS = {
    FORBIDDEN: "403: none of the keys that signed is known there",
    NOT_FOUND: "404: this origin is not known there",
}


class AskedWitness(msgspec.Struct, frozen=True, kw_only=True):
    """Where a witness is asked (the submission prefix), by whose keys it may answer, and how long it may take."""

    url: str
    keys: tuple[VerifierKey, ...]
    timeout_s: float

    def __repr__(self) -> str:
        """Return what the URL does not hide."""
        return f"AskedWitness({masked(self.url)!r})"


class Cosigned(msgspec.Struct, frozen=True, kw_only=True):
    """What a witness said of a checkpoint; `seqs` are the events that hold it, `repeated` when it had before."""

    url: str
    cosignatures: tuple[Cosignature, ...]
    seqs: tuple[int, ...]
    repeated: bool


def cosign(log: EventLog, signed: Signed, witness: AskedWitness, *, job_id: bytes, lock_timeout_s: float) -> Cosigned:
    """Return what `witness` says of the checkpoint that was signed of `log`; ask unless the log has its answer.

    Raises: NoAnswerError; CosignatureError, of which nothing is kept; NotProvenError, TileError;
    DiskFullError, UnwritableError; what `EventLog.append` raises.
    """
    folder, url = log.folder, masked(witness.url)
    recorded = [(seq, event) for seq, event in _recorded(log) if event.url == url]
    same = (signed.statement.size, signed.statement.root)
    known = [(seq, event) for seq, event in recorded if (event.size, event.root) == same]
    repeated = bool(known)
    if repeated:
        found = _of_keys(signed.note + "".join(event.cosignature for _, event in known).encode(), witness)
        seqs = tuple(seq for seq, _ in known)
    else:
        before = max((event.size for _, event in recorded if event.size <= signed.statement.size), default=0)
        found = _asked(log, signed, witness, before)
        seqs = ()
    _join(log, signed, found, lock_timeout_s)
    if not repeated:
        drafts = [Draft(job_id=job_id, stream=LEDGER_STREAM, event=_event(signed, url, one)) for one in found]
        identifier = ids.append_id(f"cosignature/{signed.statement.origin}/{same[0]}/{url}", job_id=job_id)
        try:
            first = log.append(drafts, append_id=identifier, expected_folder=folder).first
        except AppendIdError:
            # Another process asked meanwhile: what it recorded is what was said.
            if all(event.url != url or (event.size, event.root) != same for _, event in _recorded(log)):
                raise
            return cosign(log, signed, witness, job_id=job_id, lock_timeout_s=lock_timeout_s)
        seqs = tuple(range(first, first + len(drafts)))
    return Cosigned(url=url, cosignatures=found, seqs=seqs, repeated=repeated)


def _recorded(log: EventLog) -> list[tuple[int, CheckpointCosigned]]:
    # Looked for as bytes first: decoding every envelope would cost more than all the rest.
    likely = (record for record in log.read() if CheckpointCosigned.TAG.encode() in record.body)
    return [(envelope.seq, event) for envelope, event in events_of(likely, CheckpointCosigned)]


def _event(signed: Signed, url: str, one: Cosignature) -> CheckpointCosigned:
    return CheckpointCosigned(
        size=signed.statement.size,
        root=signed.statement.root,
        url=url,
        witness=one.key.name,
        key_id=one.key.key_id,
        cosignature=one.line,
        time=one.time_s * US_A_SECOND,
    )


def _of_keys(note: bytes, witness: AskedWitness) -> tuple[Cosignature, ...]:
    try:
        found = cosignatures(note, witness.keys)
    except NoteError as error:
        raise CosignatureError(masked(witness.url), error.found, wanted=error.wanted) from error
    if not found:
        names = ", ".join(key.name for key in witness.keys)
        raise CosignatureError(masked(witness.url), "no cosignature by a known key", wanted=f"one by {names}")
    return found


def _asked(log: EventLog, signed: Signed, witness: AskedWitness, before: int) -> tuple[Cosignature, ...]:
    """Return the cosignatures of a witness that cosigned `before` events, as far as we know; it may say otherwise."""
    url = masked(witness.url)
    source: HashSource = FromLog(lambda: log.values(0, log.head().size))
    if signed.published is not None:
        source = FromTiles(signed.published)
    answer = _post(signed, witness, before, source)
    if answer.status == CONFLICT:
        size = _size_seen(answer, signed, witness)
        if size == before:
            raise CosignatureError(url, f"another tree of {size} events", wanted="this one")
        answer = _post(signed, witness, size, source)
    if answer.status in {CONFLICT, UNPROCESSABLE}:
        raise CosignatureError(url, "a tree that this one does not extend", wanted="an earlier one of this log")
    if answer.status != OK:
        status = _REFUSALS.get(answer.status, str(answer.status))
        raise NoAnswerError(url, f"HTTP status {status}", wanted=f"{OK} with cosignatures")
    return _of_keys(signed.note + answer.body, witness)


def _post(signed: Signed, witness: AskedWitness, before: int, source: HashSource) -> HttpAnswer:
    parts = urlsplit(witness.url)
    url = urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{CALL}"))
    statement = signed.statement
    hashes: Sequence[bytes] = ()
    if before not in {0, statement.size}:
        found = prove_extension(Statement(statement.origin, before, b""), statement, source=source)
        if found.new_root != statement.root:
            wanted = f"{statement.root.hex()}, as signed"
            raise NotProvenError(f"a tree with root {found.new_root.hex()}", wanted=wanted)
        hashes = found.hashes
    proof = "".join(f"{b64encode(one).decode()}\n" for one in hashes)
    body = f"old {before}\n{proof}\n".encode() + signed.note
    return post(url, body, media_type="text/plain", limit_bytes=NOTE_LIMIT_BYTES, timeout_s=witness.timeout_s)


def _size_seen(answer: HttpAnswer, signed: Signed, witness: AskedWitness) -> int:
    """Return how many events the witness says that it cosigned, no more than there are."""
    text = answer.body.decode("ascii", "replace").removesuffix("\n")
    url, size = masked(witness.url), signed.statement.size
    if answer.media_type != SIZE_TYPE or not text.isdecimal() or len(text) > len(str(2**63)):
        raise CosignatureError(url, f"another tree of {size} events", wanted="this one")
    if int(text) > size:
        raise CosignatureError(url, f"a checkpoint of {int(text)} events", wanted=f"none larger than the {size} here")
    return int(text)


def _join(log: EventLog, signed: Signed, found: Sequence[Cosignature], lock_timeout_s: float) -> None:
    """Add the lines to the published note, unless another checkpoint was published meanwhile."""
    if signed.published is None:
        return
    lock = WriterLock(log.home.locks / LOCK)
    try:
        with lock.held(lock_timeout_s):
            signed.published.join(signed.statement, [one.line for one in found])
    finally:
        lock.close()
