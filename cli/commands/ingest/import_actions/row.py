"""What an import of corporate actions prints of each file, and the exit code that the rows add up to. Pure."""

from collections.abc import Collection, Sequence
from pathlib import Path

import msgspec
from msgspec import UNSET, UnsetType

from cli.app.exit_codes import Exit
from ledger import ids
from ledger.chain import Head
from ledger.errors import LedgerError, TickerLockError
from ledger.ingest.importing import BroughtOutcome
from ledger.ingest.plan import JobStatus
from ledger.ingest.providers.port import ActionsFileError

KINDS: dict[type[LedgerError], str] = {TickerLockError: "locked", ActionsFileError: "bad-answer"}
FAILED = frozenset({"error", "locked"})


class ActionsImportRow(msgspec.Struct, frozen=True, kw_only=True):
    """One file's import: of its `actions`, of so many `tickers`, `added` were not held before.

    `repeated` tickers were imported from this very file before, of `rejected` ones nothing was accepted; `flagged`
    counts what rule EVENT found. `seq` is the last event.
    """

    file: str
    sha256: str | None
    provider: str | None
    actions: int
    tickers: int
    added: int
    repeated: int
    rejected: int
    flagged: int
    status: JobStatus
    elapsed_sec: float
    job_id: str
    seq: int | None = None
    head: str | None = None
    created: bool | UnsetType = UNSET  # true when this run created the ledger, false when there is none yet
    ledger: str | UnsetType = UNSET  # its absolute path, then
    error_kind: str | UnsetType = UNSET
    error_message: str | UnsetType = UNSET
    hint: str | UnsetType = UNSET


class ActionsRun(msgspec.Struct, frozen=True, kw_only=True):
    """What every row says besides its file: whose job, how long it took, the head of the log, and how it was made."""

    job_id: bytes
    elapsed_s: float
    head: Head | None
    dry_run: bool = False
    created: Path | None = None  # the ledger that the command created
    without_ledger: bool = False  # whether there is none, though there might be


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is, and what became of each of its tickers."""

    file: str
    sha256: bytes
    provider: str
    actions: int
    outcomes: tuple[BroughtOutcome, ...]


def row(total: Totals, run: ActionsRun) -> ActionsImportRow:
    """Return what is printed of a file that was read whole."""
    decisions = [one.decision for one in total.outcomes if one.decision is not None]
    rejected = sum(one.verdict == "rejected" for one in decisions)
    flagged = sum(len(one.flagged) for one in decisions)
    status: JobStatus = "warning" if flagged or rejected else "success"
    return ActionsImportRow(
        file=total.file,
        sha256=total.sha256.hex(),
        provider=total.provider,
        actions=total.actions,
        tickers=len(total.outcomes),
        added=sum(one.added for one in total.outcomes),
        repeated=len(total.outcomes) - len(decisions),
        rejected=rejected,
        flagged=flagged,
        status="dry_run" if run.dry_run else "rejected" if decisions and rejected == len(decisions) else status,
        elapsed_sec=round(run.elapsed_s, 3),
        job_id=ids.text(run.job_id),
        seq=max((one.seq for one in total.outcomes if one.seq is not None), default=None),
        head=run.head.link.hex() if run.head else None,
        created=True if run.created else False if run.without_ledger else UNSET,
        ledger=str(run.created) if run.created else UNSET,
    )


def failed(file: str, run: ActionsRun, error: LedgerError, *, hint: str) -> ActionsImportRow:
    """Return what is printed of a file of which nothing, or not all, was imported."""
    kind = next((kind for cls, kind in KINDS.items() if isinstance(error, cls)), "internal")
    return ActionsImportRow(
        file=file,
        sha256=None,
        provider=None,
        actions=0,
        tickers=0,
        added=0,
        repeated=0,
        rejected=0,
        flagged=0,
        status="locked" if kind == "locked" else "error",
        elapsed_sec=round(run.elapsed_s, 3),
        job_id=ids.text(run.job_id),
        head=run.head.link.hex() if run.head else None,
        created=True if run.created else False if run.without_ledger else UNSET,
        ledger=str(run.created) if run.created else UNSET,
        error_kind=kind,
        error_message=f"{kind}: {error}",
        hint=hint,
    )


def exit_code(rows: Sequence[ActionsImportRow], *, unable: Collection[str] = ()) -> Exit:
    """Return the exit code of an import: 2 when all files failed or one was rejected, 1 when a look is due.

    3 when all were locked or are among the files that this machine was `unable` to work on.
    """
    if any(one.status == "rejected" for one in rows):
        return Exit.CRITICAL
    if all(one.status in FAILED for one in rows):
        could_not_run = all(one.status == "locked" or one.file in unable for one in rows)
        return Exit.UNKNOWN if could_not_run else Exit.CRITICAL
    looks_due = any(one.status in FAILED or one.flagged or one.rejected for one in rows)
    return Exit.WARNING if looks_due else Exit.OK


def text(one: ActionsImportRow) -> str:
    """Return the row as a person reads it; why a file failed is said by its complaint, on stderr."""
    if one.error_kind is not UNSET:
        kind = "" if one.error_kind == one.status else f": {one.error_kind}"
        return f"{one.file} {one.status}{kind} | {one.elapsed_sec:g}s"
    if one.tickers == one.repeated:
        return f"{one.file} {one.status}: all {one.tickers} tickers were imported before, nothing appended"
    counted = (
        ("added", one.added),
        ("tickers imported before", one.repeated),
        ("tickers rejected", one.rejected),
        ("flagged", one.flagged),
    )
    counts = ", ".join(f"{count} {name}" for name, count in counted if count or name == "added")
    return f"{one.file} {one.status}: {one.actions} actions of {one.tickers} tickers: {counts} | {one.provider}"


def complaint(one: ActionsImportRow) -> tuple[str, str] | None:
    """Return the line that explains why the file failed, and its hint; None where it went well."""
    if one.error_message is UNSET or one.hint is UNSET:
        return None
    return f"error: {one.file}: {one.error_message}", f"hint: {one.hint}"
