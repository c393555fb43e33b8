"""Tells the log of a backup or restore that did not come about."""

from collections.abc import Callable
from contextlib import suppress
from types import NoneType

from ledger import ids
from ledger.codec import Draft
from ledger.errors import LedgerError
from ledger.events import LEDGER_STREAM, BackupFailed, ErrorKind
from ledger.files.isolated import Quarantine
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome


def failure(name: str, stage: str, error: BaseException, *, job_id: bytes) -> tuple[Draft, bytes]:
    """Return the event that tells of `error`, and the id to append it under."""
    kind: ErrorKind = "internal" if isinstance(error, LedgerError) else "interrupted"
    event = BackupFailed(name=name, stage=stage, error_kind=kind, message=str(error) or kind)
    draft = Draft(job_id=job_id, stream=LEDGER_STREAM, event=event)
    return draft, ids.append_id(f"backup.failed/{job_id.hex()}", job_id=job_id)


def record_failure(
    home: LedgerHome, name: str, stage: str, error: BaseException, *, job_id: bytes, now: Callable[[], int]
) -> None:
    """Tell the ledger in use under `home` of a restore that failed, as far as it takes an event at all.

    In a child process: after a failure the ledger is not trusted, and the failure itself is what counts.
    """
    draft, identifier = failure(name, stage, error, job_id=job_id)

    def tell() -> None:
        with EventLog(home, now=now) as log:
            log.append([draft], append_id=identifier)

    with suppress(LedgerError):
        Quarantine(tell, NoneType).result()
