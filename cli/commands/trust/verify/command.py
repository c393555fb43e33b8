"""`main verify`: every event re-hashed, and the head compared with whatever remembers it."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from cli.app import clock, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.commands.proof import timestamps
from cli.commands.trust.verify import against_checkpoint, marking, row, saved_head
from cli.commands.trust.verify.against_checkpoint import SignedCheckpoint
from cli.commands.trust.verify.saved_head import SavedHead
from cli.context import clock_option, ledgers, params, places, witnesses
from cli.context.ledgers import ActiveLedger
from ledger.audit.flaw import Flaw
from ledger.audit.verify import VerifyReport, verify_ledger
from ledger.backup.archive_log import archive_log
from ledger.backup.held_against import held_against
from ledger.backup.recorded import recorded_backups
from ledger.backup.restore_history import Replaced, replaced_by
from ledger.backup.verify import verify_archive
from ledger.chain import Head, Link
from ledger.checkpoint.outside.stamped import hold_stamps
from ledger.checkpoint.published_tree import TILES
from ledger.log_source import Witness, created
from ledger.objects.segments import SEGMENT
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.store.mark import read_mark

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

SAVED = "saved head"
CLOCK_SLACK_US = 300_000_000  # a log that is this far ahead of the clock is named


@click.command(
    epilog="""\b
Examples:
  main verify
  main verify --structure --format json
  main verify --record
  main verify --save-head /mnt/elsewhere/head.json
  main verify --from-head /mnt/elsewhere/head.json
  main verify backups/backup-20260213T213000Z.db
  main verify --checkpoint /mnt/elsewhere/checkpoint --key 'b3-ledger/…+…+…'
  main verify --tsa-root freetsa.pem          its timestamps: who signed them, and over which tree
  main verify --checkpoint b3/checkpoint --key vkey.txt --witness-key w1.txt --witness-key w2.txt --witnesses 1
  main verify --checkpoint b3/checkpoint --key vkey.txt b3          its tiles, without any ledger
  main verify s3://bucket/prices --checkpoint s3://bucket/b3/checkpoint --key vkey.txt

\b
Verdicts: intact, tampered, truncated, rolled_back, forked, unreadable.

