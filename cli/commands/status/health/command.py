"""`main health`: is the ledger there, the one it was, with room to grow; does ingest go well; who is at work."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import msgspec

from cli.app import clock, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.commands.status.health import free_space, growth
from cli.context import ledgers
from cli.render import times
from ledger.chain import Head
from ledger.codec import decode_envelope
from ledger.errors import LedgerError, NewerFormatError, NoLedgerError, ShortageError, UnreadableError
from ledger.files.isolated import IsolatedProcess
from ledger.ingest.ticker_lock import holders
from ledger.log_source import created
from ledger.store.anchor import read_anchor
from ledger.store.ceiling import LogAheadError
from ledger.store.event_log import EventLog
from ledger.store.home import ANCHOR_FILE, LedgerHome
from ledger.store.mark import MarkedError, heed
from ledger.values import LedgerKind
from projections.actions import taped
from projections.models.newest_proofs import (
    BackupStatus,
    CheckpointMade,
    VerificationMade,
    last_backup,
    last_checkpoint,
    last_verification,
)
from projections.queries.metrics_report import SEVERITIES, grade, graded_reports, worst
from projections.store.runner import open_view

if TYPE_CHECKING:
    from projections.actions.witnessed import DisputeCount

HealthStatus = Literal["ok", "warning", "critical", "unknown"]
STATUSES: dict[int, HealthStatus] = {
    Exit.OK: "ok",
    Exit.WARNING: "warning",
    Exit.CRITICAL: "critical",
    Exit.UNKNOWN: "unknown",
}
# Of two findings the later one here is reported: UNKNOWN (no ingest) outranks WARNING (low disk).
WORSE = (Exit.OK, Exit.WARNING, Exit.UNKNOWN, Exit.CRITICAL)
# They keep this user or this version from looking, and are no finding about the ledger.
NOT_SEEN = (NoLedgerError, NewerFormatError, UnreadableError, ShortageError)


TICKERS_OF_ACTIONS_MAX = 10  # whose actions are compared: health is a matter of moments, alerts may take longer
AHEAD_LIMIT_US = 300 * times.SECOND_US


class LockRow(msgspec.Struct, frozen=True, kw_only=True):
    """A job at work on a ticker."""

    ticker: str
    pid: int
    job_id: str
    since: str


class HealthRow(msgspec.Struct, frozen=True, kw_only=True):
    """How the ledger is; null where it could not be read. `last_ingest` is the newest one of any ticker.

    `ingest_known` when what ingest did could be read: then a null `last_ingest` says that none ever succeeded.
    """

    status: HealthStatus
    db_accessible: bool
    events: int | None = None
    head: str | None = None
    ingest_known: bool = False
    last_ingest: str | None = None
    ingest_lag_seconds: int | None = None
    missing_sessions: int | None = None  # of all tickers: due in accepted answers and not held
    disputed_actions: int | None = None  # corporate actions in doubt; null of more tickers than are looked at
    locks: tuple[LockRow, ...] = ()
    ledger: str | None = None  # its folder
    kind: LedgerKind | None = None
    free_bytes: int | None = None  # on its disk
    error_message: str | None = None
    last_checkpoint: str | None = None  # when it was recorded
    checkpoint_age_seconds: int | None = None
    uncovered_events: int | None = None  # that no checkpoint covers yet
    last_backup: str | None = None  # when it was recorded, after it was read again and checked
    backup_age_seconds: int | None = None
    last_verification: str | None = None  # when main verify --record last found the log intact
    verification_age_seconds: int | None = None
    verdict: str | None = None  # of the last verification: a mark's where one stands
    bytes_a_day: int | None = None  # that the log grew by in the last seven days, as a backup counts them


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What one look at a ledger showed; `head` None where the database cannot be read."""

    severity: int = Exit.CRITICAL
    now_us: int | None = None  # the time that ages count to, where the log was read
    head: Head | None = None
    ingest_known: bool = False
    last_ingest: int | None = None
    missing: int | None = None
    disputed: int | None = None
    error_message: str | None = None
    checkpoint: CheckpointMade | None = None
    backup: BackupStatus | None = None
    verification: VerificationMade | None = None
    verdict: str | None = None
    bytes_a_day: int | None = None


