"""One attempt as the ingest log shows it, made from the events that record how it went. Pure."""

from typing import Literal

import msgspec

from ledger.codec import Envelope
from ledger.events import FetchFailed, FetchSucceeded, IngestFailed, IngestRefused, ValidationCompleted
from ledger.values import ACCEPTED, ErrorKind
from projections.fold.event_readers import Evidence, Fact

Status = Literal["success", "warning", "rejected", "error", "locked", "pending"]
FAILURES: frozenset[Status] = frozenset({"rejected", "error", "locked"})
ENTRY_TAGS = frozenset({FetchSucceeded.TAG, FetchFailed.TAG, IngestRefused.TAG, IngestFailed.TAG})
US_A_MS = 1000


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One attempt. Times are microseconds UTC.

    `final` is False where another attempt of the job replaced it: a failed one that was retried, or evidence
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
    received: int | None = None  # rows with a price, by the decision; None where none was accepted


def attempted(envelope: Envelope, fact: Fact) -> Entry | None:
    """Return the entry that an event opens, None for an event that is no attempt.

    Evidence is `pending` until a decision or a failure names it as its cause: see `judged`. That failure is no attempt
    of its own.
    """
    if isinstance(fact, Evidence):
        return Entry(
            ticker=fact.ticker,
            job_id=envelope.job_id,
            started_at=fact.started_at,
            finished_at=fact.finished_at,
            rows_fetched=fact.rows,
            status="pending",
            error_message=None,
            duration_ms=(fact.finished_at - fact.started_at) // US_A_MS,
            provider=fact.provider,
            attempt=fact.attempt,
            retry_after=None,
            seq=envelope.seq,
            recorded_at=envelope.recorded_at,
        )
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
        failed = decision.error_kind
        return Judgement(failure_status(failed), error_kind=failed, error_message=_message(failed, decision.message))
    if decision.verdict == "superseded":
        return Judgement("success", superseded=True)
    kind: ErrorKind | None = None
    message: str | None = None
    if decision.verdict == "rejected":
        kind = "empty" if any(finding.rule == "EMPTY" for finding in decision.rejected) else "bad-answer"
        # A reader needs the finding on the whole answer first, else the first row's.
        first = min(decision.rejected, key=lambda finding: finding.date is not None, default=None)
        message = _message(kind, "nothing was accepted" if first is None else f"{first.rule} {first.detail}")
    return Judgement(
        decision.verdict,
        error_kind=kind,
        error_message=message,
        accepted=decision.added + decision.revised + decision.unchanged,
        rejected=rejected_rows(decision),
        flagged=len(decision.flagged),
        received=decision.received if decision.verdict in ACCEPTED else None,
    )


def failure_status(kind: ErrorKind) -> Status:
    """Return the status of an attempt that failed in this way."""
    return "locked" if kind == "locked" else "error"


def rejected_rows(decision: ValidationCompleted) -> int:
    """Return how many rows the decision rejected; a finding on the whole answer is no row."""
    # Nearly every decision rejects nothing, and a fold asks it of all of them.
    return sum(finding.date is not None for finding in decision.rejected) if decision.rejected else 0


def judged(entry: Entry, found: Judgement) -> Entry:
    """Return `entry` with the decision on its evidence, which knows a row that the library alone has for none."""
    return msgspec.structs.replace(
        entry,
        rows_fetched=entry.rows_fetched if found.received is None else found.received,
        status=found.status,
        final=not found.superseded,
        superseded=found.superseded,
        error_kind=found.error_kind,
        error_message=found.error_message,
        accepted=found.accepted,
        rejected=found.rejected,
        flagged=found.flagged,
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
        error_message=_message(kind, fact.message),
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


def _message(kind: ErrorKind, message: str) -> str:
    """Return `message` behind its kind, once."""
    return message if message.startswith(f"{kind}:") else f"{kind}: {message}"