\b
Exit codes: 0 intact; 1 intact, but nothing outside the log remembers its head, the log is ahead of
the clock, it holds what this version would not write, or a timestamp contradicts its times or
cannot be trusted; 2 every other verdict, a checkpoint that
--key or too few witnesses signed, or one of another ledger; 3 no ledger, no permission, an event of a newer
version, or a file for --from-head or --save-head that is none.
"""
)
@click.option("--from-head", type=saved_head.SAVED_HEAD, help="Hold the log against a head that was saved.")
@click.option("--save-head", type=params.OUT_FILE, help="When intact, save the head to this file.")
@marking.record_option
@click.option("--structure", is_flag=True, help="Check the pages of the database file first, and its index of appends.")
@against_checkpoint.options
@timestamps.root_option
@click.argument("file", type=params.PATH_OR_URL, required=False)
@clock_option.option
@ledgers.file_option
@output.style_options
@click.pass_context
def verify(
    context: click.Context,
    /,
    from_head: SavedHead | None,
    save_head: Path | None,
    *,
    structure: bool,
    file: Path | str | None,
    style: Style,
) -> int:
    """Re-hash and read every event, and hold the head against all that remember it.

    Those are the anchor beside the database, the stored projections, a head saved earlier, a signed
    checkpoint, the timestamps on record, and the mark of an earlier bad verification; for a backup
    FILE its .checksum, what the ledger in use recorded when it was made, and that ledger itself.
    FILE may be a URL of backup --to. One that is a folder or a URL of tiles is held against
    --checkpoint alone.
    Every byte of a FILE is read each time: nothing that other commands keep of it is used.
    A bad verdict on the ledger in use leaves a mark: nothing is appended until an intact one, a
    restore or accept-head removes it.
    """
    given = settings.load()
    file, record = file or ledgers.archive_given(), marking.asked_to_record(context)
    if file is not None and (structure or record):
        context.fail(f"got --{'structure' if structure else 'record'} with a backup file, want the ledger in use")
    signed, roots = against_checkpoint.signed(context), timestamps.roots(context)
    if file is not None and _is_of_tiles(file):
        return _shown_tiles(context, file, signed, from_head or save_head, style)
    before = _replaceable(context, save_head)
    known = [one for one in (from_head, before) if one is not None]
    with nullcontext() if file is None else places.as_file(file, whole=False) as path:
        with output.still_working("re-hashing every event …"):
            checked = _archive(given, path, known) if path else _ledger(given, known, structure=structure)
            checked = checked.against(signed, path).dated(path, roots).leaving_mark(signed)
        intact = checked.report.verdict == "intact"
        if save_head is not None and intact:
            _save(context, save_head, checked, before, now_us=clock.now_us(given, reading=True))
    seq = marking.recorded(checked.ledger, checked.report, given) if record and intact and checked.ledger else None
    found = row.row(checked.report, checked.replaced, checked.root)
    more = {"marked": checked.marked, "recorded_seq": seq, "ahead_seconds": checked.ahead_s(given)}
    found = msgspec.structs.replace(found, **more)
    output.report([found], style, text=row.text)
    for words in row.warnings(found):
        output.say(f"warning: {words}")
    if row.exit_code(found) == Exit.CRITICAL:
        output.say(f"critical: {row.text(found)}")
    if step := row.file_step(found) if file else row.next_step(found):
        output.say(f"hint: {step}")
    return row.exit_code(found)


def _replaceable(context: click.Context, path: Path | None) -> SavedHead | None:
    """Return the head that the file for --save-head holds already, None where there is none."""
    if path is None:
        return None
    try:
        return saved_head.existing(path)
    except ValueError as error:
        context.fail(f"got {error} in {path}, want a head that main verify --save-head wrote, or another name")


def _save(context: click.Context, path: Path, checked: "_Checked", before: SavedHead | None, *, now_us: int) -> None:
    """Save the head of a log that is intact, and holds the heads that are saved there already."""
    ledger_id = checked.ledger_id()
    if before is not None and not before.is_of(ledger_id):
        context.fail(f"got the head of another ledger in {path}, want one of this ledger, or another name")
    saved_head.save(path, checked.head(), ledger_id=ledger_id, now_us=now_us, before=before)


def _is_of_tiles(place: Path | str) -> bool:
    """Return whether something has tiles rather than an archive: a folder, or a URL without segments."""
    if isinstance(place, Path):
        return place.is_dir()
    names = [one.name for one in places.opened(place).objects()]
    return not any(name.endswith(SEGMENT) for name in names) and any(name.startswith(TILES) for name in names)


def _shown_tiles(
    context: click.Context, folder: Path | str, signed: SignedCheckpoint | None, other: object, style: Style
) -> int:
    if signed is None or other is not None:
        context.fail(f"got tiles at {places.shown(folder)}, want a backup, or --checkpoint and --key for its tiles")
    found = row.row(against_checkpoint.held_tiles(folder, signed))
    output.report([found], style, text=row.text)
    return row.exit_code(found)


class _Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a log, how to ask for its ledger's id, and the restore that explains a head that is gone.

    `ledger` is the one in use, where that is what was verified; `marked` whether the mark of a bad verdict stands
    there. `explained` when a bad verdict is no finding about the log: a restore on record, or another ledger's head.
    """

    report: VerifyReport
    ledger_id: Callable[[], bytes]
    root: Path
    ledger: ActiveLedger | None = None
    replaced: Replaced | None = None
    marked: bool | None = None
    explained: bool = False
    contradicts: int | None = None  # the size of the checkpoint, kept elsewhere or dated, that the log contradicts

    def head(self) -> Head:
        """Return the head of a log that is intact."""
        assert self.report.head is not None  # noqa: S101 - it has at least its first event
        return Head(self.report.events, Link(self.report.head))

    def ahead_s(self, given: Settings) -> int | None:
        """Return by how many seconds the log is ahead of the clock, None when it is not; the sample's stands still."""
        if self.ledger is None or self.ledger.kind == "sample":
            return None
        ahead_us = self.report.found.recorded_at - clock.now_us(given, reading=True)
        return ahead_us // 1_000_000 if ahead_us > CLOCK_SLACK_US else None

    def against(self, signed: SignedCheckpoint | None, file: Path | None) -> "_Checked":
        """Return this, the log (of `file`, else the ledger in use) held against the checkpoint too, if there is one."""
        place = file or (self.ledger.folder if self.ledger else None)
        if signed is None or place is None:
            return self
        report = against_checkpoint.held(self.report, place, signed)
        contradicts = signed.statement.size if report.verdict != self.report.verdict else None
        return msgspec.structs.replace(self, report=report, contradicts=contradicts)

    def dated(self, file: Path | None, roots: "tuple[Certificate, ...] | None") -> "_Checked":
        """Return this, the log held against the timestamps that it records as well."""
        place = file or (self.ledger.folder if self.ledger else None)
        report = self.report if place is None else hold_stamps(self.report, place, roots)
        if report.verdict == self.report.verdict:
            return msgspec.structs.replace(self, report=report)
        latest = max(stamp.size for stamp in report.found.stamps)
        return msgspec.structs.replace(self, report=report, contradicts=latest)

    def leaving_mark(self, signed: SignedCheckpoint | None) -> "_Checked":
        """Leave the mark of what was found beside the ledger in use; return this, with whether one stands there."""
        if self.ledger is None:
            return self
        size = signed.statement.size if signed else None
        mark = None if self.explained else marking.mark_of(self.report, self.contradicts)
        intact = self.report.verdict == "intact"
        left = marking.left(self.ledger.folder, mark, intact=intact, checkpoint_size=size)
        return msgspec.structs.replace(self, marked=left)


