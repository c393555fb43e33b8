"""`main backup --verify` and `main backup --list`: both only read."""

import time
from pathlib import Path

from cli.app import exits, output
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.commands.trust.backup import row as backup_row
from cli.commands.trust.backup.context import watch
from cli.commands.trust.backup.row import CheckedRow, ListedRow, counted
from cli.commands.trust.verify import row as verify_row
from cli.render import times
from ledger.backup.archive_log import ArchiveLog
from ledger.backup.check import check_backup
from ledger.backup.held_against import held_against
from ledger.backup.listing import list_backups
from ledger.backup.recorded import recorded_backups
from ledger.store.home import LedgerHome

AMISS = frozenset({"differs", "unreadable"})


def verify(given: Settings, path: Path, style: Style, *, shown: str | None = None) -> Exit:
    """Prove the backup at `path`, called `shown`, and print what was found."""
    started = time.perf_counter()
    recorded = recorded_backups(LedgerHome(given.data_dir)).get(path.name)
    checked = check_backup(path, recorded=recorded.event if recorded else None, watch=watch)
    report, scan, counts = checked.report, checked.scan, checked.counts
    if report.verdict == "intact" and scan is not None:
        report = held_against(report, ArchiveLog(scan), LedgerHome(given.data_dir))
    row = CheckedRow(
        verdict=report.verdict,
        backup=shown or str(path),
        checksum=scan.sha256.hex() if scan else None,
        bytes=scan.archive_bytes if scan else None,
        events=report.events,
        head_seq=report.head_seq,
        head=report.head.hex() if report.head else None,
        kind=checked.created.kind if checked.created else None,
        first_bad=report.first_bad,
        last_good_seq=report.last_good_seq,
        witnesses=report.witnesses,
        restored=counts is not None,
        types=counted(counts.types) if counts else None,
        tickers=counted(counts.tickers) if counts else None,
        providers=counted(counts.providers) if counts else None,
        streams=len(counts.streams) if counts else None,
        recorded_seq=recorded.seq if recorded else None,
        elapsed_sec=round(time.perf_counter() - started, 3),
    )
    output.report([row], style, text=backup_row.checked_text)
    if step := verify_row.step_of_file(row.verdict, row.witnesses, row.first_bad):
        output.say(f"hint: {step}")
    return backup_row.checked_exit(row)


def listing(given: Settings, style: Style) -> Exit:
    """Print the backups in BACKUP_DIR; 1 when one of them is not what the ledger recorded of it."""
    found = list_backups(given.backup_dir, recorded_backups(LedgerHome(given.data_dir)))
    rows = [
        ListedRow(
            backup=str(one.path),
            status=one.status,
            bytes=one.archive_bytes,
            kind=one.kind,
            has_checksum=one.has_checksum,
            events=one.recorded.event.size if one.recorded else None,
            head=one.recorded.event.link.hex() if one.recorded else None,
            created_at=times.text(one.recorded.recorded_at) if one.recorded else None,
            seq=one.recorded.seq if one.recorded else None,
        )
        for one in found
    ]
    output.show(rows, style, text=backup_row.listed_text, table=backup_row.LISTED)
    amiss = [f"{one.path.name} is {one.status}" for one in found if one.status in AMISS]
    return exits.ended(Exit.WARNING if amiss else Exit.OK, ", ".join(amiss))
