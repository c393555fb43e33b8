"""`main verify`: every event re-hashed, and the head held against whatever remembers it."""

from pathlib import Path

import click
import msgspec

from cli import clock, ledgers, output, saved_head, settings, verify_row, witnesses
from cli.ledgers import ActiveLedger
from cli.output import Style
from cli.saved_head import SavedHead
from cli.settings import Settings
from ledger.chain import Head, Link
from ledger.codec import decode_envelope, decode_event
from ledger.events import LedgerCreated
from ledger.log import EventLog
from ledger.verify import VerifyReport, verify_ledger
from ledger.walker import Flaw


@click.command(
    epilog="""\b
Examples:
  main verify
  main verify --structure --format json
  main verify --save-head /mnt/elsewhere/head.json
  main verify --from-head /mnt/elsewhere/head.json

\b
Verdicts: intact, tampered, truncated, rolled_back, forked, unreadable.

\b
Exit codes: 0 intact; 1 intact, but nothing outside the log remembers its head; 2 every other verdict;
3 no ledger, no permission, or a --from-head file that is none.
"""
)
@click.option("--from-head", type=saved_head.SAVED_HEAD, help="Hold the log against a head that was saved.")
@click.option(
    "--save-head", type=click.Path(path_type=Path, dir_okay=False), help="When intact, save the head to this file."
)
@click.option("--structure", is_flag=True, help="Check the pages of the database file first.")
@output.style_options
def verify(from_head: SavedHead | None, save_head: Path | None, *, structure: bool, style: Style) -> int:
    """Re-hash every event and hold the head against all that remember it.

    Those are the anchor beside the database, the stored projections, and a head saved earlier.
    Nothing is changed.
    """
    given = settings.load()
    ledger = ledgers.active(given)
    with output.still_working("re-hashing every event …"):
        report = _verified(ledger, from_head, structure=structure)
    if save_head is not None and report.verdict == "intact":
        _save(save_head, ledger, report, given)
    found = verify_row.row(report)
    output.show([found], style, text=verify_row.text)
    if step := verify_row.next_step(found):
        output.say(f"hint: {step}")
    return verify_row.exit_code(found)


def _verified(ledger: ActiveLedger, saved: SavedHead | None, *, structure: bool) -> VerifyReport:
    # Every witness is asked before the log is looked at, or an append in between would look like a rollback.
    known = witnesses.projections(ledger.folder)
    if saved is not None:
        known.append(saved.witness("saved head"))
    report = verify_ledger(ledger.home, witnesses=known, structure=structure)
    return _of_another_ledger(report, saved, ledger) if saved and report.verdict == "forked" else report


def _of_another_ledger(report: VerifyReport, saved: SavedHead, ledger: ActiveLedger) -> VerifyReport:
    """Return `report`, saying so when the log forked because it is another ledger altogether."""
    found, wanted = _ledger_id(ledger).hex(), saved.ledger_id.replace("-", "")
    if found == wanted:
        return report
    return msgspec.structs.replace(report, first_bad=Flaw(0, "ledger id", wanted, found), last_good_seq=None)


def _save(path: Path, ledger: ActiveLedger, report: VerifyReport, given: Settings) -> None:
    assert report.head is not None  # noqa: S101 - an intact log has at least its first event
    saved_head.save(
        path,
        Head(report.events, Link(report.head)),
        ledger_id=_ledger_id(ledger),
        now_us=clock.now_us(given, reading=True),
    )


def _ledger_id(ledger: ActiveLedger) -> bytes:
    """Return the id in event 0 of a log whose chain was found to hold."""
    with EventLog(ledger.home, now=lambda: 0, readonly=True, check=False) as log:
        (first,) = log.read(0, 1)
    created = decode_event(decode_envelope(first.seq, first.body))
    assert isinstance(created, LedgerCreated)  # noqa: S101 - event 0 of every log
    return created.ledger_id
