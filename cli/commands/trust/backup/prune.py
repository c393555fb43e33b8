"""`main backup --prune`."""

from cli.app import output
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.trust.backup import row as backup_row
from cli.commands.trust.backup.context import clock_of
from cli.commands.trust.backup.inspect import AMISS
from cli.commands.trust.backup.row import PrunedRow
from cli.context import guards, ledgers
from cli.render import times
from ledger import ids
from ledger.backup.prune import Choice, Pruned, Retention, choose
from ledger.backup.prune import prune as prune_backups
from ledger.store.event_log import EventLog

AMISS_TOO = AMISS | {"not held"}


def prune(given: Settings, retention: Retention, *, dry_run: bool, style: Style) -> Exit:
    """Remove what `retention` and the newest backup make superfluous, and print what became of every file."""
    die_with_parent()
    ledger = ledgers.active(given)
    now, timeout_s = clock_of(ledger.kind, given), given.ingest_lock_timeout_seconds
    if dry_run:
        with EventLog(ledger.home, now=now, readonly=True) as log:
            found = choose(log, given.backup_dir, retention)
    else:
        with EventLog(ledger.home, now=now, lock_timeout_s=timeout_s, guards=guards.of(ledger.kind)) as log:
            found = prune_backups(log, given.backup_dir, retention, job_id=ids.new_id(now()))
    rows = [_row(choice, found, dry_run=dry_run) for choice in found.choices]
    output.report(rows, style, text=backup_row.pruned_text, table=backup_row.PRUNED)
    amiss = [row for row in rows if row.reason in AMISS_TOO]
    for row in amiss:
        output.say(f"warning: {row.backup} stays: {backup_row.STAYS[row.reason]}")
    return Exit.WARNING if amiss else Exit.OK


def _row(choice: Choice, found: Pruned, *, dry_run: bool) -> PrunedRow:
    one, goes = choice.listed, choice.kept is None
    return PrunedRow(
        backup=str(one.path),
        removed=goes and not dry_run,
        dry_run=dry_run,
        reason=choice.kept or "held",
        bytes=one.archive_bytes,
        checksum=one.recorded.event.sha256.hex() if one.recorded else None,
        created_at=times.text(one.recorded.recorded_at) if one.recorded else None,
        keeper=str(found.keeper) if goes else None,
        seq=found.seq if goes else None,
    )