@click.command(
    epilog="""\b
Examples:
  main health
  main health --format json

\b
Exit codes: 0 all is well; 1 a ticker's last run failed or had rows rejected or flagged, corporate
actions of up to 10 tickers are in doubt (of more main alerts tells), or less than 64 MiB are free on
the ledger's disk; 2 the database cannot be read, is not the one it was, a ticker is
late, or less than 1 MiB is free; 3 no ledger, no ingest recorded, or no permission, memory or handles
to look.
"""
)
@output.style_options
def health(style: Style) -> int:
    """Say in well under a second how the ledger is and who is at work on it.

    Works on a damaged ledger too. It does not re-hash: main verify does.
    """
    given = settings.load()
    found = _health(given)
    output.report([found], style, text=text)
    if found.error_message is not None and found.status in SEVERITIES:
        output.say(f"{found.status}: {found.error_message}")
    return next(code for code, status in STATUSES.items() if status == found.status)


def _health(given: Settings) -> HealthRow:
    try:
        ledger = ledgers.active(given)
    except LedgerError as error:
        return HealthRow(status=STATUSES[_severity(error)], db_accessible=False, error_message=str(error))
    now_us = clock.now_us(given, reading=True, sample=ledger.kind == "sample")
    found = _isolated(partial(_look, ledger.home, ledger.folder, now_us, given))
    now_us = now_us if found.now_us is None else found.now_us
    free, last, signed = free_space.free_bytes(ledger.folder), found.last_ingest, found.checkpoint
    return HealthRow(
        status=STATUSES[max(Exit(found.severity), free_space.severity(free), key=WORSE.index)],
        db_accessible=found.head is not None,
        events=found.head.size if found.head else None,
        head=found.head.link.hex() if found.head else None,
        ingest_known=found.ingest_known,
        last_ingest=None if last is None else times.text(last),
        ingest_lag_seconds=None if last is None else _age_s(last, now_us),
        missing_sessions=found.missing,
        disputed_actions=found.disputed,
        locks=_locks(ledger.home),
        ledger=str(ledger.folder.absolute()),
        kind=ledger.kind,
        free_bytes=free,
        error_message=found.error_message or free_space.complaint(free),
        uncovered_events=found.head.size - signed.size if signed and found.head else None,
        verdict=found.verdict,
        **_when("checkpoint", signed, now_us),
        **_when("backup", found.backup, now_us),
        **_when("verification", found.verification, now_us),
        bytes_a_day=found.bytes_a_day,
    )


def _isolated(look: Callable[[], Look]) -> Look:
    """Return what `look` finds in a child process: a damaged database can kill whoever maps it."""
    try:
        return IsolatedProcess(look, Look).result()
    except LedgerError as error:
        return Look(severity=_severity(error), error_message=str(error))


def _when(name: str, newest: BackupStatus | CheckpointMade | VerificationMade | None, now_us: int) -> dict[str, Any]:
    """Return the fields that say when the newest one was recorded, and how long ago that is."""
    at = None if newest is None else newest.recorded_at
    return {
        f"last_{name}": None if at is None else times.text(at),
        f"{name}_age_seconds": None if at is None else _age_s(at, now_us),
    }


def _age_s(then_us: int, now_us: int) -> int:
    return int((now_us - then_us) / times.SECOND_US)


def _locks(home: LedgerHome) -> tuple[LockRow, ...]:
    return tuple(
        LockRow(ticker=one.ticker, pid=one.pid, job_id=one.job_id, since=times.text(one.since))
        for one in holders(home.locks)
    )


def _look(home: LedgerHome, folder: Path, now_us: int, given: Settings) -> Look:
    try:
        # Before the log, as every witness: the other order gives false alarms while somebody appends.
        anchored, trouble = read_anchor(folder / ANCHOR_FILE), None
    except LedgerError as error:
        anchored, trouble = None, error
    try:
        log = EventLog(home, now=lambda: now_us, readonly=True, check=False)
    except LedgerError as error:
        # A folder in use without its database has lost one: worse than a ledger that was never created.
        lost = isinstance(error, NoLedgerError)
        return Look(severity=Exit.CRITICAL if lost else _severity(error), error_message=str(error))
    with log:
        head = log.head()
        if trouble is not None:
            return Look(severity=_severity(trouble), head=head, error_message=str(trouble))
        try:
            if anchored is not None:
                log.require(anchored, witness="anchor")
            heed(folder)
            _require_past(log, head, now_us)
            return _measured(log, head, ledgers.read_at(given, log), given)
        except LedgerError as error:
            verdict = error.verdict if isinstance(error, MarkedError) else None
            return Look(severity=_severity(error), head=head, error_message=str(error), verdict=verdict)


