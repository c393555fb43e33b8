"""`main accept-head`: records an operator's decision to accept a head that a witness contradicts."""

import sys

import click
import msgspec

from cli.app import clock, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.context import ledgers, witnesses
from cli.context.ledgers import ActiveLedger
from ledger import ids
from ledger.audit.accept import AcceptableVerdict, Examined, NotAcceptableError, accept, examine
from ledger.audit.verify import verify_ledger
from projections.store import runner

# Verdicts on what witnesses remember; every other one is on the log itself.
OF_WITNESSES = frozenset({"intact", "rolled_back", "forked"})


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """What one witness remembered; null where it could not be read."""

    witness: str
    verdict: AcceptableVerdict
    expected_events: int | None
    expected_head: str | None


class AcceptedRow(msgspec.Struct, frozen=True, kw_only=True):
    """The decision: `found_head` was accepted, and its record is events `seq` to the new head's."""

    status: str = "accepted"
    seq: int
    events: int
    head: str
    found_events: int
    found_head: str
    reason: str
    accepted: tuple[Accepted, ...]


@click.command(
    "accept-head",
    epilog="""\b
Examples:
  main verify
  main accept-head --reason 'disk restored from the snapshot of Monday' --yes

\b
Exit codes: 0 accepted and recorded; 2 the database failed; 3 refused, and nothing was changed:
nothing to accept, no --yes, or a log that does not hold in itself.
""",
)
@click.option("--reason", required=True, help="What happened; it is recorded for good.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@output.style_options
@click.pass_context
def accept_head(context: click.Context, /, reason: str, *, yes: bool, style: Style) -> int:
    """Go on after the log was found rolled back or forked, or its anchor damaged.

    Appends what was expected and what was found, then makes the log's head the one that is
    remembered. Look first: main verify says what is missing.
    """
    if not reason.strip():
        context.fail("got an empty --reason, want what happened")
    given = settings.load()
    ledger = ledgers.active(given)
    found = _examined(ledger)
    output.say(f"the log has {found.head.size} events, head {found.head.link.hex()}")
    for one in found.disagreements:
        memory = "cannot be read"
        if one.expected is not None:
            memory = f"{one.verdict}, remembers {one.expected.size} events, head {one.expected.link.hex()}"
        output.say(f"{one.witness}: {memory}")
    if not yes:
        if not sys.stdin.isatty():
            context.fail("got no --yes and no terminal to ask on, want --yes")
        if not click.confirm("Go on with the log as it is?", err=True):
            context.fail("got no, want yes: nothing was changed")
    row = _accepted(ledger, found, reason, given)
    text = f"accepted: the log goes on from {row.found_events} events; recorded at seq {row.seq}, head {row.head}"
    output.report([row], style, text=lambda _: text)
    return Exit.OK


def _examined(ledger: ActiveLedger) -> Examined:
    """Return who disagrees with a log that holds in itself, page by page and link by link.

    Raises: NotAcceptableError.
    """
    known = witnesses.projections(ledger.folder)
    with output.still_working("re-hashing every event …"):
        report = verify_ledger(ledger.home, structure=True)
    bad = report.first_bad
    if report.verdict not in OF_WITNESSES and (bad is None or bad.kind != "anchor"):
        raise NotAcceptableError(f"a log that is {report.verdict}", wanted="one that holds in itself")
    found = examine(ledger.home, known)
    if not found.disagreements:
        raise NotAcceptableError("a log that every witness remembers", wanted="one that was rolled back or forked")
    return found


def _accepted(ledger: ActiveLedger, found: Examined, reason: str, given: Settings) -> AcceptedRow:
    """Record the decision and return its row."""
    now_us = clock.now_us(given, sample=ledger.kind == "sample")
    appended = accept(
        ledger.home,
        found,
        reason=reason,
        job_id=ids.new_id(now_us),
        now=lambda: now_us,
        lock_timeout_s=given.ingest_lock_timeout_seconds,
    )
    # Last: a crash before it leaves projections that disagree, and the decision is asked for again.
    runner.forget(ledger.folder)
    return AcceptedRow(
        seq=appended.first,
        events=appended.head.size,
        head=appended.head.link.hex(),
        found_events=found.head.size,
        found_head=found.head.link.hex(),
        reason=reason,
        accepted=tuple(
            Accepted(
                witness=one.witness,
                verdict=one.verdict,
                expected_events=None if one.expected is None else one.expected.size,
                expected_head=None if one.expected is None else one.expected.link.hex(),
            )
            for one in found.disagreements
        ),
    )
