"""`main backup --create`."""

import time
from pathlib import Path

import msgspec

from cli.app import clock, output
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.trust.backup import row as backup_row
from cli.commands.trust.backup.context import clock_of, watch
from cli.commands.trust.backup.row import CreatedRow, counted
from cli.context import guards, ledgers
from cli.render import times
from ledger import ids
from ledger.backup.archive_log import archive_damaged
from ledger.backup.check import check_made
from ledger.backup.create import CreatedBackup, create_backup
from ledger.checkpoint.key_file import read_key
from ledger.checkpoint.signing import Publishing, sign_checkpoint
from ledger.files.atomic_file import write_whole
from ledger.store.event_log import EventLog
from ledger.values import LedgerKind

CHECKPOINT_SUFFIX = ".checkpoint"


def create(given: Settings, out: Path | None, *, verify: bool, full: bool, style: Style) -> Exit:
    """Make a backup of the ledger in use, prove it where asked, and print it."""
    die_with_parent()
    started = time.perf_counter()
    ledger = ledgers.active(given)
    now, timeout_s = clock_of(ledger.kind, given), given.ingest_lock_timeout_seconds
    # Read before anything is made: a key that is not there should not be found out when the backup is.
    key = read_key(given.checkpoint_key) if given.checkpoint_key else None
    with EventLog(ledger.home, now=now, lock_timeout_s=timeout_s, guards=guards.of(ledger.kind)) as log:
        job_id = ids.new_id(now())
        # The sample's clock stands still; names go on.
        path = out or given.backup_dir / default_name(clock.now_us(given, reading=True))
        made = create_backup(log, path, job_id=job_id, watch=watch, full=full)
        checkpoint = None
        if key is not None and made.seq is not None:
            publishing = Publishing(size=made.event.size)
            signed = sign_checkpoint(log, key, job_id=job_id, lock_timeout_s=timeout_s, publishing=publishing)
            checkpoint = str(made.path.with_name(f"{made.path.name}{CHECKPOINT_SUFFIX}"))
            write_whole(Path(checkpoint), signed.note)
    if made.refused:
        name, why = made.refused
        output.say(f"note: {name} was not copied, all was read from the log: {why}", explains=False)
    if verify and (flaw := check_made(made, watch=watch).report.first_bad):
        raise archive_damaged(made.path, flaw)
    row = made_row(made, ledger.kind, checkpoint)
    row = msgspec.structs.replace(row, verified=verify, elapsed_sec=round(time.perf_counter() - started, 3))
    return told(made, row, style)


def told(made: CreatedBackup, row: CreatedRow, style: Style) -> Exit:
    """Print a backup and, where the log took no event of it, why."""
    output.report([row], style, text=backup_row.created_text)
    if made.unrecorded is None:
        return Exit.OK
    output.say(f"warning: not recorded: {made.unrecorded}")
    return Exit.WARNING


def made_row(made: CreatedBackup, kind: LedgerKind, checkpoint: str | None) -> CreatedRow:
    """Return what is printed of a backup, but for whether it was restored as well and how long it took."""
    event, counts = made.event, made.scan.counts
    return CreatedRow(
        status=made.status,
        backup=str(made.path),
        checksum=event.sha256.hex(),
        bytes=event.archive_bytes,
        events=event.size,
        head_seq=event.size - 1,
        head=event.link.hex(),
        kind=kind,
        types=counted(event.types),
        tickers=counted(counts.tickers) if counts else {},
        providers=counted(event.providers or ()),
        streams=event.streams,
        seq=made.seq,
        incremental=made.copied_from is not None,
        copied_from=made.copied_from,
        not_copied=str(made.refused[1]) if made.refused else None,
        verified=False,
        checkpoint=checkpoint,
        elapsed_sec=0.0,
    )


def default_name(now_us: int) -> str:
    """Return the base name of a backup made at that time."""
    return f"backup-{times.text(now_us).replace('-', '').replace(':', '')}.db"
