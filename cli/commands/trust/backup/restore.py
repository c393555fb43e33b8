"""`main backup --restore`."""

import sys
import time
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Literal

import click
import msgspec
from msgspec.structs import replace

from cli.app import output
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.trust.backup import row as backup_row
from cli.commands.trust.backup.context import clock_of, watch
from cli.commands.trust.backup.row import ReplacedRow, RestoredRow
from cli.context import guards, ledgers, witnesses
from ledger import ids
from ledger.backup.archive_log import ArchiveLog, archive_damaged
from ledger.backup.check import check_archive
from ledger.backup.create import record_failure
from ledger.backup.recorded import recorded_backups
from ledger.backup.restore import Restore, Restored, Terms, home_of
from ledger.backup.restore_plan import LedgerComparison
from ledger.backup.verify import contradicts_recorded
from ledger.errors import (
    ChecksumDamagedError,
    DamagedError,
    DiskFullError,
    LedgerError,
    NotALedgerError,
    NotAnArchiveError,
    StorageError,
    UnwritableError,
)
from ledger.log_source import Witness
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome

# What the log records; every other error means that nothing was tried.
FAILURES = (
    DamagedError,
    NotAnArchiveError,
    ChecksumDamagedError,
    DiskFullError,
    StorageError,
    UnwritableError,
    KeyboardInterrupt,
)


class RestoreOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks of a restore."""

    yes: bool
    rollback: bool
    dry_run: bool


def restore(given: Settings, path: Path, options: RestoreOptions, style: Style, *, shown: str | None = None) -> Exit:
    """Restore the backup at `path`, called `shown`, as far as `options` go, and print how that ended."""
    die_with_parent()
    started = time.perf_counter()
    try:
        archive = _verified(given, path)
        ended = _ended(given, archive, options)
    except FAILURES as error:
        if not options.dry_run:
            with suppress(LedgerError):
                ledger = ledgers.active(given)
                now = clock_of(ledger.kind, given)
                opened = partial(EventLog, ledger.home, now=now, guards=guards.of(ledger.kind))
                record_failure(opened, path.name, "restore", error, job_id=ids.new_id(now()))
        raise
    row = _row(ended, archive, options, time.perf_counter() - started)
    output.report([replace(row, backup=shown or row.backup)], style, text=backup_row.restored_text)
    return Exit.OK


def _verified(given: Settings, path: Path) -> ArchiveLog:
    """Return the archive at `path`, once it holds in itself, and no longer file of its name was recorded.

    That the ledger in use recorded another file under its name is a finding about the two: the comparison follows.
    """
    recorded = recorded_backups(LedgerHome(given.data_dir)).get(path.name)
    checked = check_archive(path, recorded=recorded.event if recorded else None, watch=watch)
    flaw = checked.report.first_bad
    if checked.scan is None:
        raise NotAnArchiveError(path, flaw.found if flaw else "nothing")
    if flaw and not contradicts_recorded(checked.report):
        raise archive_damaged(path, flaw)
    return ArchiveLog(checked.scan)


def _ended(given: Settings, archive: ArchiveLog, options: RestoreOptions) -> Restored:
    """Return how the restore ended, or with `dry_run` would."""
    home = home_of(archive, LedgerHome(given.data_dir))
    now = clock_of(archive.created.kind, given)

    def remembered() -> list[Witness]:
        with suppress(NotALedgerError):
            folder = home.current()
            return witnesses.projections(folder) if folder else []
        return []

    task = Restore(
        home,
        archive,
        job_id=ids.new_id(now()),
        now=now,
        witnesses=remembered,
        lock_timeout_s=given.ingest_lock_timeout_seconds,
    )
    if options.dry_run:
        comparison = task.compare()
        kept = comparison.action(rollback=options.rollback) == "keep"
        return Restored(replaced=comparison, folder=comparison.folder, kept=kept, head=archive.head())

    def ask(comparison: LedgerComparison) -> bool:
        question = f"This would replace {comparison.describe()}. Go on?"
        return sys.stdin.isatty() and click.confirm(question, err=True)

    return task.run(Terms(rollback=options.rollback, yes=options.yes, ask=ask), watch)


def _row(ended: Restored, archive: ArchiveLog, options: RestoreOptions, elapsed_s: float) -> RestoredRow:
    head, comparison = archive.head(), ended.replaced
    done: Literal["restored", "already_contained"] = "already_contained" if ended.kept else "restored"
    replaced = None
    if comparison.folder and comparison.verdict and not ended.kept:
        replaced = ReplacedRow(
            ledger=str(comparison.folder),
            verdict=comparison.verdict,
            events=comparison.head.size if comparison.head else None,
            head=comparison.head.link.hex() if comparison.head else None,
        )
    return RestoredRow(
        status="dry_run" if options.dry_run else done,
        backup=str(archive.path),
        checksum=archive.scan.sha256.hex(),
        action=comparison.action(rollback=options.rollback),
        already_contained=ended.kept,
        dry_run=options.dry_run,
        relation=comparison.relation,
        events=head.size,
        head_seq=head.size - 1,
        head=head.link.hex(),
        kind=archive.created.kind,
        ledger=str(ended.folder) if ended.folder else None,
        replaced=replaced,
        lacking_events=comparison.lacking.events if comparison.lacking else None,
        lacking_from_seq=comparison.lacking.first_seq if comparison.lacking else None,
        rollback=options.rollback,
        elapsed_sec=round(elapsed_s, 3),
    )
