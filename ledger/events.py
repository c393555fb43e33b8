"""The vocabulary of the log: past-tense facts, one frozen struct each.

An event's `TAG` names its meaning for ever: a new meaning gets a new version and an upcaster in `codec`.
Times are int microseconds UTC; trading dates are days in America/Sao_Paulo.
Prices as a provider gave them are floats; accepted prices are `int` millionths of a real.

Source: docs/format.md, "Events".
"""

from datetime import date
from typing import ClassVar, Literal

import msgspec

from ledger.values import (
    Action,
    Answer,
    Bar,
    Basis,
    Count,
    ErrorKind,
    EventCount,
    Finding,
    Hash,
    Id,
    Identity,
    LedgerKind,
    PrunedFile,
    Rank,
    RawAction,
    RawBar,
    Request,
    Shares,
    Source,
    Time,
    Verdict,
    Window,
)

LEDGER_STREAM = "ledger"
AlertSeverity = Literal["warning", "critical"]
AlertTransition = Literal["raised", "resolved"]
AlertOutcome = Literal["delivered", "failed", "gone"]  # gone: the receiver wants no more (410)
AMOUNTS_PER_MICRO = 1_000_000  # an action's amount is counted in 10^-12, a price in 10^-6


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A fact that was true when it was recorded and stays recorded."""

    TAG: ClassVar[str]


class LedgerCreated(Event, frozen=True, kw_only=True):
    """Event 0 of every log: says which ledger this is, and whether its data are real."""

    TAG = "ledger.created/1"

    ledger_id: Id  # 16 bytes, random
    kind: LedgerKind
    software: str


class FetchSucceeded(Event, frozen=True, kw_only=True):
    """Evidence: a provider answered. Nothing is rounded, dropped or judged here."""

    TAG = "fetch.succeeded/1"

    ticker: str
    provider: str
    attempt: Count  # from 1
    started_at: Time
    finished_at: Time
    request: Request
    source: Source
    answer: Answer
    identity: Identity
    bars: tuple[RawBar, ...]
    actions: tuple[RawAction, ...]


class FetchFailed(Event, frozen=True, kw_only=True):
    """An attempt that brought no usable answer; `final` when no attempt of the job follows."""

    TAG = "fetch.failed/1"

    ticker: str
    provider: str
    attempt: Count
    started_at: Time
    finished_at: Time
    request: Request
    error_kind: ErrorKind
    message: str
    status_code: int | None
    retry_after_s: int | None
    final: bool
    http_date: Time | None = None
    answer: Answer | None = None  # what did come, where anything came


class ValidationCompleted(Event, frozen=True, kw_only=True):
    """A decision over the evidence that the envelope's `cause` names.

    `bars` are the accepted sessions that are new or differ from those held: `added` + `revised`
    of them; `unchanged` more were accepted as already held. `rejected` rows are not in `bars`.
    `partial` rows were sessions not final yet: left for a later run, neither accepted nor rejected.
    A `withdrawn` date was held before and is absent now: the held row stays.
    Verdict `superseded`: the evidence was set aside for a wider fetch, nothing accepted.
    `actions` are all readable ones that were answered inside the window; one held before and absent now stays held.
    `before` and `after` are the states of the series (see `ledger.market.series_state`) that the decision finds and
    leads to; None in a decision of the version before, which commits to nothing.
    """

    TAG = "validation.completed/2"

    ticker: str
    provider: str
    interval: str
    currency: str
    basis: Basis
    rules_version: Count
    verdict: Verdict
    window: Window
    received: Count
    added: Count
    revised: Count
    unchanged: Count
    bars: tuple[Bar, ...]
    actions: tuple[Action, ...]
    withdrawn: tuple[date, ...]
    partial: tuple[date, ...]
    rejected: tuple[Finding, ...]
    flagged: tuple[Finding, ...]
    warned: tuple[Finding, ...]
    rescale: float | None  # new/old, the common ratio of the closes held and answered, when one was found
    before: Hash | None = None
    after: Hash | None = None
    threshold_percent: float | None = None  # the share of rejected rows over which an answer is rejected whole
    rank: Rank | None = None  # None for a provider that answers live
    outranked: tuple[date, ...] = ()  # days answered otherwise that stay as they are: a file of higher rank has them


class IngestRefused(Event, frozen=True, kw_only=True):
    """A job gave way to another one that holds the ticker's lock."""

    TAG = "ingest.refused/1"

    ticker: str
    provider: str
    started_at: Time
    finished_at: Time
    message: str
    holder_pid: int | None
    holder_job_id: Id | None


class IngestFailed(Event, frozen=True, kw_only=True):
    """A job ended at a `stage`, but not by the provider's answer; or evidence (its cause) cannot be read."""

    TAG = "ingest.failed/1"

    ticker: str
    provider: str
    attempt: Count
    started_at: Time
    finished_at: Time
    stage: str
    error_kind: ErrorKind
    message: str


class SnapshotWritten(Event, frozen=True, kw_only=True):
    """A snapshot CSV reached the disk with these bytes; `position` events were folded into it."""

    TAG = "snapshot.written/1"

    ticker: str
    provider: str
    name: str
    format_version: Count
    position: Count
    sha256: Hash
    rows: Count


class BackupCreated(Event, frozen=True, kw_only=True):
    """An archive of events [0, size) was written, re-read and checked."""

    TAG = "backup.created/2"

    name: str
    size: Count
    link: Hash
    archive_bytes: Count
    sha256: Hash
    types: tuple[EventCount, ...]
    providers: tuple[EventCount, ...] | None  # None in one of the version before, which did not count them
    streams: Count  # how many there are: a name each would be megabytes, once a market is held
    streams_hash: Hash  # of their names, each with its events: see `ledger.codec.streams_hash`


