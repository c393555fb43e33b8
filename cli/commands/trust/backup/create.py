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
from cli.context import ledgers, witnesses
from cli.render import times
from ledger import ids
from ledger.backup.archive_log import archive_damaged
from ledger.backup.check import check_made
from ledger.backup.create import create_backup
from ledger.store.event_log import EventLog


def create(given: Settings, out: Path | None, *, verify: bool, style: Style) -> Exit:
    """Make a backup of the ledger in use, prove it where asked, and print it."""
    die_with_parent()
    started = time.perf_counter()
    ledger = ledgers.active(given)
    now = clock_of(ledger.kind, given)
    path = out or given.backup_dir / default_name(now())
    with EventLog(
        ledger.home,
        now=now,
        lock_timeout_s=given.ingest_lock_timeout_seconds,
        witnesses=witnesses.projections,
    ) as log:
        made = create_backup(log, path, job_id=ids.new_id(now()), watch=watch)
    if verify and (flaw := check_made(made, watch=watch).report.first_bad):
        raise archive_damaged(made.path, flaw)
    event = made.event
    row = CreatedRow(
        backup=str(made.path),
        checksum=event.sha256.hex(),
        bytes=event.archive_bytes,
        events=event.size,
        head_seq=event.size - 1,
        head=event.link.hex(),
        kind=ledger.kind,
        types=counted(event.types),
        tickers=counted(event.tickers),
        seq=made.seq,
        verified=verify,
        elapsed_sec=round(time.perf_counter() - started, 3),
    )
    output.show([row], style, text=backup_row.created_text)
    return Exit.OK


def default_name(now_us: int) -> str:
    """Return the base name of a backup made at that time."""
    return f"backup-{times.text(now_us).replace('-', '').replace(':', '')}.db"
