"""What an import prints of each file, and the exit code that the rows add up to. Pure."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from cli.app.exit_codes import Exit
from cli.commands.ingest import file_import
from cli.commands.ingest.file_import import FileRun
from ledger.errors import CotahistError, LedgerError, TickerLockError
from ledger.ingest.plan import JobStatus
from ledger.ingest.providers.cotahist import DESCRIPTION
from ledger.ingest.providers.cotahist.importing import Imported
from ledger.ingest.providers.cotahist.intake import Contents
from ledger.ingest.providers.port import DownloadError, NotFinalError
from projections.models.log_entry import rejected_rows

KINDS: dict[type[LedgerError], str] = {
    TickerLockError: "locked",
    CotahistError: "bad-answer",
    NotFinalError: "not-final",
}
# The fields of a row that are sums over its file's tickers.
COUNTS = (
    *("added", "revised", "unchanged", "rejected", "repeated", "tickers_rejected", "tickers_failed"),
    *("flagged", "withdrawn", "partial", "warned", "rows_refused", "rows_repeated", "rows_failed", "duplicates"),
    "outranked",
)
# Counts for which a person should look at a file, by the names that `text` prints.
DUE = frozenset(
    {"rejected", "tickers rejected", "tickers that could not be judged", "flagged", "withdrawn", "not final yet"}
)
CODES_SHOWN_MAX = 10
REFUSED_SHOWN_MAX = 10  # unless all are asked for


class Refusal(msgspec.Struct, frozen=True):
    """What of a file was refused: under which code or ticker, how many records, and why."""

    name: str
    records: int
    reason: str


class ImportRow(msgspec.Struct, frozen=True, kw_only=True):
    """One file's import.

    Each of `records`, the file's quotes, is in one count: `outside` were not asked for; `skipped` are of no series,
    some of their codes `skipped_codes`; of `tickers`, `repeated` were imported from this very file before
    (`rows_repeated`), `tickers_rejected` were rejected whole (`rows_refused`), `tickers_failed` could not be judged
    (`rows_failed`). Of the others, `added`, `revised`, `unchanged`, `outranked`, `partial` and `rejected` count
    sessions, and `duplicates` records that repeat one's; the `outranked` stay as a younger file has them.
    `flagged` and `warned` are findings, `withdrawn` sessions that the file lacks, `lacking` tickers that are held in
    its days and that it lacks altogether; `retired` are old series under codes that the file has apart, recorded as
    ended. `refused` names what was refused, the first 10 or all of it. `seq` is the last event.
    """

    file: str
    sha256: str | None
    records: int
    tickers: int
    added: int
    revised: int
    unchanged: int
    rejected: int
    skipped: int
    status: JobStatus
    elapsed_sec: float
    job_id: str
    provider: str
    repeated: int = 0
    tickers_rejected: int = 0
    tickers_failed: int = 0
    flagged: int = 0
    withdrawn: int = 0
    partial: int = 0
    warned: int = 0
    rows_refused: int = 0
    rows_repeated: int = 0
    rows_failed: int = 0
    duplicates: int = 0
    outranked: int = 0
    lacking: int = 0
    retired: int = 0
    outside: int = 0
    skipped_codes: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    lacking_tickers: tuple[str, ...] = ()
    first_date: str | None = None
    last_date: str | None = None
    seq: int | None = None
    head: str | None = None
    created: bool | UnsetType = UNSET  # true when this run created the ledger
    ledger: str | UnsetType = UNSET  # its absolute path, then
    error_kind: str | UnsetType = UNSET
    error_message: str | UnsetType = UNSET
    hint: str | UnsetType = UNSET


class ImportedFile(msgspec.Struct, frozen=True):
    """What came of a file that was read whole: the counts of its tickers, the last event, and what it says of others.

    `lacking` are held in its days and not in it, `retired` old series that it has apart.
    """

    contents: Contents
    total: Mapping[str, int]
    seq: int | None = None
    lacking: tuple[str, ...] = ()
    retired: int = 0


def counts(imported: Imported) -> dict[str, int]:
    """Return what one ticker adds to its file's counts."""
    decision, records = imported.decision, imported.records
    if imported.error is not None:
        return {"tickers_failed": 1, "rows_failed": records}
    if decision is None:
        return {"repeated": 1, "rows_repeated": records}
    if decision.verdict == "rejected":
        return {"tickers_rejected": 1, "rows_refused": records}
    sessions = {
        "added": decision.added,
        "revised": decision.revised,
        "unchanged": decision.unchanged,
        "outranked": len(decision.outranked),
        "rejected": rejected_rows(decision),
        "partial": len(decision.partial),
    }
    return sessions | {
        "duplicates": records - sum(sessions.values()),
        "flagged": len(decision.flagged),
        "withdrawn": len(decision.withdrawn),
        "warned": len(decision.warned),
    }


def unnamed(contents: Contents) -> Iterator[Refusal]:
    """Yield what of a file is of no series."""
    for one in contents.refused:
        yield Refusal(one.code, one.records, one.reason)


def refusals(imported: Imported) -> Iterator[Refusal]:
    """Yield what was refused of one ticker: all of it by one reason, or single sessions, or nothing."""
    decision, records = imported.decision, imported.records
    if imported.error is not None:
        yield Refusal(imported.ticker, records, str(imported.error))
    elif decision is not None and decision.verdict == "rejected":
        finding = decision.rejected[0]
        yield Refusal(imported.ticker, records, f"{finding.rule}: {finding.detail}")
    elif decision is not None:
        for finding in decision.rejected:
            yield Refusal(imported.ticker, 1, f"{finding.date} {finding.rule}: {finding.detail}")