class BackupFailed(Event, frozen=True, kw_only=True):
    """A backup or restore did not come about; nothing was replaced."""

    TAG = "backup.failed/1"

    name: str
    stage: str
    error_kind: ErrorKind
    message: str


class BackupRestored(Event, frozen=True, kw_only=True):
    """The log up to here came from an archive; what it replaced stays in `replaced_folder`."""

    TAG = "backup.restored/1"

    name: str
    size: Count
    link: Hash
    sha256: Hash
    replaced_folder: str | None
    replaced_size: Count | None
    replaced_link: Hash | None
    rollback: bool


class BackupPruned(Event, frozen=True, kw_only=True):
    """Backups that `keeper`, beside them, holds from their first byte to their last were given up: they are removed."""

    TAG = "backup.pruned/1"

    keeper: str
    files: tuple[PrunedFile, ...]


class HeadAccepted(Event, frozen=True, kw_only=True):
    """A person decided to go on after the log no longer held the head that was remembered."""

    TAG = "head.accepted/1"

    reason: str
    verdict: str
    witness: str  # who remembered: "anchor" or "projections"
    expected_size: Count | None  # None where the witness itself was unreadable
    expected_link: Hash | None
    found_size: Count
    found_link: Hash


class LogVerified(Event, frozen=True, kw_only=True):
    """Every event before this one was re-hashed and read, and the head held against `witnesses`."""

    TAG = "log.verified/1"

    verdict: str
    size: Count
    link: Hash
    witnesses: tuple[str, ...]
    seconds: float


class ConnectionTested(Event, frozen=True, kw_only=True):
    """A provider was probed by a person; no prices were asked for."""

    TAG = "connection.tested/1"

    provider: str
    started_at: Time
    finished_at: Time
    status: Literal["ok", "slow", "rate-limited", "unreachable"]
    latency_ms: Count
    error_kind: ErrorKind | None
    message: str | None


class CheckpointSigned(Event, frozen=True, kw_only=True):
    """A checkpoint of events [0, size) was signed and published; `note` is all of it, as it was published."""

    TAG = "checkpoint.signed/1"

    origin: str
    size: Count
    link: Hash
    root: Hash  # of the tree over these events
    key_id: bytes  # 4 bytes, as the signature names its key
    note: str


class AlertRaised(Event, frozen=True, kw_only=True):
    """Something was found wrong that was not before; the episode that begins lasts until it is found well again."""

    TAG = "alert.raised/1"

    episode_id: Id
    metric: str
    ticker: str | None  # None: of the ledger, or of all that were brought by hand
    value: float
    threshold: float
    severity: AlertSeverity
    reason: str
    found_at: Time


class AlertSent(Event, frozen=True, kw_only=True):
    """One message of an episode was delivered, or was not; where to is known by its host's SHA-256 alone."""

    TAG = "alert.sent/1"

    episode_id: Id
    metric: str
    ticker: str | None
    transition: AlertTransition
    outcome: AlertOutcome
    attempts: Count
    status_code: Count | None  # of the last one, None where nobody answered
    host_hash: Hash
    finished_at: Time


class AlertResolved(Event, frozen=True, kw_only=True):
    """What an episode is about was found well again."""

    TAG = "alert.resolved/1"

    episode_id: Id
    metric: str
    ticker: str | None
    severity: AlertSeverity
    found_at: Time


class SeriesRetired(Event, frozen=True, kw_only=True):
    """A person recorded that a ticker's series ended, or goes on under another code; the newest of a ticker holds."""

    TAG = "series.retired/1"

    ticker: str
    on: date  # the last day on which a session is due
    into: str | None  # the ticker that it goes on as
    numerator: Shares | None  # this many shares of `into`
    denominator: Shares | None  # for so many of `ticker`; with the numerator None where it is one for one
    reason: str
    undone: bool  # it did not end after all


class CheckpointTimestamped(Event, frozen=True, kw_only=True):
    """An authority said that the checkpoint of events [0, size) was there at `time`: its signature, and the time."""

    TAG = "checkpoint.timestamped/1"

    size: Count
    root: Hash  # of the tree over these events
    authority: str  # its URL, without what that may hide
    token: bytes  # the answer (TimeStampResp) byte for byte
    time: Time  # as the token has it


class CheckpointCosigned(Event, frozen=True, kw_only=True):
    """A witness said at `time` that the checkpoint of events [0, size) extends all that it saw of this log."""

    TAG = "checkpoint.cosigned/1"

    size: Count
    root: Hash  # of the tree over these events
    url: str  # where the witness was asked, without what the URL may hide
    witness: str  # the name of its key
    key_id: bytes  # 4 bytes, as the cosignature names its key
    cosignature: str  # the line that joined the note
    time: Time  # as the cosignature has it


EVENT_TYPES: dict[str, type[Event]] = {
    cls.TAG: cls
    for cls in (
        LedgerCreated,
        FetchSucceeded,
        FetchFailed,
        ValidationCompleted,
        IngestRefused,
        IngestFailed,
        SnapshotWritten,
        BackupCreated,
        BackupFailed,
        BackupRestored,
        HeadAccepted,
        ConnectionTested,
        LogVerified,
        CheckpointSigned,
        AlertRaised,
        AlertSent,
        AlertResolved,
        SeriesRetired,
        CheckpointTimestamped,
        CheckpointCosigned,
        BackupPruned,
    )
}
