"""`main test-conn`: does a provider answer, and how fast."""

from typing import Literal

import click
import msgspec

from cli.app import clock, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.context import clock_option, guards, params, providers
from cli.render import times
from ledger import ids
from ledger.codec import Draft
from ledger.errors import LedgerError
from ledger.events import LEDGER_STREAM, ConnectionTested
from ledger.foreseen import UnforeseenError, foreseen
from ledger.ingest.providers import registry
from ledger.ingest.providers.port import Probe
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.models.metrics import last_answer
from projections.store.runner import open_view

SLOW_MS = 2_000
PROVIDERS = registry.live_names()

ConnStatus = Literal["ok", "slow", "rate-limited", "unreachable"]
ANSWERED = frozenset({"ok", "slow"})


class ConnRow(msgspec.Struct, frozen=True, kw_only=True):
    """How a provider answered one cheap question; `last_success_at` null when the ledger knows of no answer."""

    provider: str
    status: ConnStatus
    latency_ms: int
    last_success_at: str | None
    error: str | None


@click.command(
    "test-conn",
    epilog="""\b
Examples:
  main test-conn --provider yfinance
  main test-conn --provider yfinance --timeout 5 --format json

\b
Exit codes: 0 it answers; 1 slowly (over 2 s), or it limits the rate, or the probe could not be
recorded; 2 unreachable, or it answers with something else.
""",
)
@click.option(
    "--provider", type=click.Choice(PROVIDERS), default=params.DEFAULT_PROVIDER, show_default=True, help="Whom to ask."
)
@click.option(
    "--timeout",
    "timeout_s",
    type=params.SECONDS,
    help="Seconds to wait.  [default: ADAPTER_TIMEOUT_SECONDS]",
)
@clock_option.option
@output.style_options
def test_conn(provider: str, timeout_s: float | None, style: Style) -> int:
    """Ask a provider one cheap question and say how it went.

    Recorded in the ledger where there is one; none is created.
    """
    given = settings.load()
    # Real and sample never mix.
    real = LedgerHome(given.data_dir)
    home = real if registry.described(provider).kind == "real" else real.sample
    event = _probed(given, provider, timeout_s or given.adapter_timeout_seconds)
    last, trouble = _recorded(None if home.current() is None else home, given, event)
    row = ConnRow(
        provider=provider,
        status=event.status,
        latency_ms=event.latency_ms,
        last_success_at=None if last is None else times.text(last),
        error=None if event.error_kind is None else f"{event.error_kind}: {event.message}",
    )
    error = "" if row.error is None else f" | {row.error}"
    line = f"{row.provider}: {row.status} | {row.latency_ms}ms | last success {row.last_success_at or 'never'}{error}"
    output.report([row], style, text=lambda _: line)
    if trouble is not None:
        output.say(f"warning: not recorded: {trouble}")
    ended = exit_code(event.status)
    if ended != Exit.OK:
        kind = "critical" if ended == Exit.CRITICAL else "warning"
        why = row.error or f"got an answer after {row.latency_ms} ms, want at most {SLOW_MS}"
        output.say(f"{kind}: {provider}: {event.status}: {why}")
    return max(ended, Exit.OK if trouble is None else Exit.WARNING)


def status_of(probe: Probe) -> ConnStatus:
    """Return the status that a probe amounts to."""
    if probe.error_kind is None:
        return "slow" if probe.latency_ms > SLOW_MS else "ok"
    return "rate-limited" if probe.error_kind == "rate-limit" else "unreachable"


def exit_code(status: ConnStatus) -> Exit:
    """Return 2 for a provider that brings nothing, 1 for one that brings it late or less often."""
    return {"ok": Exit.OK, "unreachable": Exit.CRITICAL}.get(status, Exit.WARNING)


def _probed(given: Settings, provider: str, timeout_s: float) -> ConnectionTested:
    now_us = _now(given, provider)
    try:
        with foreseen("probe"):
            probe = providers.opened(provider, given, now=lambda: _now(given, provider)).probe(timeout_s=timeout_s)
    except UnforeseenError as error:
        probe = Probe(latency_ms=0, error_kind="internal", message=str(error))
    return ConnectionTested(
        provider=provider,
        started_at=now_us,
        finished_at=now_us + probe.latency_ms * 1000,
        status=status_of(probe),
        latency_ms=probe.latency_ms,
        error_kind=probe.error_kind,
        message=probe.message,
    )


def _now(given: Settings, provider: str) -> int:
    return clock.now_us(given, sample=registry.described(provider).kind == "sample")


def _recorded(home: LedgerHome | None, given: Settings, event: ConnectionTested) -> tuple[int | None, str | None]:
    """Append the probe; return when the provider last answered, and what kept the probe from being recorded."""
    answered = event.finished_at if event.status in ANSWERED else None
    if home is None:
        return answered, None
    try:
        with EventLog(
            home,
            now=lambda: _now(given, event.provider),
            lock_timeout_s=given.ingest_lock_timeout_seconds,
            guards=guards.of(registry.described(event.provider).kind),
        ) as log:
            job_id = ids.new_id(event.started_at)
            draft = Draft(job_id=job_id, stream=LEDGER_STREAM, event=event)
            log.append([draft], append_id=ids.append_id(f"probe/{job_id.hex()}", job_id=job_id))
            with open_view(log, log.folder) as view:
                return answered or last_answer(view.state["metrics"], event.provider), None
    except LedgerError as error:
        return answered, str(error)
