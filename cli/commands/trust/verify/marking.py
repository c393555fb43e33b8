"""What a verification leaves behind: the mark of a bad verdict, or `log.verified` of a good one."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from cli.app import clock
from cli.app.settings import Settings
from cli.context import guards
from cli.context.ledgers import ActiveLedger
from ledger import ids
from ledger.audit.verify import VerifyReport
from ledger.codec import Draft
from ledger.errors import LedgerError
from ledger.events import LEDGER_STREAM, LogVerified
from ledger.store.event_log import EventLog
from ledger.store.mark import VerdictMark, clear_mark, put_mark, read_mark

F = TypeVar("F", bound=Callable[..., object])

_RECORD = f"{__name__}.record"

PAGES = "structure"  # the witness of a mark that only a look at the pages, or at the index, clears
CHECKPOINT = "checkpoint"
OF_THE_PAGES = frozenset({PAGES, "append index"})  # kinds of flaw
OF_THE_BYTES = frozenset({"anchor", *OF_THE_PAGES})  # kinds of flaw that make a log unreadable, shortage or not


def record_option(command: F) -> F:
    """Give `command` the option `--record`, which `asked_to_record` reads."""
    return click.option(
        "--record",
        is_flag=True,
        expose_value=False,
        callback=lambda context, _option, given: context.meta.update({_RECORD: given}),
        help="When intact, append that it was (log.verified).",
    )(command)


def asked_to_record(context: click.Context) -> bool:
    """Whether `--record` was given."""
    return bool(context.meta.get(_RECORD))


def mark_of(report: VerifyReport, checkpoint_size: int | None) -> VerdictMark | None:
    """Return the mark that a report leaves, None where it leaves none.

    A bad verdict marks where it was seen in bytes: a shortage, or the death of the process that read, does not.
    `checkpoint_size` is of the checkpoint that the log contradicts, None where it contradicts none.
    """
    against, bad = report.against, report.first_bad
    if report.verdict == "intact" or bad is None:
        return None
    if against is not None and against.head in report.found.accepted:
        return None  # a person decided to do without that head, on the record
    if report.verdict == "unreadable" and bad.kind not in OF_THE_BYTES:
        return None
    found = VerdictMark(
        verdict=report.verdict, found_size=report.events, found_head=report.head.hex() if report.head else None
    )
    if checkpoint_size is not None:
        return msgspec.structs.replace(found, witness=CHECKPOINT, expected_size=checkpoint_size)
    if against is not None:
        head = against.head
        return msgspec.structs.replace(
            found, witness=against.name, expected_size=head.size, expected_head=head.link.hex()
        )
    return msgspec.structs.replace(found, witness=PAGES) if bad.kind in OF_THE_PAGES else found


def left(folder: Path, mark: VerdictMark | None, *, intact: bool, checkpoint_size: int | None) -> bool | None:
    """Leave `mark`, or clear an earlier one where the log is intact; return whether one stands, None without any.

    False where there should be one and none could be written.
    `checkpoint_size` is of the checkpoint that the log was held against: a mark left by a larger one stays.
    """
    earlier = read_mark(folder)
    try:
        if mark is not None:
            put_mark(folder, mark)
            return True
        if earlier is None:
            return None
        larger = checkpoint_size is None or checkpoint_size < (earlier.expected_size or 0)
        if not intact or (earlier.witness == CHECKPOINT and larger):
            return True
        clear_mark(folder)
    except LedgerError:
        return intact
    return None


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
        guards=guards.of(ledger.kind),
    ) as log:
        return log.append([draft], append_id=ids.append_id(f"log.verified/{job_id.hex()}", job_id=job_id)).first
