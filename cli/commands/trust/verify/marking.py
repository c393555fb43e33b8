"""What a verification leaves behind: the mark of a bad verdict, or `log.verified` of a good one."""

from pathlib import Path

from cli.app import clock
from cli.app.settings import Settings
from cli.context import witnesses
from cli.context.ledgers import ActiveLedger
from ledger import ids
from ledger.audit.verify import VerifyReport
from ledger.codec import Draft
from ledger.errors import LedgerError
from ledger.events import LEDGER_STREAM, LogVerified
from ledger.store.event_log import EventLog
from ledger.store.mark import Mark, clear_mark, put_mark, read_mark

PAGES = "structure"  # the witness of a mark that only a look at the pages, or at the index, clears
OF_THE_PAGES = frozenset({PAGES, "append index"})  # kinds of flaw
OF_THE_BYTES = frozenset({"anchor", *OF_THE_PAGES})  # kinds of flaw that make a log unreadable, shortage or not


def marks(report: VerifyReport) -> bool:
    """Whether the report is on what was seen in bytes: a shortage, or the death of the process that read, is not."""
    bad = report.first_bad
    if report.verdict == "intact" or bad is None:
        return False
    if report.against is not None and report.against.head in report.found.accepted:
        return False  # a person decided to do without that head, on the record
    return report.verdict != "unreadable" or bad.kind in OF_THE_BYTES


def mark_of(report: VerifyReport) -> Mark:
    """Return the mark that a bad report leaves."""
    against, bad = report.against, report.first_bad
    witness = PAGES if bad is not None and bad.kind in OF_THE_PAGES else None
    return Mark(
        verdict=report.verdict,
        witness=against.name if against else witness,
        expected_size=against.head.size if against else None,
        expected_head=against.head.link.hex() if against else None,
        found_size=report.events,
        found_head=report.head.hex() if report.head else None,
    )


def left(folder: Path, report: VerifyReport, *, explained: bool) -> bool | None:
    """Leave the mark of a bad report or clear that of an earlier one; return whether one stands, None without any.

    False where there should be one and none could be written. `explained` when a recorded restore is the reason.
    """
    try:
        if report.verdict == "intact":
            if read_mark(folder) is not None:
                clear_mark(folder)
            return None
        if explained or not marks(report):
            return True if read_mark(folder) is not None else None
        put_mark(folder, mark_of(report))
    except LedgerError:
        return report.verdict == "intact"
    return True


def recorded(ledger: ActiveLedger, report: VerifyReport, given: Settings) -> int:
    """Append that the log was found intact; return the event's seq.

    Raises: as `EventLog` and its `append` do.
    """
    assert report.head is not None  # noqa: S101 - it is intact
    now_us = clock.now_us(given, sample=ledger.kind == "sample")
    event = LogVerified(
        verdict=report.verdict,
        size=report.events,
        link=report.head,
        witnesses=report.witnesses,
        seconds=report.seconds,
    )
    job_id = ids.new_id(now_us)
    draft = Draft(job_id=job_id, stream=LEDGER_STREAM, event=event)
    with EventLog(
        ledger.home,
        now=lambda: now_us,
        lock_timeout_s=given.ingest_lock_timeout_seconds,
        witnesses=witnesses.projections,
    ) as log:
        return log.append([draft], append_id=ids.append_id(f"log.verified/{job_id.hex()}", job_id=job_id)).first
