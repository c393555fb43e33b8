"""`main validation`: what the rules found in a ticker's answers, decision by decision."""

import click

from cli.app import exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.evidence.validation import row
from cli.commands.status.logs.command import JobIdType
from cli.context import ledgers, params, series_option, ticker_option
from ledger.codec import decode_as, decode_envelope
from ledger.errors import NothingToShowError
from ledger.events import ValidationCompleted
from ledger.log_source import LogSource
from ledger.values import Verdict
from projections.models.decisions import decisions
from projections.store.store import View

EXITS: dict[Verdict, Exit] = {"warning": Exit.WARNING, "rejected": Exit.CRITICAL}


@click.command(
    epilog="""\b
Examples:
  main validation --ticker ITUB4
  main validation --ticker ITUB4 --limit 1 --format json
  main validation --ticker ITUB4 --job 019c5972-94c0-7a53-83f7-b1d3d9f1a7c2 --format csv

\b
Exit codes: those of the newest decision shown. 0 all is accepted, 1 some rows were rejected, flagged or
withdrawn, 2 the whole answer was rejected; 3 no decision.
"""
)
@ticker_option.option("Whose answers.", required=True)
@click.option("--job", "job_id", type=JobIdType(), help="Only decisions of this job.")
@click.option("--limit", type=params.COUNT, help="The newest so many.")
@series_option.source_option
@ledgers.archive_option
@output.csv_style_options
def validation(ticker: str, job_id: bytes | None, limit: int | None, source: str | None, style: Style) -> int:
    """Print what the rules said of each answer, newest last: accepted, rejected, flagged, warned of.

    main rules says what each rule is.
    """

    def said(log: LogSource, view: View) -> list[row.DecisionRow]:
        series = series_option.judged(view.state, ticker, source)
        seqs = [decision.seq for decision in decisions(view.state["prices"], series)]
        found = []
        for seq in seqs if job_id is not None or limit is None else seqs[-limit:]:
            (record,) = log.read(seq, seq + 1)
            envelope = decode_envelope(seq, record.body)
            if job_id is None or envelope.job_id == job_id:
                found.append(row.row(envelope, decode_as(envelope, ValidationCompleted)))
        return found

    found = ledgers.answered(settings.load(), said)
    found = found if limit is None else found[-limit:]
    if not found:
        raise NothingToShowError(f"no decision over {ticker} of that job", wanted="at least one")
    output.give(output.rendered(found, style, row.LAYOUT))
    last = found[-1]
    return exits.ended(EXITS.get(last.verdict, Exit.OK), row.why(last))
