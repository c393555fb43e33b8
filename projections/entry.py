"""One attempt as the ingest log tells it, made from the events that say how it went. Pure."""

from typing import Literal

import msgspec

from ledger.codec import Envelope
from ledger.events import ErrorKind, FetchFailed, FetchSucceeded, IngestFailed, IngestRefused, ValidationCompleted
from projections.facts import Evidence, Fact

Status = Literal["success", "warning", "rejected", "error", "locked", "pending"]
FAILURES: frozenset[Status] = frozenset({"rejected", "error", "locked"})
ENTRY_TAGS = frozenset({FetchSucceeded.TAG, FetchFailed.TAG, IngestRefused.TAG, IngestFailed.TAG})
US_A_MS = 1000


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One attempt. Times are microseconds UTC.

    `final` is False where another attempt of the job took its place: a failed one that was retried, or evidence
    that was set aside for a wider fetch (`superseded`).
    `error_message` begins with `error_kind`, and both are None unless the attempt failed.
    """

    ticker: str
    job_id: bytes
    started_at: int
    finished_at: int
    rows_fetched: int
    status: Status
    error_message: str | None
    duration_ms: int
    provider: str
    attempt: int
    retry_after: int | None  # seconds
    seq: int
    recorded_at: int
    final: bool = True
    error_kind: ErrorKind | None = None
    status_code: int | None = None
    accepted: int = 0
    rejected: int = 0
    flagged: int = 0
    superseded: bool = False

    @property
    def failed(self) -> bool:
        """Whether the job ended here with nothing accepted."""
        return self.final and self.status in FAILURES


def attempted(envelope: Envelope, fact: Fact) -> Entry | None:
    """Return the entry that an event opens, None for an event that is no attempt.

    Evidence is `pending` until a decision names it as its cause: see `judged`.
    """
    if isinstance(fact, Evidence):
        return _entry(envelope, fact, "pending", attempt=fact.attempt, rows_fetched=fact.rows)
    if isinstance(fact, FetchFailed):
        return _failed_fetch(envelope, fact)
    if isinstance(fact, IngestFailed):
        message = _told(fact.error_kind, fact.message)
        return _entry(envelope, fact, "error", attempt=fact.attempt, error_kind=fact.error_kind, error_message=message)
    if isinstance(fact, IngestRefused):
        # A refused job made no attempt of its own; entries are numbered from 1.
        message = _told("locked", fact.message)
        return _entry(envelope, fact, "locked", attempt=1, error_kind="locked", error_message=message)
    return None


def judged(entry: Entry, decision: ValidationCompleted) -> Entry:
    """Return `entry` as the decision over its evidence leaves it.

    Superseded evidence is a success that is not final: the answer was sound, the job went on to a wider one.
    """
    superseded = decision.verdict == "superseded"
    kind = _rejection_kind(decision) if decision.verdict == "rejected" else None
    return msgspec.structs.replace(
        entry,
        status="success" if decision.verdict == "superseded" else decision.verdict,
        final=not superseded,
        superseded=superseded,
        error_kind=kind,
        error_message=None if kind is None else _told(kind, _first_finding(decision)),
        accepted=decision.added + decision.revised + decision.unchanged,
        rejected=len(decision.rejected),
        flagged=len(decision.flagged),
    )


def _failed_fetch(envelope: Envelope, fact: FetchFailed) -> Entry:
    return _entry(
        envelope,
        fact,
        "error",
        attempt=fact.attempt,
        retry_after=fact.retry_after_s,
        final=fact.final,
        error_kind=fact.error_kind,
        error_message=_told(fact.error_kind, fact.message),
        status_code=fact.status_code,
    )


def _entry(  # noqa: PLR0913 - named fields of one struct, not a call to remember
    envelope: Envelope,
    fact: Evidence | FetchFailed | IngestFailed | IngestRefused,
    status: Status,
    *,
    attempt: int,
    rows_fetched: int = 0,
    retry_after: int | None = None,
    final: bool = True,
    error_kind: ErrorKind | None = None,
    error_message: str | None = None,
    status_code: int | None = None,
) -> Entry:
    return Entry(
        ticker=fact.ticker,
        job_id=envelope.job_id,
        started_at=fact.started_at,
        finished_at=fact.finished_at,
        rows_fetched=rows_fetched,
        status=status,
        error_message=error_message,
        duration_ms=(fact.finished_at - fact.started_at) // US_A_MS,
        provider=fact.provider,
        attempt=attempt,
        retry_after=retry_after,
        seq=envelope.seq,
        recorded_at=envelope.recorded_at,
        final=final,
        error_kind=error_kind,
        status_code=status_code,
    )


def _told(kind: ErrorKind, message: str) -> str:
    return message if message.startswith(f"{kind}:") else f"{kind}: {message}"


def _rejection_kind(decision: ValidationCompleted) -> ErrorKind:
    return "empty" if any(finding.rule == "EMPTY" for finding in decision.rejected) else "bad-answer"


def _first_finding(decision: ValidationCompleted) -> str:
    """Return what a reader needs first: the finding on the whole batch, else the first row's."""
    findings = sorted(decision.rejected, key=lambda finding: finding.date is not None)
    return f"{findings[0].rule} {findings[0].detail}" if findings else "nothing was accepted"