def row(found: ImportedFile, run: FileRun, *, refused: Sequence[Refusal] = ()) -> ImportRow:
    """Return what is printed of a file that was read whole."""
    contents, total, lacking = found.contents, found.total, found.lacking
    sums: dict[str, Any] = {name: total.get(name, 0) for name in COUNTS}
    skipped = list(unnamed(contents))
    return ImportRow(
        file=contents.name,
        sha256=contents.sha256.hex(),
        records=contents.records,
        tickers=contents.tickers,
        **sums,
        skipped=sum(one.records for one in skipped),
        status="dry_run" if run.dry_run else _status(found),
        provider=DESCRIPTION.name,
        outside=contents.outside,
        skipped_codes=tuple(dict.fromkeys(one.name for one in skipped))[:CODES_SHOWN_MAX],
        refused=tuple(refused),
        lacking=len(lacking),
        retired=found.retired,
        lacking_tickers=tuple(lacking[:CODES_SHOWN_MAX]),
        first_date=contents.window.start.isoformat() if contents.records else None,
        last_date=contents.window.end.isoformat() if contents.records else None,
        seq=found.seq,
        **run.fields(),
    )


def with_failure(printed: ImportRow, error: LedgerError) -> ImportRow:
    """Return the row of a file of which a ticker could not be judged, `error` being the first one's."""
    return replace(printed, error_kind="internal", error_message=f"internal: {error}", hint="main logs --failed")


def failed(file: str, run: FileRun, error: LedgerError, *, hint: str) -> ImportRow:
    """Return what is printed of a file of which nothing, or not all, was imported."""
    kind = error.kind if isinstance(error, DownloadError) else file_import.kind_of(error, KINDS)
    return ImportRow(
        file=file,
        sha256=None,
        records=0,
        tickers=0,
        added=0,
        revised=0,
        unchanged=0,
        rejected=0,
        skipped=0,
        provider=DESCRIPTION.name,
        **run.failed(kind, error, hint=hint),
    )


def exit_code(rows: Sequence[ImportRow], *, unable: Collection[str] = ()) -> Exit:
    """Return the exit code of an import."""
    return file_import.exit_code(rows, unable=unable, looks_due=looks_due)


def looks_due(one: ImportRow) -> str:
    """Return in words why a person should look at a file that did not fail: it had nothing, or not all was taken.

    Nothing where nobody has to.
    """
    counted = [(name, count) for name, count in _counted(one) if name in DUE]
    counted.append(("tickers held in its days are not in it", one.lacking))
    found = ", ".join(f"{count} {name}" for name, count in counted if count)
    return found or ("" if one.tickers else "nothing in it that was asked for")


def text(one: ImportRow) -> str:
    """Return the row as a person reads it; why a file failed is said by its complaint, on stderr."""
    if one.error_kind is not UNSET and not one.tickers:
        kind = "" if one.error_kind == one.status else f": {one.error_kind}"
        return f"{one.file} {one.status}{kind} | {one.provider} | {one.elapsed_sec:g}s"
    if one.tickers == one.repeated > 0:
        return f"{one.file} {one.status}: all {one.tickers} tickers were imported before, nothing appended"
    counts_text = ", ".join(f"{count} {name}" for name, count in _counted(one) if count or name == "added")
    taken = f"{one.tickers} tickers of {one.records} records"
    line = f"{one.file} {one.status}: {taken}: {counts_text} | {one.provider} | {one.elapsed_sec:g}s"
    return "\n".join((line, *refused_lines(one)))


def _counted(one: ImportRow) -> tuple[tuple[str, int], ...]:
    """Return the counts that are printed, each under its name."""
    return (
        ("added", one.added),
        ("revised", one.revised),
        ("unchanged", one.unchanged),
        ("rejected", one.rejected),
        ("tickers rejected", one.tickers_rejected),
        ("records of those", one.rows_refused),
        ("tickers that could not be judged", one.tickers_failed),
        ("records of those", one.rows_failed),
        ("flagged", one.flagged),
        ("left as a younger file has them", one.outranked),
        ("withdrawn", one.withdrawn),
        ("old series retired", one.retired),
        ("not final yet", one.partial),
        ("warned of", one.warned),
        ("said twice", one.duplicates),
        ("tickers imported before", one.repeated),
        ("records of those", one.rows_repeated),
        ("not asked for", one.outside),
        ("of no series", one.skipped),
    )


def refused_lines(one: ImportRow) -> Iterator[str]:
    """Yield a line for each thing that was refused and is named, and one for how many more records there are.

    Before them, one for the tickers that the file lacks.
    """
    if one.lacking:
        cut = "" if one.lacking == len(one.lacking_tickers) else " …"
        yield f"  {one.lacking} tickers held in its days are not in it: {', '.join(one.lacking_tickers)}{cut}"
    for refusal in one.refused:
        yield f"  {refusal.name:<12}  {refusal.records} refused  {refusal.reason}"
    refused = one.skipped + one.rows_refused + one.rows_failed + one.rejected
    if more := refused - sum(refusal.records for refusal in one.refused):
        yield f"  and {more} more: --refused names all"


def _status(found: ImportedFile) -> JobStatus:
    contents, total = found.contents, found.total
    judged = contents.tickers - total.get("repeated", 0)
    if judged and total.get("tickers_rejected", 0) == judged:
        return "rejected"
    if judged and total.get("tickers_failed", 0) == judged:
        return "error"
    odd = ("tickers_rejected", "tickers_failed", "rejected", "flagged", "withdrawn", "partial")
    remarkable = contents.refused or found.lacking or not contents.tickers or any(total.get(name) for name in odd)
    return "warning" if remarkable else "success"
