"""An ingest log entry as it is printed: the eleven fields that operators know, then the rest. Pure."""

import msgspec

from cli.render import times
from ledger import ids
from ledger.events import ErrorKind
from projections.models.log_entry import Entry, Status


class LogRow(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt. `retry_after` is seconds; `final` is false where another attempt of the job took its place.

    `accepted`, `rejected` and `flagged` are rows; `seq` is the event's, `recorded_at` when the log took it.
    """

    ticker: str
    job_id: str
    started_at: str
    finished_at: str
    rows_fetched: int
    status: Status
    error_message: str | None
    duration_ms: int
    provider: str
    attempt: int
    retry_after: int | None
    final: bool
    error_kind: ErrorKind | None
    status_code: int | None
    accepted: int
    rejected: int
    flagged: int
    superseded: bool
    seq: int
    recorded_at: str


def row(entry: Entry) -> LogRow:
    """Return what is printed of an entry."""
    fields = msgspec.structs.asdict(entry)
    written = {
        "job_id": ids.text(entry.job_id),
        "started_at": times.text(entry.started_at),
        "finished_at": times.text(entry.finished_at),
        "recorded_at": times.exact(entry.recorded_at),
    }
    return LogRow(**{**fields, **written})


def text(one: LogRow) -> str:
    """Return the entry on one line."""
    rows = f"{one.rows_fetched} rows, {one.accepted} accepted, {one.rejected} rejected"
    told = one.error_message or rows
    retried = "" if one.final else " (not final)"
    asked = "" if one.retry_after is None else f" | retry after {one.retry_after}s"
    return (
        f"{one.started_at}  {one.ticker:<10}  {one.status:<8}  {told}{retried}"
        f" | attempt {one.attempt}{asked} | {one.duration_ms}ms | {one.provider} | job {one.job_id} | seq {one.seq}"
    )
