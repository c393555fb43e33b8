"""One attempt as the ingest log tells it, made from the events that say how it went. Pure."""

from typing import Literal

import msgspec

from ledger.codec import Envelope
from ledger.events import ErrorKind, FetchFailed, FetchSucceeded, IngestFailed, IngestRefused, ValidationCompleted
from projections.fold.event_readers import Evidence, Fact

Status = Literal["success", "warning", "rejected", "error", "locked", "pending"]
FAILURES: frozenset[Status] = frozenset({"rejected", "error", "locked"})
ENTRY_TAGS = frozenset({FetchSucceeded.TAG, FetchFailed.TAG, IngestRefused.TAG, IngestFailed.TAG})
US_A_MS = 1000


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
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


class Judgement(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a decision adds to its evidence's entry."""

    status: Status
    superseded: bool = False
    error_kind: ErrorKind | None = None
    error_message: str | None = None
    accepted: int = 0
    rejected: int = 0
    flagged: int = 0


def attempted(envelope: Envelope, fact: Fact) -> Entry | None:
    """Return the entry that an event opens, None for an event that is no attempt.

    Evidence is `pending` until a decision or a failure names it as its cause: see `judged`. That failure is no attempt
    of its own.
    """
    if isinstance(fact, Evidence):
        return _pending(envelope, fact)
    if isinstance(fact, FetchFailed):
        return _failed(envelope, fact, fact.error_kind, attempt=fact.attempt)
    if isinstance(fact, IngestFailed) and envelope.cause is None:
        return _failed(envelope, fact, fact.error_kind, attempt=fact.attempt)
    if isinstance(fact, IngestRefused):
        # A refused job made no attempt of its own; entries are numbered from 1.
        return _failed(envelope, fact, "locked", attempt=1)
    return None


def judgement(decision: ValidationCompleted | IngestFailed) -> Judgement:
    """Return what `decision` says of its evidence, or the failure that ended it undecided.

    Superseded evidence is a success that is not final: the answer was sound, the job went on to a wider one.
    """
    if isinstance(decision, IngestFailed):
        kind = decision.error_kind
        return Judgement(failure_status(kind), error_kind=kind, error_message=_told(kind, decision.message))
    if decision.verdict == "superseded":
        return Judgement("success", superseded=True)
    rejection = _rejection_kind(decision) if decision.verdict == "rejected" else None
    return Judgement(
        decision.verdict,
        False,  # noqa: FBT003 - a field by its place, as in every array
        rejection,
        None if rejection is None else _told(rejection, _first_finding(decision)),
        decision.added + decision.revised + decision.unchanged,
        rejected_rows(decision),
        len(decision.flagged),
    )


def failure_status(kind: ErrorKind) -> Status:
    """Return the status of an attempt that failed in this way."""
    return "locked" if kind == "locked" else "error"


def rejected_rows(decision: ValidationCompleted) -> int:
    """Return how many rows the decision rejected; a finding on the whole batch is none."""
    return sum(finding.date is not None for finding in decision.rejected)


def judged(entry: Entry, found: Judgement) -> Entry:
    """Return `entry` as the decision over its evidence leaves it."""
    return msgspec.structs.replace(
        entry,
        status=found.status,
        final=not found.superseded,
        superseded=found.superseded,
        error_kind=found.error_kind,
        error_message=found.error_message,
        accepted=found.accepted,
        rejected=found.rejected,
        flagged=found.flagged,
    )


def _pending(envelope: Envelope, evidence: Evidence) -> Entry:
    return Entry(
        ticker=evidence.ticker,
        job_id=envelope.job_id,
        started_at=evidence.started_at,
        finished_at=evidence.finished_at,
        rows_fetched=evidence.rows,
        status="pending",
        error_message=None,
        duration_ms=(evidence.finished_at - evidence.started_at) // US_A_MS,
        provider=evidence.provider,
        attempt=evidence.attempt,
        retry_after=None,
        seq=envelope.seq,
        recorded_at=envelope.recorded_at,
    )


def _failed(
    envelope: Envelope, fact: FetchFailed | IngestFailed | IngestRefused, kind: ErrorKind, *, attempt: int
) -> Entry:
    answered = fact if isinstance(fact, FetchFailed) else None
    return Entry(
        ticker=fact.ticker,
        job_id=envelope.job_id,
        started_at=fact.started_at,
        finished_at=fact.finished_at,
        rows_fetched=0,
        status=failure_status(kind),
        error_message=_told(kind, fact.message),
        duration_ms=(fact.finished_at - fact.started_at) // US_A_MS,
        provider=fact.provider,
        attempt=attempt,
        retry_after=None if answered is None else answered.retry_after_s,
        seq=envelope.seq,
        recorded_at=envelope.recorded_at,
        final=answered is None or answered.final,
        error_kind=kind,
        status_code=None if answered is None else answered.status_code,
    )


def _told(kind: ErrorKind, message: str) -> str:
    return message if message.startswith(f"{kind}:") else f"{kind}: {message}"


def _rejection_kind(decision: ValidationCompleted) -> ErrorKind:
    return "empty" if any(finding.rule == "EMPTY" for finding in decision.rejected) else "bad-answer"


def _first_finding(decision: ValidationCompleted) -> str:
    """Return what a reader needs first: the finding on the whole batch, else the first row's."""
    findings = sorted(decision.rejected, key=lambda finding: finding.date is not None)
    return f"{findings[0].rule} {findings[0].detail}" if findings else "nothing was accepted"
