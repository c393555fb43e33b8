"""The root command: the main job itself, and the table of every other command."""

from typing import Any

import click

from cli.app import group_options, output, version
from cli.app.exit_codes import MEANINGS
from cli.app.lazy_group import Entry, LazyGroup
from cli.commands.ingest.run.options import DEFAULT_JOBS, RunOptions
from cli.context import params

COMMANDS: tuple[Entry, ...] = (
    Entry(
        "metrics",
        "cli.commands.status.metrics.command:metrics",
        "Say how each ticker's ingest goes, and how late it is.",
    ),
    Entry("logs", "cli.commands.status.logs.command:logs", "List every attempt to ingest and how it went."),
    Entry("health", "cli.commands.status.health.command:health", "Say how the ledger is and who is at work on it."),
    Entry("test-conn", "cli.commands.ingest.test_conn:test_conn", "Ask a provider whether it answers, and how fast."),
    Entry(
        "snapshot",
        "cli.commands.trust.snapshot:snapshot",
        "Print a snapshot from recorded events, or check those written.",
    ),
    Entry(
        "verify",
        "cli.commands.trust.verify.command:verify",
        "Re-hash every event; hold the head against all that remember it.",
    ),
    Entry(
        "accept-head",
        "cli.commands.trust.accept_head:accept_head",
        "Go on after a rollback or fork was found, on the record.",
    ),
    Entry("backup", "cli.commands.trust.backup.command:backup", "Make, check, list and restore backups."),
    Entry("salvage", "cli.commands.trust.salvage:salvage", "Save what is intact of a damaged ledger or archive."),
    Entry("replay", "cli.commands.trust.replay:replay", "Fold the log in memory; print each projection's digest."),
    Entry("rebuild", "cli.commands.trust.rebuild:rebuild", "Build the stored projections again, or check them."),
    Entry("key", "cli.commands.proof.key:key", "Make the key that signs checkpoints; print what others need of it."),
    Entry(
        "checkpoint",
        "cli.commands.proof.checkpoint.command:checkpoint",
        "Sign the head for whoever keeps it elsewhere.",
    ),
    Entry("prove", "cli.commands.proof.prove.command:prove", "Prove that an event or a price is in the signed log."),
    Entry("rules", "cli.commands.evidence.rules:rules", "Print the rules that every answer is judged by."),
    Entry(
        "prices",
        "cli.commands.prices.prices.command:prices",
        "Print prices, now or as they were known then; adjusted too.",
    ),
    Entry("revisions", "cli.commands.prices.revisions:revisions", "Print what changed in the prices, when and why."),
    Entry("diff", "cli.commands.prices.diff:diff", "Hold a ticker's prices at two positions against each other."),
    Entry("actions", "cli.commands.prices.actions:actions", "Print dividends and splits, and what became of them."),
    Entry("gaps", "cli.commands.prices.gaps:gaps", "Print the sessions that are missing."),
    Entry("why", "cli.commands.evidence.why:why", "Print where one session's row comes from, down to the raw answer."),
    Entry(
        "validation",
        "cli.commands.evidence.validation.command:validation",
        "Print what the rules said of a ticker's answers.",
    ),
    Entry(
        "validate",
        "cli.commands.evidence.validate.command:validate",
        "Hold a CSV of bars to the rules, without a ledger.",
    ),
    Entry("events", "cli.commands.evidence.events.command:events", "Browse the log; show one event whole."),
    Entry(
        "import-cotahist",
        "cli.commands.ingest.import_cotahist.command:import_cotahist",
        "Import the exchange's own files of daily prices.",
    ),
    Entry("compare", "cli.commands.prices.compare.command:compare", "Hold one provider's prices against another's."),
    Entry("export", "cli.commands.prices.export.command:export", "Write the whole ledger as Parquet or CSV files."),
    Entry(
        "plot", "cli.commands.prices.plot.command:plot", "Draw a ticker's close and volume, with what happened to them."
    ),
    Entry("config", "cli.commands.status.config:config", "Print the settings in force and where each comes from."),
)

