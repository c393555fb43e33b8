"""`main import-actions`: corporate actions that a person brings, into the ledger."""

from pathlib import Path

import click

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.logging_setup import Logged
from cli.app.output import Style
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.ingest import file_import
from cli.commands.ingest.import_actions import row as import_row
from cli.commands.ingest.import_actions.worker import ActionsImportOptions, ActionsWorker
from cli.context import clock_option, first_ledger, params


@click.command(
    "import-actions",
    epilog="""\b
Examples:
  main import-actions proventos.csv
  main import-actions proventos.csv --dry-run --format json
  main import-actions PETR.json PETR-caixa-1.json PETR-caixa-2.json VALE.json VALE-caixa-1.json

\b
proventos.csv has a header that names its columns, in any order, and an action per line:
  ticker,ex_date,kind,amount,ratio,com_date,pay_date,isin,label,strike,reason
  ITUB4,2025-03-19,bonus,,11:10,2025-03-18,,,BONIFICACAO,,absent from the exchange's list
  PETR4,2024-12-26,dividend,1.32820661,,,,,,,three payments of one day
  MGLU3,2024-02-01,subscription,,0.095790177529:1,,,,,1.95,notice of 2024-01-30
  PETR4,2023-05-09,dividend,,,,,,withdrawn,,filed twice by the daily provider

\b
ticker, ex_date, kind and reason are needed. kind: dividend, interest_on_capital, income,
amortization, capital_gain (amount), split, bonus, grouping (ratio after:before), subscription
(ratio new:held, strike), spin_off, redemption (amount, the value of what was delivered, where it is
known; a spin_off of 0 names a change of rights that gave nothing).
Amounts are reais per share as it was traded, gross, of up to 12 decimal places.
A line labelled withdrawn, with no amount, ratio or strike, says that nothing of that kind is on
that day, whoever says otherwise. The newest file decides on each day and kind that it names.

\b
The exchange's own JSON as it was saved: a company's supplement (GetListedSupplementCompany), and
after it the pages of its history of cash (GetListedCashDividends); of each class of share that
they name. A fund's events (GetEventsCorporateActions) and a BDR's supplement
(GetListedSupplementBDR) too. main --provider b3 --ticker PETR4 (KNRI11, AAPL34) asks for the same.

\b
Exit codes: 1 a file was refused, or an action flagged; 2 every file was refused; 3 another job is
at work on a ticker of it.
""",
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=params.EXISTING_FILE)
@click.option("--dry-run", is_flag=True, help="Read and judge; write nothing at all.")
@click.option("--must-exist", is_flag=True, help="Refuse to create a ledger (for cron).")
@clock_option.option
@output.style_options
def import_actions(files: tuple[Path, ...], *, dry_run: bool, must_exist: bool, style: Style) -> int:
    """Import corporate actions from a person's CSV, each with its reason, or from the exchange's JSON.

    Every file is read whole before anything of it is appended: first its lines as evidence, then
    the decision over them. The same file twice appends nothing.
    """
    return run(settings.load(), ActionsImportOptions(files, dry_run=dry_run, must_exist=must_exist), style)


def run(in_force: Settings, options: ActionsImportOptions, style: Style) -> Exit:
    """Import file by file, print a row each, and return the exit code."""
    die_with_parent()
    with first_ledger.importing(in_force, dry_run=options.dry_run, must_exist=options.must_exist) as ledger:
        worker = ActionsWorker(ledger, options=options, settings=in_force, observer=Logged(in_force))
        rows = output.report_done(map(worker.work, worker.groups()), style, text=import_row.text)
    for row in rows:
        for line in file_import.complaint(row, import_row.looks_due):
            output.say(line)
    return import_row.exit_code(rows, unable=worker.unable)
