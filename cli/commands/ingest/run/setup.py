"""What a run works on: which ledger, which provider, which clock."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from cli.app import clock
from cli.app.settings import Settings
from cli.commands.ingest.run.options import RunOptions
from cli.context import first_ledger, providers, sample
from cli.context.first_ledger import CommandLedger
from ledger.ingest.awaited_log import AwaitedLog
from ledger.ingest.fetch import Patience
from ledger.ingest.plan import Plan
from ledger.ingest.providers import registry
from ledger.ingest.providers.port import Provider
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import LedgerKind

LOCK_SHARE = 0.75  # of the lock timeout: a job ends well before those that wait for it give up


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the jobs of one run share; `log` None where nothing may be read or written."""

    begun: CommandLedger
    log: EventLog | AwaitedLog | None
    provider: Provider
    plan: Plan
    now: Callable[[], int]
    kind: LedgerKind

    @property
    def created(self) -> Path | None:
        """The folder of the ledger that this run created, once it has."""
        return self.begun.created

    def ledger(self) -> EventLog | None:
        """Return the ledger that there is by now, None where there is none."""
        return self.log.found() if isinstance(self.log, AwaitedLog) else self.log


@contextmanager
def prepared(settings: Settings, options: RunOptions) -> Iterator[Setup]:
    """Give the run its ledger (created by its first answer if there is none and that may be), provider and clock.

    Raises: NoLedgerError with --must-exist; what opening a ledger raises.
    """
    real = LedgerHome(settings.data_dir)
    no_real = options.no_network and real.current() is None
    kind: LedgerKind = "sample" if no_real or sample.is_wanted() else "real"
    home = real.sample if kind == "sample" else real
    now, dry_run = _clock(settings, kind), options.dry_run
    with ExitStack() as stack:
        opening = first_ledger.opened(home, kind, settings, now=now, dry_run=dry_run, must_exist=options.must_exist)
        ledger, cache_dir = stack.enter_context(opening), None
        log: EventLog | AwaitedLog | None = ledger.log
        if log is None and not dry_run:
            log = AwaitedLog(home, ledger.make)
        if dry_run:
            cache_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="b3-ledger-")))
        # Without a network the sample's ledger stands in, and with it the provider that needs none.
        name = options.provider if kind == "real" else registry.live_names(kind)[0]
        yield Setup(
            begun=ledger,
            log=log,
            provider=providers.opened(name, settings, now=now, cache_dir=cache_dir),
            plan=_plan(kind, settings, options),
            now=now,
            kind=kind,
        )


def _clock(settings: Settings, kind: LedgerKind) -> Callable[[], int]:
    recording = registry.recording(kind)
    if recording is None:
        return lambda: clock.now_us(settings)
    # No clock can be earlier than what was recorded once.
    return lambda: max(clock.now_us(settings, sample=True), recording.recorded_at)


def _plan(kind: LedgerKind, settings: Settings, options: RunOptions) -> Plan:
    attempt_s, recording = settings.adapter_timeout_seconds, registry.recording(kind)
    return Plan(
        patience=Patience(
            retries=settings.adapter_max_retries,
            attempt_s=attempt_s,
            job_s=max(attempt_s, settings.ingest_lock_timeout_seconds * LOCK_SHARE),
            backoff_s=settings.adapter_backoff_seconds,
        ),
        lock_timeout_s=settings.ingest_lock_timeout_seconds,
        threshold_percent=settings.validation_invalid_percent_threshold,
        refresh_days=settings.refresh_days,
        start=options.start,
        end=options.end or (recording.last_day if recording else None),
        max_days=options.max_days,
        force_refresh=options.force_refresh,
        pending_only=options.no_network and kind == "real",
        dry_run=options.dry_run,
    )