def _require_past(log: EventLog, head: Head, now_us: int) -> None:
    """Return quietly when the last event is of the past, give or take what two clocks may differ by.

    Raises: LogAheadError.
    """
    for record in log.read(head.size - 1, head.size):
        ahead_us = decode_envelope(record.seq, record.body).recorded_at - now_us
        if ahead_us > AHEAD_LIMIT_US and created(log).kind == "real":
            raise LogAheadError(ahead_us // times.SECOND_US)


def _severity(error: LedgerError) -> Exit:
    return Exit.UNKNOWN if isinstance(error, NOT_SEEN) else Exit.CRITICAL


def _measured(log: EventLog, head: Head, now_us: int, given: Settings) -> Look:
    lag_threshold_s = given.metrics_ingest_lag_threshold
    with open_view(log, log.folder) as view:
        tables, names = view.state["metrics"], taped.tickers(view.state)
        doubts: Mapping[str, DisputeCount] | None = None if names else {}
        if 0 < len(names) <= TICKERS_OF_ACTIONS_MAX:
            from projections.api import disputes  # here: exact fractions cost as much as everything else

            doubts = disputes.counts(log, view.state, names, order=given.action_sources)
        each = graded_reports(tables, now_us=now_us, lag_threshold_s=lag_threshold_s, doubts=doubts)
        signed, backup, verification = last_checkpoint(tables), last_backup(tables), last_verification(tables)
    found, message = worst(each), None
    if found is None:
        message = "got no ingest, want one recorded"
    elif found.reason is not None:
        message = f"{found.named}: {found.reason}"
    return Look(
        severity=grade(found),
        now_us=now_us,
        head=head,
        ingest_known=True,
        last_ingest=max((one.last_ingest for one in each if one.last_ingest is not None), default=None),
        missing=sum(one.missing for one in each),
        disputed=None if doubts is None else sum(one.differs + one.unsized for one in doubts.values()),
        error_message=message,
        checkpoint=signed,
        backup=backup,
        verification=verification,
        verdict=None if verification is None else verification.verdict,
        bytes_a_day=growth.bytes_a_day(log, head.size, now_us),
    )


def text(found: HealthRow) -> str:
    """Return the finding on one line, then a line per job at work."""
    size = "database not readable" if found.events is None else f"{found.events} events"
    size += "" if found.bytes_a_day is None else f", {found.bytes_a_day} bytes a day"
    last = f"last ingest {found.last_ingest or ('never' if found.ingest_known else 'unknown')}"
    late = "" if found.ingest_lag_seconds is None else f" ({found.ingest_lag_seconds}s ago)"
    missing = f" | {found.missing_sessions} sessions missing" if found.missing_sessions else ""
    missing += f" | {found.disputed_actions} corporate actions in doubt" if found.disputed_actions else ""
    words = "" if found.error_message is None else f" | {found.error_message}"
    lines = [f"{found.status}: {size} | {last}{late} | {len(found.locks)} at work{missing}{words}"]
    if found.uncovered_events is not None:
        ago = f"({found.checkpoint_age_seconds}s ago)"
        lines.append(f"  last checkpoint {found.last_checkpoint} {ago}, {found.uncovered_events} events since")
    if found.last_backup is not None:
        lines.append(f"  last backup {found.last_backup} ({found.backup_age_seconds}s ago)")
    if found.last_verification is not None:
        ago = f"({found.verification_age_seconds}s ago)"
        lines.append(f"  last verification {found.last_verification} {ago}: {found.verdict}")
    lines += [f"  {lock.ticker}: pid {lock.pid}, job {lock.job_id}, since {lock.since}" for lock in found.locks]
    return "\n".join(lines)
