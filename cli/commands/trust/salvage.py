"""`main salvage`: what is intact of a damaged ledger or archive, as an archive."""

import time
from pathlib import Path

import click

from cli.app import exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.trust.backup import row as backup_row
from cli.commands.trust.backup.row import SalvagedRow
from cli.context import ledgers, params, places
from ledger.backup.salvage import salvage_archive, salvage_ledger


@click.command(
    epilog="""\b
Examples:
  main salvage --out saved.db
  main salvage --ledger backups/backup-20260213T213000Z.db --out saved.db

\b
Exit codes: 0 nothing was damaged, the archive holds it all; 1 the intact prefix was saved and something
is lost; 2 nothing could be saved; 3 no ledger, no such file, or a name that is taken.
"""
)
@click.option("--out", type=params.FILE, required=True, help="The new archive.")
@ledgers.file_option
@output.style_options
def salvage(out: Path, style: Style) -> int:
    """Write the longest intact prefix of a damaged ledger or archive as an archive.

    Changes nothing of the source. The archive can be restored like a backup.
    """
    started = time.perf_counter()
    with output.still_working("reading what can be read …"):
        archive = ledgers.archive_given()
        if archive is None:
            found = salvage_ledger(ledgers.active(settings.load()).folder, out)
        else:
            with places.as_file(archive) as path:
                found = salvage_archive(path, out)
    saved, report = found.saved, found.report
    row = SalvagedRow(
        status="intact" if report.verdict == "intact" else "salvaged",
        source=str(found.source) if archive is None else places.shown(archive),
        verdict=report.verdict,
        first_bad=report.first_bad,
        backup=str(saved.path),
        checksum=saved.sha256.hex(),
        bytes=saved.good_bytes,
        events=saved.head.size,
        head_seq=saved.head.size - 1,
        head=saved.head.link.hex(),
        lost_events=found.lost_events,
        elapsed_sec=round(time.perf_counter() - started, 3),
    )
    output.report([row], style, text=backup_row.salvaged_text)
    why = f"{row.source} is {row.verdict}: saved up to event {row.head_seq}"
    code = exits.ended(Exit.OK if row.status == "intact" else Exit.WARNING, why)
    output.say(f"hint: main backup --restore --from {out} --dry-run")
    return code
