"""Ledgers, keys and folders that checkpoints are signed in."""

from pathlib import Path

from ledger.chain import Head
from ledger.checkpoint import tree
from ledger.checkpoint.note import SigningKey, open_note, parse_signing
from ledger.checkpoint.published import Published
from ledger.checkpoint.published_tree import CHECKPOINT, PublishedTree
from ledger.checkpoint.signing import Publishing, Signed, sign_checkpoint
from ledger.checkpoint.statement import Statement, parse_statement
from ledger.codec import decode_envelope, decode_event
from ledger.events import CheckpointSigned
from ledger.ids import append_id
from ledger.store.event_log import EventLog
from tests.ledger.checkpoint import reference
from tests.support.drafts import JOB, connection_tested

KEY: SigningKey = parse_signing("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")


def more(log: EventLog, events: int) -> Head:
    """Append so many events."""
    first = log.head().size
    drafts = [connection_tested(first + at) for at in range(events)]
    return log.append(drafts, append_id=append_id(f"more/{first}")).head


def sign(log: EventLog, out: Path | PublishedTree, *, key: SigningKey = KEY, size: int = 0) -> Signed:
    """Sign the log as it is."""
    place = Published(out) if isinstance(out, Path) else out
    return sign_checkpoint(log, key, job_id=JOB, lock_timeout_s=5, publishing=Publishing(place=place, size=size))


def root_of(log: EventLog, size: int) -> bytes:
    """Return the reference's root over the first `size` events."""
    return reference.mth([tree.leaf(one.seq, one.link, one.body) for one in log.read(0, size)])


def recorded(log: EventLog) -> list[CheckpointSigned]:
    """Return every checkpoint that the log records."""
    events = (decode_event(decode_envelope(one.seq, one.body)) for one in log.read())
    return [event for event in events if isinstance(event, CheckpointSigned)]


def published(folder: Path, key: SigningKey = KEY) -> Statement | None:
    """Return what the checkpoint in `folder` states, its signature checked."""
    content = Published(folder).read(CHECKPOINT)
    return None if content is None else parse_statement(open_note(content, key.verifier()))
