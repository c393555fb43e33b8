"""`main audit`: what the log says was decided, derived again from the answers that it keeps."""

import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial

import click
import msgspec

from cli.app import clock, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.context import ledgers, params
from cli.context.params import Span
from ledger.errors import UnreadableError
from ledger.files.isolated import IsolatedProcessError
from ledger.log_source import LogSource
from ledger.store.event_log import EventLog
from projections.audit.audit import OpenLog, audit_shared
from projections.audit.report import AuditReport, AuditVerdict, Difference, NotDerived
from projections.queries.position import recorded_at


class AuditRow(msgspec.Struct, frozen=True, kw_only=True):
    """What deriving the events from seq `since` on again came to, of a log of `events` events.

    `answers` hold their length and SHA-256, `bars` are rows of their answers, `decisions` are what the rules make of
    the evidence, `failures` of evidence fail still, `snapshots` have the bytes that were recorded.
    `first_difference` is the first event that comes out otherwise, and what of it; `not_derived` are the events that
    cannot be derived again, by reason.
    """

    verdict: AuditVerdict
    events: int
    since: int
    answers: int
    bars: int
    decisions: int
    failures: int
    snapshots: int
    first_difference: Difference | None
    not_derived: tuple[NotDerived, ...]
    seconds: float


@click.command(
    epilog="""\b
Examples:
  main audit
  main audit --since 2026-02-01
  main audit --since 1200 --format json
  main audit --ledger backups/backup-20260213T213000Z.db

\b
It asks nobody: answers are read from the log, by this program's own readers, and judged by the rules
whose version each decision names. main verify shows whether the log is the one that it was; this
shows whether its decisions are what its answers lead to.

\b
Exit codes: 0 everything is derived again and the same; 1 something cannot be derived again; 2 the
first event that comes out otherwise; 3 no ledger, no permission, an event of a newer version.
"""
)
@click.option("--since", type=params.SINCE, help="Derive from this seq, UTC day or time on.  [default: everything]")
@ledgers.file_option
@output.style_options
def audit(since: int | Span | None, style: Style) -> int:
    """Derive every decision again from the raw answers, and compare.

    Each answer's bytes and SHA-256, its bars, the judgement over it field by field, the state of the
    series that it leads to, and each snapshot's bytes. Constant memory; two processes, by ticker.
    Nothing that other commands keep of a backup file is used.
    """
    began = time.perf_counter()
    report = _derived(settings.load(), since)
    found = AuditRow(
        verdict=report.verdict,
        events=report.events,
        since=report.since,
        **report.derived,
        first_difference=report.first_difference,
        not_derived=report.not_derived,
        seconds=round(time.perf_counter() - began, 3),
    )
    output.report([found], style, text=_text)
    if found.verdict != "same":
        grade = "critical" if found.verdict == "different" else "warning"
        output.say(f"{grade}: {'; '.join(line.strip() for line in _text(found).splitlines())}")
    if found.verdict == "different":
        output.say("hint: main events SEQ shows the event; then: main verify, main why TICKER DAY")
    return {"same": Exit.OK, "incomplete": Exit.WARNING, "different": Exit.CRITICAL}[found.verdict]


def _derived(given: Settings, since: int | Span | None) -> AuditReport:
    """Return what the audit of the log that is read finds, from `since` on."""
    with ExitStack() as held:
        log = held.enter_context(ledgers.reading(given))
        size = log.head().size
        if isinstance(since, Span):
            first = bisect_left(range(size), since.first_us, key=lambda seq: recorded_at(log, seq))
        else:
            first = min(since or 0, size)
        open_log: OpenLog = partial(_opened, given) if isinstance(log, EventLog) else lambda: nullcontext(log)
        if isinstance(log, EventLog):
            held.close()  # each process opens the log for itself: a child cannot use what this one has open
        with output.meter("deriving again", size) as advance:
            try:
                return audit_shared(open_log, size, since=first, advance=advance)
            except IsolatedProcessError as error:
                raise UnreadableError(given.data_dir, error.how) from error


@contextmanager
def _opened(given: Settings) -> Iterator[LogSource]:
    home = ledgers.active(given).home
    with EventLog(home, now=lambda: clock.now_us(given, reading=True), readonly=True, check=False) as log:
        yield log


def _text(one: AuditRow) -> str:
    derived = (
        f"{one.answers} answers, {one.bars} bars, {one.decisions} decisions, {one.failures} failures and "
        f"{one.snapshots} snapshots derived again"
    )
    begun = f" from seq {one.since} on" if one.since else ""
    lines = [f"{one.verdict}: {one.events} events{begun}, {derived}"]
    if (bad := one.first_difference) is not None:
        lines = [f"different at seq {bad.seq}: got {bad.what} {bad.recorded}, want {bad.derived}; {derived} before it"]
    lines += [
        f"  not derived: {left.events} event{'s' * (left.events != 1)} from seq {left.first_seq} on: {left.reason}"
        for left in one.not_derived
    ]
    return "\n".join(lines)
