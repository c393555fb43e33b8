"""`main logs`: every attempt to ingest, and how it went."""

from typing import TYPE_CHECKING

import click
import msgspec

from cli.app import exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, ticker_option
from cli.context.params import Span
from cli.render.table import TableColumn
from ledger import ids
from projections.api.faces import to_python
from projections.api.rows import LogEntry
from projections.models import units
from projections.models.ingest_logs import Filter, entries
from projections.models.log_entry import Status

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

STATUSES: tuple[Status, ...] = ("success", "warning", "rejected", "error", "locked", "pending")


class JobIdType(click.ParamType[bytes]):
    """A job's id, with dashes or without."""

    name = "id"

    def convert(self, value: str | bytes, param: click.Parameter | None, ctx: click.Context | None) -> bytes:
        """Return the 16 bytes of the id, or refuse it."""
        if isinstance(value, bytes):
            return value
        try:
            return ids.parse(value)
        except ValueError:
            self.fail(f"got {value!r}, want a job id of 32 hex digits", param, ctx)

    def shell_complete(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        param: click.Parameter,  # noqa: ARG002 - the same
        incomplete: str,
    ) -> "list[CompletionItem]":
        """Return the newest jobs' ids that begin with `incomplete`."""
        # Imported here: only a shell that completes a word needs it.
        from cli.context import completing

        return completing.offered(completing.jobs, incomplete)


@click.command(
    epilog="""\b
Examples:
  main logs --ticker PETR4 --since 2026-02-01 --format json
  main logs --failed --limit 20
  main logs --status error --until 2026-02-15T12:00:00Z
  main logs --job 019c5972-94c0-7a53-83f7-b1d3d9f1a7c2

\b
Exit codes: 0 also when nothing matches, 1 --failed found failures, 2 a damaged ledger, 3 no ledger.
"""
)
@ticker_option.option("Only attempts of this ticker.")
@click.option("--since", type=params.SPAN, help="Only what was recorded on this UTC day, at this time, or later.")
@click.option("--until", type=params.SPAN, help="Only what was recorded on this UTC day, at this time, or before.")
@click.option("--status", type=click.Choice(STATUSES), help="Only attempts that ended so.")
@click.option("--job", "job_id", type=JobIdType(), help="Only attempts of this job.")
@click.option("--failed", is_flag=True, help="Only failures: a job's last attempt, with nothing accepted.")
@click.option("--limit", type=params.COUNT, help="The newest so many.")
@click.option("--offset", type=params.COUNT_OR_NONE, default=0, help="Leave the newest so many out.")
@ledgers.archive_option
@output.style_options
@click.pass_context
def logs(  # noqa: PLR0913 - one parameter an option
    context: click.Context,
    /,
    ticker: str | None,
    since: Span | None,
    until: Span | None,
    status: Status | None,
    job_id: bytes | None,
    *,
    failed: bool,
    limit: int | None,
    offset: int,
    style: Style,
) -> int:
    """List every attempt to ingest and how it went, newest last."""
    if since and until and since.first_us > until.last_us:
        context.fail("got --since after --until, want it on or before")
    wanted = Filter(
        ticker=ticker,
        since=since.first_us if since else None,
        until=until.last_us if until else None,
        status=status,
        job_id=job_id,
        failed=failed,
    )
    none = f"no attempt{f' of {ticker}' if ticker else ''} matches"
    found = ledgers.answered(
        settings.load(), lambda _, view: entries(view.state["ingest_logs"], wanted, limit=limit, offset=offset)
    )
    rows = (to_python(LogEntry, **msgspec.structs.asdict(entry)) for entry in found)
    output.show(rows, style, text=text, table=TABLE, none=none)
    return exits.ended(Exit.WARNING if failed and found else Exit.OK, f"failed attempts: {len(found)}")


def text(one: LogEntry) -> str:
    """Return the entry on one line."""
    asked = "" if one.retry_after is None else f" | retry after {one.retry_after}s"
    return (
        f"{units.second_text(one.started_at)}  {one.ticker:<10}  {one.status:<8}  {_outcome(one)}"
        f" | attempt {one.attempt}{asked} | {one.duration_ms}ms | {one.provider} | job {one.job_id} | seq {one.seq}"
    )


def _outcome(one: LogEntry) -> str:
    rows = f"{one.rows_fetched} rows, {one.accepted} accepted, {one.rejected} rejected"
    return f"{one.error_message or rows}{'' if one.final else ' (not final)'}"


# What a terminal shows, what matters most first.
TABLE: tuple[TableColumn[LogEntry], ...] = (
    TableColumn("STARTED", lambda one: units.second_text(one.started_at)),
    TableColumn("TICKER", lambda one: one.ticker),
    TableColumn("STATUS", lambda one: one.status),
    TableColumn("OUTCOME", _outcome, is_cut=True),
    TableColumn("ATTEMPT", lambda one: one.attempt, is_number=True),
    TableColumn("SEQ", lambda one: one.seq, is_number=True),
    TableColumn("TOOK", lambda one: f"{one.duration_ms}ms", is_number=True),
    TableColumn("RETRY", lambda one: "" if one.retry_after is None else f"{one.retry_after}s", is_number=True),
    TableColumn("PROVIDER", lambda one: one.provider),
    TableColumn("JOB", lambda one: one.job_id),
)
