"""The newest backup, checkpoint and verification on record.

Tables `backups`, `checkpoints`, `verifications`, of the read model `metrics`: "last" -> the newest.
"""

import msgspec

from ledger.codec import Envelope
from ledger.events import BackupCreated, CheckpointSigned, Event, LogVerified
from projections.fold.keys import text_key
from projections.fold.tables import Tables

TABLES = ("backups", "checkpoints", "verifications")
KINDS: tuple[type[Event], ...] = (BackupCreated, CheckpointSigned, LogVerified)
TAGS = frozenset(kind.TAG for kind in KINDS)
LAST_BACKUP = LAST_CHECKPOINT = LAST_VERIFICATION = text_key("last")  # each in a table of its own


class BackupStatus(msgspec.Struct, frozen=True, array_like=True):
    """The newest backup: when it was recorded, its file's name and size, and how many events it holds."""

    recorded_at: int
    name: str
    archive_bytes: int
    size: int


class CheckpointMade(msgspec.Struct, frozen=True, array_like=True):
    """The newest checkpoint: when it was recorded, and how many events it covers."""

    recorded_at: int
    size: int


class VerificationMade(msgspec.Struct, frozen=True, array_like=True):
    """The newest verification: when it was recorded, what it found, and of how many events."""

    recorded_at: int
    verdict: str
    size: int


_decode_backup = msgspec.msgpack.Decoder(BackupStatus).decode
_decode_checkpoint = msgspec.msgpack.Decoder(CheckpointMade).decode
_decode_verification = msgspec.msgpack.Decoder(VerificationMade).decode


def put(tables: Tables, envelope: Envelope, fact: BackupCreated | CheckpointSigned | LogVerified) -> None:
    """Put what the event records in the place of what was the newest."""
    at = envelope.recorded_at
    if isinstance(fact, BackupCreated):
        tables["backups"].store(LAST_BACKUP, BackupStatus(at, fact.name, fact.archive_bytes, fact.size))
    elif isinstance(fact, CheckpointSigned):
        tables["checkpoints"].store(LAST_CHECKPOINT, CheckpointMade(at, fact.size))
    else:
        tables["verifications"].store(LAST_VERIFICATION, VerificationMade(at, fact.verdict, fact.size))


def last_backup(tables: Tables) -> BackupStatus | None:
    """Return the newest backup, None before the first."""
    return tables["backups"].load(LAST_BACKUP, _decode_backup)


def last_checkpoint(tables: Tables) -> CheckpointMade | None:
    """Return the newest checkpoint that is recorded, None where there is none."""
    return tables["checkpoints"].load(LAST_CHECKPOINT, _decode_checkpoint)


def last_verification(tables: Tables) -> VerificationMade | None:
    """Return the newest verification that is recorded, None where there is none."""
    return tables["verifications"].load(LAST_VERIFICATION, _decode_verification)
