"""`main backup --create`."""

import time
from pathlib import Path

from cli.app import output
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.trust.backup import row as backup_row
from cli.commands.trust.backup.context import clock_of, watch
from cli.commands.trust.backup.row import CreatedRow, counted
from cli.context import ledgers
from cli.render import times
from ledger import ids
from ledger.backup.check import check_made
from ledger.backup.create import CreatedBackup, create_backup
from ledger.errors import ArchiveDamagedError
from ledger.events import LedgerKind
from ledger.store.event_log import EventLog


def create(given: Settings, out: Path | None, *, verify: bool, style: Style) -> Exit:
    """Make a backup of the ledger in use, prove it where asked, and print it."""
    die_with_parent()
    started = time.perf_counter()
    ledger = ledgers.active(given)
    now = clock_of(ledger.kind, given)
    path = out or given.backup_dir / default_name(now())
    with EventLog(ledger.home, now=now, lock_timeout_s=given.ingest_lock_timeout_seconds) as log:
        made = create_backup(log, path, job_id=ids.new_id(now()), watch=watch)
    if verify:
        _prove(made)
    row = _row(made, ledger.kind, verified=verify, elapsed_s=time.perf_counter() - started)
    output.show([row], style, text=backup_row.created_text)
    return Exit.OK


def default_name(now_us: int) -> str:
    """Return the base name of a backup made at that time."""
    return f"backup-{times.text(now_us).replace('-', '').replace(':', '')}.db"


def _prove(made: CreatedBackup) -> None:
    report = check_made(made, watch=watch).report
    if flaw := report.first_bad:
        raise ArchiveDamagedError(made.path, flaw.seq or 0, flaw.kind, expected=flaw.expected, found=flaw.found)


def _row(made: CreatedBackup, kind: LedgerKind, *, verified: bool, elapsed_s: float) -> CreatedRow:
    event = made.event
    return CreatedRow(
        backup=str(made.path),
        checksum=event.sha256.hex(),
        bytes=event.archive_bytes,
        events=event.size,
        head_seq=event.size - 1,
        head=event.link.hex(),
        kind=kind,
        types=counted(event.types),
        tickers=counted(event.tickers),
        seq=made.seq,
        verified=verified,
        elapsed_sec=round(elapsed_s, 3),
    )
