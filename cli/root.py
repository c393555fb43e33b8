"""The root command: the main job itself, and the table of every other command."""

from typing import Any

import click

from cli.app import group_options, habits, output, version
from cli.app.exit_codes import MEANINGS
from cli.app.lazy_group import CommandEntry, LazyGroup
from cli.commands.ingest.run.options import DEFAULT_JOBS, RunOptions
from cli.context import clock_option, params, sample

# A row per command, by the folders of `cli/commands`: its name, its module there, and its summary in `main --help`.
_TABLE = (
    ("test-conn", "ingest.test_conn", "Ask a provider whether it answers, and how fast."),
    ("import-cotahist", "ingest.import_cotahist.command", "Import the exchange's own files of daily prices."),
    ("import-actions", "ingest.import_actions.command", "Import dividends, splits and the like that a person brings."),
    ("retire", "ingest.retire", "Record that a ticker's series ended, or goes on under another code."),
    ("metrics", "status.metrics.command", "Say how each ticker's ingest goes, and how late it is."),
    ("logs", "status.logs.command", "List every attempt to ingest and how it went."),
    ("health", "status.health.command", "Say how the ledger is and who is at work on it."),
    ("alerts", "status.alerts.command", "Say what is wrong now; tell others when it begins and ends."),
    ("report", "status.report.command", "Write one page of it all, for operator, analyst and auditor."),
    ("config", "status.config", "Print the settings in force and where each comes from."),
    ("prices", "prices.prices.command", "Print prices, now or as they were known then; adjusted too."),
    ("revisions", "prices.revisions", "Print what changed in the prices, when and why."),
    ("diff", "prices.diff", "Hold a ticker's prices at two positions against each other."),
    ("actions", "prices.actions", "Print dividends and splits, and what became of them."),
    ("returns", "prices.returns", "Print what tickers gained, by price alone and with all that they paid."),
    ("gaps", "prices.gaps", "Print the sessions that are missing."),
    ("compare", "prices.compare.command", "Hold one provider's prices against another's."),
    ("export", "prices.export.command", "Write the whole ledger as Parquet or CSV files."),
    ("sql", "prices.sql.command", "Ask it in SQL, as of any position: one SELECT, no file, no network."),
    ("plot", "prices.plot.command", "Draw a ticker's close and volume, with what happened to them."),
    ("market", "market.market", "Print every instrument of one session."),
    ("instruments", "market.instruments", "Print what was listed when, under which code and class."),
    ("options", "market.options", "Print the option chain of a paper in one session."),
    ("rules", "evidence.rules", "Print the rules that every answer is judged by."),
    ("why", "evidence.why", "Print where one session's row comes from, down to the raw answer."),
    ("validation", "evidence.validation.command", "Print what the rules said of a ticker's answers."),
    ("validate", "evidence.validate.command", "Hold a CSV of bars to the rules, without a ledger."),
    ("events", "evidence.events.command", "Browse the log; show one event whole."),
    ("snapshot", "trust.snapshot", "Print a snapshot from recorded events, or check those written."),
    ("verify", "trust.verify.command", "Re-hash every event; hold the head against all that remember it."),
    ("audit", "trust.audit", "Derive every decision again from the raw answers, and compare."),
    ("accept-head", "trust.accept_head", "Go on after a rollback or fork was found, on the record."),
    ("backup", "trust.backup.command", "Make, check, list and restore backups."),
    ("salvage", "trust.salvage", "Save what is intact of a damaged ledger or archive."),
    ("replay", "trust.replay", "Fold the log aside; print each projection's digest."),
    ("rebuild", "trust.rebuild", "Build the stored projections again, or check them."),
    ("key", "proof.key", "Make the key that signs checkpoints; print what others need of it."),
    ("checkpoint", "proof.checkpoint.command", "Sign the head for whoever keeps it elsewhere."),
    ("prove", "proof.prove.command", "Prove that an event or a price is in the signed log."),
    ("help", "guide.help", "Show the help of a command."),
    ("version", "guide.version", "Print the version."),
    ("completion", "guide.completion", "Print what makes a shell complete commands, tickers and more."),
)

