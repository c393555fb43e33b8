"""`main prove`: that an event, or the price of a day, is in the log that was signed; and the check of such a proof."""

from datetime import date
from typing import Any

import click

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.proof.keys import VERIFIER_KEY
from cli.commands.proof.prove.row import Session, proof_text, proven_text
from cli.context import ledgers, params, series_option

FILE = params.FILE


@click.command(
    epilog="""\b
Examples:
  main prove 12 --out 12.tlog-proof
  main prove --ticker PETR4 --date 2026-02-13 --out PETR4-20260213.tlog-proof
  main prove --check PETR4-20260213.tlog-proof --key 'b3-ledger/…+…+…'
  main prove --check PETR4-20260213.tlog-proof --key vkey.txt --ticker PETR4 --date 2026-02-13

\b
A proof says that the event was recorded at that seq, and nothing of later revisions: main why shows those.

\b
Exit codes: 0 made, or it holds; 2 it does not hold, or the log is not the one that was signed;
3 no ledger, no such event or file, or no checkpoint that covers the event.
"""
)
@click.argument("seq", type=click.IntRange(min=0), required=False)
@click.option("--ticker", type=params.TICKER, help="Prove a price: whose.")
@click.option("--date", "day", type=params.DATE, help="Prove a price: of which session.")
@series_option.source_option
@click.option("--body", is_flag=True, help="Put the event itself into the proof; a price's is always there.")
@click.option(
    "--checkpoint", type=params.FILE_OR_URL, help="Under this checkpoint.  [default: the newest one recorded]"
)
@click.option("--out", type=params.OUT_FILE, help="Write the proof to this file.  [default: print it]")
@click.option("--check", type=FILE, help="Check this proof instead; it needs no ledger.")
@click.option("--key", type=VERIFIER_KEY, help="With --check: who must have signed, or a file that holds that key.")
@ledgers.archive_option
@output.style_options
@click.pass_context
def prove(
    context: click.Context,
    /,
    style: Style,
    seq: int | None,
    ticker: str | None,
    day: date | None,
    **given: Any,
) -> int:
    """Prove that an event is in the log that was signed, or check such a proof."""
    session = _session(context, ticker, day)
    check, key = given["check"], given["key"]
    if check is not None:
        if seq is not None or any(given[name] for name in ("body", "checkpoint", "out", "source")):
            context.fail(
                "got more than a proof to check, want --check and --key, --ticker and --date, --ledger at most"
            )
        if key is None:
            context.fail("got --check without a key, want --key VKEY, as main key show prints it")
        from cli.commands.proof.prove.checking import checked

        output.report([checked(check, key, session, settings.load())], style, text=proven_text)
        return Exit.OK
    if key is not None:
        context.fail("got --key without --check, want both or neither")
    if (seq is None) == (session is None):
        context.fail("got not one thing to prove, want SEQ, or --ticker and --date")
    from cli.commands.proof.prove.making import ProofSubject, made

    wanted = ProofSubject(
        seq=seq, session=session, **{name: given[name] for name in ("source", "body", "checkpoint", "out")}
    )
    with output.still_working("proving …"):
        row = made(wanted, settings.load())
    # The proof is lines of our own: of the row that is handed back, each end of a line would be escaped.
    put = output.show if given["out"] is None else output.report
    put([row], style, text=lambda one: proof_text(one, row.proof))
    if session is not None:
        output.say(f"hint: main prove {row.cause} proves the answer that it was decided on")
    return Exit.OK


def _session(context: click.Context, ticker: str | None, day: date | None) -> Session | None:
    if ticker is None and day is None:
        return None
    if ticker is None or day is None:
        context.fail("got --ticker or --date alone, want both")
    return Session(ticker, day)
