"""`main verify`: every event re-hashed, and the head compared with whatever remembers it."""

from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from cli.app import clock, output, settings
from cli.app.output import Style
from cli.app.settings import Settings
from cli.commands.trust.verify import against_checkpoint, row, saved_head
from cli.commands.trust.verify.against_checkpoint import SignedCheckpoint
from cli.commands.trust.verify.saved_head import SavedHead
from cli.context import ledgers, params, witnesses
from ledger.audit.rehash import Flaw
from ledger.audit.verify import VerifyReport, Witness, verify_ledger
from ledger.backup.archive_log import archive_log
from ledger.backup.recorded import recorded_backups
from ledger.backup.restore_history import Replaced, replaced_by
from ledger.backup.verify import verify_archive
from ledger.chain import Head, Link
from ledger.log_source import created
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome

SAVED = "saved head"


@click.command(
    epilog="""\b
Examples:
  main verify
  main verify --structure --format json
  main verify --save-head /mnt/elsewhere/head.json
  main verify --from-head /mnt/elsewhere/head.json
  main verify backups/backup-20260213T213000Z.db
  main verify --checkpoint /mnt/elsewhere/checkpoint --key 'b3-ledger/…+…+…'
  main verify --checkpoint b3/checkpoint --key vkey.txt b3          its tiles, without any ledger

\b
Verdicts: intact, tampered, truncated, rolled_back, forked, unreadable.

\b
Exit codes: 0 intact; 1 intact, but nothing outside the log remembers its head; 2 every other verdict,
a checkpoint that --key did not sign, or one of another ledger; 3 no ledger, no permission, or a
--from-head file that is none.
"""
)
@click.option("--from-head", type=saved_head.SAVED_HEAD, help="Hold the log against a head that was saved.")
@click.option("--save-head", type=params.OUT_FILE, help="When intact, save the head to this file.")
@click.option("--structure", is_flag=True, help="Check the pages of the database file first, and its index of appends.")
@against_checkpoint.options
@click.argument("file", type=click.Path(path_type=Path), required=False)
@ledgers.archive_option
@output.style_options
@click.pass_context
def verify(
    context: click.Context,
    /,
    from_head: SavedHead | None,
    save_head: Path | None,
    *,
    structure: bool,
    file: Path | None,
    style: Style,
) -> int:
    """Re-hash every event and hold the head against all that remember it.

    Those are the anchor beside the database, the stored projections, a head saved earlier, and a signed
    checkpoint; for a backup FILE its .checksum, and what the ledger in use recorded when it was made.
    A FILE that is a folder of tiles is held against --checkpoint alone. Nothing is changed.
    """
    given = settings.load()
    file = file or ledgers.archive_path()
    if file is not None and structure:
        context.fail("got --structure with a backup file, want the ledger in use")
    signed = against_checkpoint.signed(context)
    if file is not None and file.is_dir():
        return _shown_tiles(context, file, signed, from_head or save_head, style)
    with output.still_working("re-hashing every event …"):
        checked = _archive(given, file, from_head) if file else _ledger(given, from_head, structure=structure)
        if signed is not None:
            report = against_checkpoint.held(checked.report, file or ledgers.active(given).folder, signed)
            checked = msgspec.structs.replace(checked, report=report)
    if save_head is not None and checked.report.verdict == "intact":
        now_us = clock.now_us(given, reading=True)
        saved_head.save(save_head, checked.head(), ledger_id=checked.ledger_id(), now_us=now_us)
    found = row.row(checked.report, checked.replaced, checked.root)
    output.show([found], style, text=row.text)
    if step := row.file_step(found.verdict, found.witnesses) if file else row.next_step(found):
        output.say(f"hint: {step}")
    return row.exit_code(found)


def _shown_tiles(
    context: click.Context, folder: Path, signed: SignedCheckpoint | None, other: object, style: Style
) -> int:
    if signed is None or other is not None:
        context.fail(f"got a folder at {folder}, want a backup file, or --checkpoint and --key for its tiles")
    found = row.row(against_checkpoint.held_tiles(folder, signed))
    output.show([found], style, text=row.text)
    return row.exit_code(found)


class _Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a log, how to ask for its ledger's id, and the restore that explains a head that is gone."""

    report: VerifyReport
    ledger_id: Callable[[], bytes]
    root: Path
    replaced: Replaced | None = None

    def head(self) -> Head:
        """Return the head of a log that is intact."""
        assert self.report.head is not None  # noqa: S101 - it has at least its first event
        return Head(self.report.events, Link(self.report.head))


def _ledger(given: Settings, saved: SavedHead | None, *, structure: bool) -> _Checked:
    ledger = ledgers.active(given)
    # Every witness is read before the log is, or an append in between would look like a rollback.
    known = witnesses.projections(ledger.folder) + _saved(saved)
    report = verify_ledger(ledger.home, witnesses=known, structure=structure)

    def ledger_id() -> bytes:
        with EventLog(ledger.home, now=lambda: 0, readonly=True, check=False) as log:
            return created(log).ledger_id

    checked = _Checked(report=report, ledger_id=ledger_id, root=ledger.home.root)
    if saved is None or report.verdict not in {"rolled_back", "forked"}:
        return checked
    if replaced := replaced_by(ledger.home, saved.witness(SAVED).head):
        return msgspec.structs.replace(checked, replaced=replaced)
    return _told_apart(checked, saved)


def _archive(given: Settings, file: Path, saved: SavedHead | None) -> _Checked:
    root = LedgerHome(given.data_dir)
    recorded = recorded_backups(root).get(file.name)
    report = verify_archive(file, witnesses=_saved(saved), recorded=recorded.event if recorded else None)
    checked = _Checked(report=report, ledger_id=lambda: archive_log(file).created.ledger_id, root=root.root)
    return _told_apart(checked, saved) if saved else checked


def _saved(saved: SavedHead | None) -> list[Witness]:
    return [] if saved is None else [saved.witness(SAVED)]


def _told_apart(checked: _Checked, saved: SavedHead) -> _Checked:
    """Return `checked`, with a flaw that names it when the log forked because it is another ledger altogether."""
    if checked.report.verdict != "forked":
        return checked
    found, wanted = checked.ledger_id().hex(), saved.ledger_id.replace("-", "")
    if found == wanted:
        return checked
    report = msgspec.structs.replace(checked.report, first_bad=Flaw(0, "ledger id", wanted, found), last_good_seq=None)
    return msgspec.structs.replace(checked, report=report)