# The groups of `main --help`, by folder of `cli/commands`; each lists its commands in the table's order.
_GROUPS = {
    "ingest": "Fetch and import",
    "status": "Watch",
    "prices": "Prices",
    "market": "The whole exchange",
    "evidence": "Where numbers come from",
    "trust": "Check, back up and repair",
    "proof": "Prove to others",
    "guide": "This program",
}

COMMANDS = tuple(
    CommandEntry(name, f"cli.commands.{module}", summary, group)
    for folder, group in _GROUPS.items()
    for name, module, summary in _TABLE
    if module.partition(".")[0] == folder
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
@click.option(
    "--tickers-file", type=params.TICKERS_FILE, default=(), help="A file of tickers, one a line; without retired ones."
)
@click.option(
    "--provider", type=params.PROVIDER, default=params.DEFAULT_PROVIDER, show_default=True, help="Whom to ask."
)
@click.option("--start", type=params.DATE, help="First day to ask for, instead of what is new.")
@click.option("--end", type=params.DATE, help="Last day to ask for.  [default: today]")
@click.option("--max-days", type=params.DAYS, help="Ask for this many days back, instead of what is new.")
@click.option("--force-refresh", is_flag=True, help="Ask for the whole window again (two years).")
@click.option("--dry-run", is_flag=True, help="Fetch and judge; write nothing at all.")
@click.option("--no-network", is_flag=True, help="Open no socket: replay the ledger, else the sample.")
@click.option("--jobs", type=click.IntRange(1, 64), default=DEFAULT_JOBS, show_default=True, help="Tickers at a time.")
@click.option("--must-exist", is_flag=True, help="Refuse to create a ledger (for cron).")
@clock_option.option
@sample.option
@habits.options
@output.style_options
@version.option
@click.pass_context
def root(context: click.Context, /, **given: Any) -> int | None:
    """Fetch daily prices of B3 tickers into an append-only, hash-chained ledger.

    Each run fetches what is new, validates it, appends it, and writes
    snapshots/TICKER-YYYYMMDD.csv with its .checksum. Running it again is safe.
    """
    if context.invoked_subcommand is not None:
        group_options.refuse(context, but=habits.BEFORE_A_COMMAND)
        return None
    if not any(group_options.is_given(context, one.name) for one in context.command.params if one.expose_value):
        output.raw(f"{context.get_help()}\n".encode())
        return None
    options = _run_options(context, given)
    # The job imports the log and the projections: only a run pays for them.
    from cli.app import settings
    from cli.commands.ingest.run import command as run

    return run.run(settings.load(), options)


def _run_options(context: click.Context, given: dict[str, Any]) -> RunOptions:
    """Return the options of the main job, or refuse those that contradict each other."""
    named, listed = given.pop("tickers"), given.pop("tickers_file")
    tickers = tuple(dict.fromkeys((*named, *listed)))
    if not tickers:
        context.fail("got no ticker, want --ticker, --tickers-file or a command")
    options = RunOptions(tickers=tickers, listed=frozenset(listed).difference(named), **given)
    params.refuse_backwards(context, options.start, options.end)
    if options.start:
        from cli.app import clock, settings
        from ledger.market import sessions

        today = sessions.trading_day(clock.now_us(settings.load(), reading=True))
        if options.start > today:
            context.fail(f"got --start {options.start} after today, want {today} or before")
    if options.start and options.max_days:
        context.fail("got --start and --max-days, want one of them")
    if options.no_network:
        for name in ("force_refresh", "start", "end", "max_days"):
            if group_options.is_given(context, name):
                context.fail(f"got --{name.replace('_', '-')} with --no-network, want a run that may fetch")
    return options
