"""`main events` and `main events show`: the log itself, event by event."""

from datetime import date

import click

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.evidence.events import row, search
from cli.commands.evidence.events.search import Wanted
from cli.context import ledgers, params
from ledger.chain import Record
from ledger.codec import UPCASTERS, decode_envelope, decode_event
from ledger.events import EVENT_TYPES, FetchFailed, FetchSucceeded
from ledger.log_source import LogSource

TAGS = (*EVENT_TYPES, *UPCASTERS)


@click.group(
    invoke_without_command=True,
    subcommand_metavar="[show SEQ]",
    epilog="""\b
Examples:
  main events --limit 20
  main events --ticker PETR4 --type fetch.failed --since 2026-02-01 --format json
  main events show 12
  main events show 12 --raw | python -m json.tool

\b
Exit codes: 0 also when nothing matches, 2 a damaged ledger, 3 no ledger.
""",
)
@click.option("--ticker", type=params.TICKER, help="Only events of this ticker.")
@click.option("--type", "tag", help="Only events of this type: fetch, fetch.failed, or fetch.failed/1.")
@click.option("--since", type=params.DATE, help="Only events recorded on this UTC day or later.")
@click.option("--limit", type=click.IntRange(min=1), help="The newest so many.")
@ledgers.archive_option
@output.style_options
@click.pass_context
def events(
    context: click.Context, /, ticker: str | None, tag: str | None, since: date | None, limit: int | None, style: Style
) -> int | None:
    """Browse the log: one line an event, newest last."""
    if context.invoked_subcommand is not None:
        return None
    wanted = Wanted(types=_tags(context, tag), ticker=ticker, since=since, limit=limit)
    with ledgers.reading(settings.load()) as log:
        output.show(map(row.row, search.find(log, wanted)), style, text=row.line)
    return Exit.OK


@events.command(
    epilog="""\b
Examples:
  main events show 0
  main events show 12 --raw > answer.json

\b
Exit codes: 0 shown, 2 a damaged ledger, 3 no such event, or --raw where no provider answered.
"""
)
@click.argument("seq", type=click.IntRange(min=0))
@click.option("--raw", is_flag=True, help="The provider's answer, byte for byte, and nothing else.")
@ledgers.archive_option
@output.style_options
@click.pass_context
def show(context: click.Context, /, seq: int, *, raw: bool, style: Style) -> int:
    """Print one event whole, or the provider's answer that it keeps."""
    with ledgers.reading(settings.load()) as log:
        record = _record(context, log, seq)
    if raw:
        output.raw(_answer(context, record))
    else:
        output.show([row.row(record)], style, text=row.page)
    return Exit.OK


def _tags(context: click.Context, asked: str | None) -> frozenset[str] | None:
    """Return the tags that `asked` names: one, every version of one, or a whole family."""
    if asked is None:
        return None
    tags = frozenset(tag for tag in TAGS if asked in {tag, tag.partition("/")[0], tag.partition(".")[0]})
    if not tags:
        context.fail(f"got type {asked!r}, want one of {', '.join(sorted(TAGS))}")
    return tags


def _record(context: click.Context, log: LogSource, seq: int) -> Record:
    size = log.head().size
    if seq >= size:
        context.fail(f"got seq {seq}, want one below {size}")
    (record,) = log.read(seq, seq + 1)
    return record


def _answer(context: click.Context, record: Record) -> bytes:
    event = decode_event(decode_envelope(record.seq, record.body))
    kept = event.answer if isinstance(event, FetchSucceeded | FetchFailed) else None
    if kept is None:
        context.fail(f"got {event.TAG} at seq {record.seq}, want an event that keeps a provider's answer")
    # Imported here: a listing of events hashes nothing.
    from ledger.ingest.providers.evidence import proven_body

    return proven_body(record.seq, kept)