EXAMPLES = """\b
Examples:
  main --no-network --ticker PETR4.SA      try it: no network, no setup
  main --ticker PETR4.SA --ticker VALE3    fetch, validate, record, write snapshots
  main --tickers-file carteira.txt --jobs 8 --format json
  main --ticker PETR4.SA --dry-run         fetch and judge, write nothing
"""

EXIT_CODES = (
    "\b\nExit codes, of every command:\n"
    + "".join(f"  {code:<4} {meaning}\n" for code, meaning in MEANINGS)
    + """
\b
A run exits 1 when some tickers failed, were locked or had rows rejected,
2 when all failed or one was rejected, 3 when the only ticker was locked.
"""
)

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(
    cls=LazyGroup,
    entries=COMMANDS,
    invoke_without_command=True,
    context_settings=CONTEXT,
    subcommand_metavar="[COMMAND [ARGS]...]",
    epilog=f"{EXAMPLES}\n{EXIT_CODES}",
)
@click.option("--ticker", "tickers", type=params.TICKER, multiple=True, help="A B3 code or an index; may be repeated.")
@click.option("--tickers-file", type=params.TICKERS_FILE, default=(), help="A file of tickers, one a line.")
@click.option(
    "--provider", type=params.PROVIDER, default=params.DEFAULT_PROVIDER, show_default=True, help="Whom to ask."
)
@click.option("--start", type=params.DATE, help="First day to ask for, instead of what is new.")
@click.option("--end", type=params.DATE, help="Last day to ask for.  [default: today]")
@click.option("--max-days", type=click.IntRange(min=1), help="Ask for this many days back, instead of what is new.")
@click.option("--force-refresh", is_flag=True, help="Ask for the whole window again (two years).")
@click.option("--dry-run", is_flag=True, help="Fetch and judge; write nothing at all.")
@click.option("--no-network", is_flag=True, help="Open no socket: replay the ledger, else the sample.")
@click.option("--jobs", type=click.IntRange(1, 64), default=DEFAULT_JOBS, show_default=True, help="Tickers at a time.")
@click.option("--must-exist", is_flag=True, help="Refuse to create a ledger (for cron).")
@output.style_options
@version.option
@click.pass_context
def root(context: click.Context, /, **given: Any) -> int | None:
    """Fetch daily prices of B3 tickers into an append-only, hash-chained ledger.

    Each run fetches what is new, validates it, appends it, and writes
    snapshots/TICKER-YYYYMMDD.csv with its .checksum. Running it again is safe.
    """
    if context.invoked_subcommand is not None:
        group_options.refuse(context)
        return None
    options = _run_options(context, given)
    # The job brings the log and the projections along: only a run pays for them.
    from cli.app import settings
    from cli.commands.ingest.run import command as run

    return run.run(settings.load(), options)


def _run_options(context: click.Context, given: dict[str, Any]) -> RunOptions:
    tickers = tuple(dict.fromkeys((*given.pop("tickers"), *given.pop("tickers_file"))))
    if not tickers:
        output.say(context.get_usage())
        context.fail(f"got nothing to do, want --ticker or a command ({', '.join(entry.name for entry in COMMANDS)})")
    options = RunOptions(tickers=tickers, **given)
    _check_window(context, options)
    if options.no_network:
        _check_no_network(context)
    return options


def _check_window(context: click.Context, options: RunOptions) -> None:
    if options.start and options.end and options.start > options.end:
        context.fail(f"got --start {options.start} after --end {options.end}, want it on or before")
    if options.start and options.max_days:
        context.fail("got --start and --max-days, want one of them")


def _check_no_network(context: click.Context) -> None:
    for name in ("force_refresh", "start", "end", "max_days"):
        if group_options.is_given(context, name):
            context.fail(f"got --{name.replace('_', '-')} with --no-network, want a run that may fetch")