def _ledger(given: Settings, saved: list[SavedHead], *, structure: bool) -> _Checked:
    ledger = ledgers.active(given)
    mark = read_mark(ledger.folder)
    marked = mark.remembered() if mark else None
    structure = structure or (mark is not None and mark.witness == marking.PAGES)
    # Every witness is read before the log is, or an append in between would look like a rollback.
    known = witnesses.projections(ledger.folder) + _saved(saved) + ([marked] if marked else [])
    report = verify_ledger(ledger.home, witnesses=known, structure=structure)

    def ledger_id() -> bytes:
        with EventLog(ledger.home, now=lambda: 0, readonly=True, check=False) as log:
            return created(log).ledger_id

    checked = _Checked(report=report, ledger_id=ledger_id, root=ledger.home.root, ledger=ledger)
    if report.against is None or report.against.name != SAVED:
        return checked
    if foreign := _foreign(checked, saved):
        own = [one for one in saved if one not in foreign]
        return _told_apart(_ledger(given, own, structure=structure), foreign[0])
    if replaced := replaced_by(ledger.home, report.against.head):
        return msgspec.structs.replace(checked, replaced=replaced, explained=True)
    return checked


def _archive(given: Settings, file: Path, saved: list[SavedHead]) -> _Checked:
    root = LedgerHome(given.data_dir)
    recorded = recorded_backups(root).get(file.name)
    report = verify_archive(file, witnesses=_saved(saved), recorded=recorded.event if recorded else None)
    if report.verdict == "intact":
        report = held_against(report, archive_log(file), root)
    checked = _Checked(report=report, ledger_id=lambda: archive_log(file).created.ledger_id, root=root.root)
    if report.against is not None and report.against.name == SAVED and (foreign := _foreign(checked, saved)):
        own = [one for one in saved if one not in foreign]
        return _told_apart(_archive(given, file, own), foreign[0])
    return checked


def _saved(saved: list[SavedHead]) -> list[Witness]:
    return [witness for one in saved for witness in one.witnesses(SAVED)]


def _foreign(checked: _Checked, saved: list[SavedHead]) -> list[SavedHead]:
    """Return the heads of other ledgers: they say nothing of this one, and would hide what its own witnesses say."""
    found = checked.ledger_id()
    return [one for one in saved if not one.is_of(found)]


def _told_apart(checked: _Checked, other: SavedHead) -> _Checked:
    """Return `checked`, with a flaw that names what it was held against where nothing else is wrong: another ledger."""
    if checked.report.verdict != "intact":
        return checked
    flaw = Flaw(0, row.LEDGER_ID, other.ledger_id.replace("-", ""), checked.ledger_id().hex())
    bad = {"verdict": "forked", "first_bad": flaw, "last_good_seq": None, "witnesses": ()}
    return msgspec.structs.replace(checked, report=msgspec.structs.replace(checked.report, **bad), explained=True)
