"""One look at a ledger: what is wrong with it, and which episodes its log holds open."""

from functools import partial

import msgspec

from cli.app.errors import NotSeenError
from cli.app.settings import Settings
from cli.commands.status.health import free_space
from cli.context import ledgers
from cli.context.ledgers import ActiveLedger
from ledger.errors import SURROUNDINGS, LedgerError, NewerFormatError, UnknownEventError
from ledger.files.isolated import IsolatedProcess, IsolatedProcessError
from ledger.log_source import created
from ledger.store.event_log import EventLog
from ledger.store.mark import MarkedError, heed
from projections.api import disputes
from projections.models.alert_episodes import Episode, episodes, gone
from projections.models.metrics import measured
from projections.queries import alarms
from projections.queries.alarms import BAD_VERDICT, DISK_FREE, METRICS, Alarm, Thresholds
from projections.queries.position import recorded_at
from projections.store.runner import open_view

CRITICAL, WARNING = 2, 1
NEWER = (NewerFormatError, UnknownEventError)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What one look showed; of metrics that are not `judged` nothing is known.

    `size` is the number of events; where the log cannot be read there is no id, and no size.
    """

    alarms: tuple[Alarm, ...] = ()
    judged: tuple[str, ...] = (BAD_VERDICT,)
    ledger_id: bytes = b""
    size: int | None = None
    episodes: tuple[Episode, ...] = ()
    gone: tuple[bytes, ...] = ()
    tickers: int | None = None  # how many were ever ingested
    newer: str | None = None  # why this version cannot read it


def look(ledger: ActiveLedger, given: Settings, now_us: int) -> Seen:
    """Return what is wrong with `ledger` at `now_us`.

    Raises: NotSeenError for one that a newer version wrote; UnreadableError, ShortageError.
    """
    thresholds = Thresholds(
        lag_s=given.metrics_ingest_lag_threshold,
        error_percent=given.alert_error_rate_threshold,
        # The sample's clock stands still.
        backup_age_s=given.alert_backup_age_threshold if ledger.kind == "real" else 0,
        verification_age_s=given.alert_verification_age_threshold if ledger.kind == "real" else 0,
        checkpoint_age_s=given.alert_checkpoint_age_threshold if ledger.kind == "real" else 0,
    )
    try:
        # In a child process: a damaged database can kill whoever maps it.
        call = partial(_seen, ledger, given, now_us, thresholds)
        seen = IsolatedProcess(call, Seen).result()
    except IsolatedProcessError as error:
        seen = Seen(alarms=(_bad(str(error)),))
    if seen.newer is not None:
        raise NotSeenError(seen.newer)
    free = free_space.free_bytes(ledger.folder)
    if (found := free_space.severity(free)) in {CRITICAL, WARNING}:
        scarce = Alarm(
            metric=DISK_FREE,
            value=free,
            threshold=free_space.SCARCE_BYTES if found == CRITICAL else free_space.AMPLE_BYTES,
            severity="critical" if found == CRITICAL else "warning",
            reason=free_space.complaint(free) or "",
        )
        seen = msgspec.structs.replace(seen, alarms=(*seen.alarms, scarce))
    return msgspec.structs.replace(seen, judged=(*seen.judged, DISK_FREE))


def _seen(ledger: ActiveLedger, given: Settings, now_us: int, thresholds: Thresholds) -> Seen:
    try:
        heed(ledger.folder)
        marked: tuple[Alarm, ...] = ()
    except MarkedError as error:
        marked = (_bad(str(error)),)
    try:
        with EventLog(ledger.home, now=lambda: now_us, readonly=True) as log, open_view(log, log.folder) as view:
            tables = view.state["metrics"]
            now_us = ledgers.read_at(given, log) if ledger.kind == "sample" else now_us
            found = (
                *marked,
                *alarms.of_tickers(tables, now_us=now_us, thresholds=thresholds),
                *alarms.of_proofs(tables, created_us=recorded_at(log, 0), now_us=now_us, thresholds=thresholds),
                *alarms.of_actions(disputes.counted(log, view.state, given.action_sources)),
            )
            return Seen(
                alarms=found,
                judged=tuple(metric for metric in METRICS if metric != DISK_FREE),
                ledger_id=created(log).ledger_id,
                size=view.head.size,
                episodes=tuple(episodes(tables)),
                gone=tuple(gone(tables)),
                tickers=sum(1 for _ in measured(tables)),
            )
    except NEWER as error:
        return Seen(newer=str(error))
    except SURROUNDINGS:
        raise
    except LedgerError as error:
        return Seen(alarms=marked or (_bad(str(error)),))


def _bad(reason: str) -> Alarm:
    return Alarm(metric=BAD_VERDICT, value=1, threshold=0, severity="critical", reason=reason)
