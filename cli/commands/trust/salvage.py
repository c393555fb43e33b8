"""`main salvage`: what is intact of a damaged ledger or archive, as an archive."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from cli.app import exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.trust.backup import row as backup_row
from cli.commands.trust.backup.row import SalvagedRow
from cli.context import ledgers, params, places
from cli.render.renderers import JSON
from ledger.backup.salvage import Salvaged, salvage_archive, salvage_ledger

PIECE_BYTES = 1024 * 1024
STDOUT = "stdout"  # as the row names it


@click.command(
    epilog="""\b
Examples:
  main salvage --out saved.db
  main salvage --ledger backups/backup-20260213T213000Z.db --out saved.db
  main salvage --out - | gzip > saved.db.gz

\b
Exit codes: 0 nothing was damaged, the archive holds it all; 1 the intact prefix was saved and something
is lost; 2 nothing could be saved; 3 no ledger, no such file, or a name that is taken.
"""
)
@click.option("--out", type=params.OUT_FILE, required=True, help="The new archive; - is stdout.")
@ledgers.file_option
@output.style_options
@click.pass_context
def salvage(context: click.Context, /, out: Path, style: Style) -> int:
    """Write the longest intact prefix of a damaged ledger or archive as an archive.

    Changes nothing of the source. The archive can be restored like a backup.
    """
    to_stdout = output.is_stdout(out)
    if style.format == JSON and to_stdout:
        context.fail("got --format json for an archive on stdout, want --out with a file")
    output.refuse_bytes(context, "an archive", out)
    started = time.perf_counter()
    with output.still_working("reading what can be read …"), _target(out) as target:
        found = _salvaged(target)
        if to_stdout:
            with target.open("rb") as archive:
                output.give(iter(partial(archive.read, PIECE_BYTES), b""), out)
    row = _row(found, STDOUT if to_stdout else str(out), started)
    if to_stdout:
        output.say(backup_row.salvaged_text(row), explains=False)
    else:
        output.report([row], style, text=backup_row.salvaged_text)
    why = f"{row.source} is {row.verdict}: saved up to event {row.head_seq}"
    code = exits.ended(Exit.OK if row.status == "intact" else Exit.WARNING, why)
    if not to_stdout:
        output.say(f"hint: main backup --restore --from {out} --dry-run")
    return code


@contextmanager
def _target(out: Path) -> Iterator[Path]:
    """Give the name of the archive to make, a temporary one where it goes to stdout: it is made in steps."""
    if not output.is_stdout(out):
        yield out
        return
    with TemporaryDirectory(prefix="b3-ledger-") as folder:
        yield Path(folder) / "salvaged.db"


def _salvaged(target: Path) -> Salvaged:
    """Return what was saved as `target` of the ledger in use, or of the archive that `--ledger` names."""
    archive = ledgers.archive_given()
    if archive is None:
        return salvage_ledger(ledgers.active(settings.load()).folder, target)
    with places.as_file(archive) as path:
        return salvage_archive(path, target)


def _row(found: Salvaged, backup: str, started: float) -> SalvagedRow:
    archive = ledgers.archive_given()
    saved, report = found.saved, found.report
    return SalvagedRow(
        status="intact" if report.verdict == "intact" else "salvaged",
        source=str(found.source) if archive is None else places.shown(archive),
        verdict=report.verdict,
        first_bad=report.first_bad,
        backup=backup,
        checksum=saved.sha256.hex(),
        bytes=saved.good_bytes,
        events=saved.head.size,
        head_seq=saved.head.size - 1,
        head=saved.head.link.hex(),
        lost_events=found.lost_events,
        elapsed_sec=round(time.perf_counter() - started, 3),
    )
