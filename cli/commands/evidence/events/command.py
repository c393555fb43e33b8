"""`main events` and `main events show`: the log itself, event by event."""

from typing import Any

import click
from click.core import ParameterSource

from cli.app import output, settings
from cli.app.errors import NoSuchEventError
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.commands.evidence.events import row, search
from cli.commands.evidence.events.search import Wanted
from cli.context import ledgers, params, ticker_option
from ledger.codec import UPCASTERS, decode_envelope, decode_event
from ledger.events import EVENT_TYPES, FetchFailed, FetchSucceeded
from ledger.log_source import sound
from ledger.store.event_log import EventLog

TAGS = (*EVENT_TYPES, *UPCASTERS)
TYPES = tuple(dict.fromkeys(tag.partition("/")[0] for tag in TAGS))


@click.group(
    cls=ticker_option.TickerGroup,
    invoke_without_command=True,
    subcommand_metavar="[show SEQ]",
    epilog="""\b
Examples:
  main events --limit 20
  main events --ticker PETR4 --type fetch.failed --since 2026-02-01 --format json
  main events --follow --since 120 | python consumer.py
  main events show 12
  main events show 12 --raw | python -m json.tool

\b
Exit codes: 0 also when nothing matches, 2 a damaged ledger, 3 no ledger.
""",
)
@click.option("--ticker", type=params.TICKER, help="Only events of this ticker.")
@click.option(
    "--type",
    "tag",
    shell_complete=lambda _context, _parameter, incomplete: [one for one in TYPES if one.startswith(incomplete)],
    help="Only events of this type: fetch, fetch.failed, or fetch.failed/1.",
)
@click.option("--since", type=params.SINCE, help="Only events from this seq, UTC day or time on.")
@click.option("--limit", type=params.COUNT, help="The newest so many.")
@click.option("--follow", "following", is_flag=True, help="Go on with what is appended, as JSON unless --format says.")
@ledgers.archive_option
@output.style_options
@click.pass_context
def events(context: click.Context, /, tag: str | None, *, following: bool, style: Style, **given: Any) -> int | None:
    """Browse the log: one line an event, newest last.

    With --follow it goes on until Ctrl-C, or until nobody reads: from --since on, else from now on. After a restore
    it goes on in the restored ledger, and says so on stderr.
    """
    if context.invoked_subcommand is not None:
        return None
    # A tag, every version of one, or a whole family.
    types = (
        None
        if tag is None
        else frozenset(one for one in TAGS if tag in {one, one.partition("/")[0], one.partition(".")[0]})
    )
    if types is not None and not types:
        context.fail(f"got type {tag!r}, want one of {', '.join(sorted(TAGS))}")
    wanted = Wanted(types=types, **given)
    if following:
        _follow(context, wanted, style)
        return Exit.OK
    with ledgers.reading(settings.load()) as log:
        output.show(
            map(row.row, search.find(log, wanted)),
            style,
            text=row.line,
            none=f"no event{f' of {wanted.ticker}' if wanted.ticker else ''} matches",
        )
    return Exit.OK


def _follow(context: click.Context, wanted: Wanted, style: Style) -> None:
    """Print what is appended, until nobody reads it."""
    # Imported here: only who follows waits.
    from cli.commands.evidence.events.following import follow

    if wanted.limit is not None or ledgers.archive_given() is not None:
        context.fail("got --follow with --limit or --ledger, want the ledger in use, which grows")
    if context.get_parameter_source("style") is ParameterSource.DEFAULT and style == Style():
        style = Style("json")
    given = settings.load()
    home = ledgers.active(given).home
    found = follow(home, lambda: EventLog(home, now=lambda: 0, readonly=True), wanted)
    output.show(map(row.row, found), style, text=row.line, live=True, none="")


@events.command(
    epilog="""\b
Examples:
  main events show 0
  main events show 12 --raw > answer.json

\b
Exit codes: 0 shown, 2 a damaged ledger, 3 no such event, or --raw where no provider answered.
"""
)
@click.argument("seq", type=click.IntRange(0, params.SEQ_MAX))
@click.option("--raw", is_flag=True, help="The provider's answer, byte for byte, and nothing else.")
@ledgers.archive_option
@output.style_options
@click.pass_context
def show(context: click.Context, /, seq: int, *, raw: bool, style: Style) -> int:
    """Print one event whole, or the provider's answer that it keeps."""
    with ledgers.reading(settings.load()) as log:
        size = log.head().size
        if seq >= size:
            raise NoSuchEventError(seq, size=size)
        (record,) = sound(log, seq, seq + 1)
    if not raw:
        output.show([row.row(record)], style, text=row.page)
        return Exit.OK
    event = decode_event(decode_envelope(seq, record.body))
    kept = event.answer if isinstance(event, FetchSucceeded | FetchFailed) else None
    if kept is None:
        context.fail(f"got {event.TAG} at seq {seq}, want an event that keeps a provider's answer")
    # Imported here: a listing of events hashes nothing.
    from ledger.ingest.providers.evidence import proven_body

    output.raw(proven_body(seq, kept))
    return Exit.OK
