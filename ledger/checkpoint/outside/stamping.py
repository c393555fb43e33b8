"""Has a signed checkpoint dated by an authority, and keeps its answer: beside the checkpoint, then in the log.

A crash between the two leaves a timestamp that holds; the next call asks again.
"""

from typing import TYPE_CHECKING

import msgspec

from ledger import ids
from ledger.checkpoint.errors import NoAnswerError
from ledger.checkpoint.outside.exchange import post
from ledger.checkpoint.outside.timestamp import ANSWER_LIMIT_BYTES, opened, query
from ledger.checkpoint.signing import LOCK, Signed
from ledger.codec import Draft
from ledger.errors import AppendIdError
from ledger.events import LEDGER_STREAM, CheckpointTimestamped
from ledger.log_source import events_of
from ledger.store.event_log import EventLog
from ledger.store.writer_lock import WriterLock
from ledger.urls import masked

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

QUERY_TYPE, REPLY_TYPE = "application/timestamp-query", "application/timestamp-reply"
OK = 200


class Authority(msgspec.Struct, frozen=True, kw_only=True):
    """Who is asked, how long it may take, and the roots that its certificate has to be under."""

    url: str
    roots: "tuple[Certificate, ...]"
    timeout_s: float

    def __repr__(self) -> str:
        """Return what the URL does not hide."""
        return f"Authority({masked(self.url)!r})"


class Timestamped(msgspec.Struct, frozen=True, kw_only=True):
    """When the authority saw the checkpoint, in microseconds UTC; `seq` is its event's.

    `file` is where the answer lies, a path or a URL, None where the checkpoint lies nowhere. `repeated` when it had
    said so before and was not asked again.
    """

    authority: str
    time: int
    seq: int
    file: str | None
    repeated: bool


def stamp(log: EventLog, signed: Signed, authority: Authority, *, job_id: bytes, lock_timeout_s: float) -> Timestamped:
    """Return when `authority` saw the checkpoint that was signed of `log`; ask unless the log has its answer.

    Raises: NoAnswerError; TimestampError for an answer that does not date this checkpoint, of which nothing is kept;
    DiskFullError, UnwritableError; what `EventLog.append` raises.
    """
    folder, name = log.folder, masked(authority.url)
    if (found := _recorded(log, signed, name)) is not None:
        seq, event = found
        file = _keep(log, signed, event.token, lock_timeout_s)
        return Timestamped(authority=name, time=event.time, seq=seq, file=file, repeated=True)
    text = signed.statement.text()
    asked = query(text)
    token = _answer(authority, asked.content)
    dated = opened(token, authority.roots, nonce=asked.nonce)
    dated.check(text)
    file = _keep(log, signed, token, lock_timeout_s)
    size, root = signed.statement.size, signed.statement.root
    event = CheckpointTimestamped(size=size, root=root, authority=name, token=token, time=dated.time)
    draft = Draft(job_id=job_id, stream=LEDGER_STREAM, event=event)
    identifier = ids.append_id(f"timestamp/{signed.statement.origin}/{size}/{name}", job_id=job_id)
    try:
        seq = log.append([draft], append_id=identifier, expected_folder=folder).first
    except AppendIdError:
        # Another process asked meanwhile: what it recorded is what was said.
        if _recorded(log, signed, name) is None:
            raise
        return stamp(log, signed, authority, job_id=job_id, lock_timeout_s=lock_timeout_s)
    return Timestamped(authority=name, time=dated.time, seq=seq, file=file, repeated=False)


def _answer(authority: Authority, query: bytes) -> bytes:
    """Return what the authority answers to `query`.

    Raises: NoAnswerError for anything but a reply.
    """
    limit, timeout_s = ANSWER_LIMIT_BYTES, authority.timeout_s
    answer = post(authority.url, query, media_type=QUERY_TYPE, limit_bytes=limit, timeout_s=timeout_s)
    if (answer.status, answer.media_type) != (OK, REPLY_TYPE):
        got = f"HTTP status {answer.status} with {answer.media_type[:80] or 'no media type'}"
        raise NoAnswerError(masked(authority.url), got, wanted=f"{OK} with {REPLY_TYPE}")
    return answer.body


def _recorded(log: EventLog, signed: Signed, authority: str) -> tuple[int, CheckpointTimestamped] | None:
    """Return the event that holds the authority's answer, and its seq: it came after all that the checkpoint covers."""
    for envelope, event in events_of(log.read(signed.statement.size), CheckpointTimestamped):
        if (event.size, event.root, event.authority) == (signed.statement.size, signed.statement.root, authority):
            return envelope.seq, event
    return None


def _keep(log: EventLog, signed: Signed, answer: bytes, lock_timeout_s: float) -> str | None:
    """Put the answer beside the checkpoint, unless another one was published meanwhile."""
    if signed.published is None:
        return None
    lock = WriterLock(log.home.locks / LOCK)
    try:
        with lock.held(lock_timeout_s):
            return signed.published.put_timestamp(signed.statement, answer)
    finally:
        lock.close()
