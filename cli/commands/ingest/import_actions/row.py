"""What an import of corporate actions prints of each file, and the exit code that the rows add up to. Pure."""

from collections.abc import Collection, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from cli.app.exit_codes import Exit
from cli.commands.ingest import file_import
from cli.commands.ingest.file_import import FileRun
from cli.commands.ingest.import_actions.reading import ActionsFile
from ledger.errors import LedgerError, TickerLockError
from ledger.ingest.importing import BroughtOutcome
from ledger.ingest.plan import JobStatus
from ledger.ingest.providers.port import ActionsFileError

KINDS: dict[type[LedgerError], str] = {TickerLockError: "locked", ActionsFileError: "bad-answer"}


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


def row(found: ActionsFile, outcomes: Sequence[BroughtOutcome], run: FileRun) -> ActionsImportRow:
    """Return what is printed of a file that was read whole, `outcomes` being what became of each of its tickers."""
    decisions = [one.decision for one in outcomes if one.decision is not None]
    rejected = sum(one.verdict == "rejected" for one in decisions)
    flagged = sum(len(one.flagged) for one in decisions)
    status: JobStatus = "warning" if flagged or rejected else "success"
    return ActionsImportRow(
        file=found.name,
        sha256=found.sha256.hex(),
        provider=found.provider,
        actions=found.actions,
        tickers=len(outcomes),
        added=sum(one.added for one in outcomes),
        repeated=len(outcomes) - len(decisions),
        rejected=rejected,
        flagged=flagged,
        status="dry_run" if run.dry_run else "rejected" if decisions and rejected == len(decisions) else status,
        seq=max((one.seq for one in outcomes if one.seq is not None), default=None),
        **run.fields(),
    )


def failed(file: str, run: FileRun, error: LedgerError, *, hint: str) -> ActionsImportRow:
    """Return what is printed of a file of which nothing, or not all, was imported."""
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
        **run.failed(file_import.kind_of(error, KINDS), error, hint=hint),
    )


def exit_code(rows: Sequence[ActionsImportRow], *, unable: Collection[str] = ()) -> Exit:
    """Return the exit code of an import, in which a look is due where anything was flagged or rejected."""
    return file_import.exit_code(rows, unable=unable, looks_due=looks_due)


def looks_due(one: ActionsImportRow) -> str:
    """Return in words why a person should look at a file that did not fail; nothing where nobody has to."""
    counted = (("tickers rejected", one.rejected), ("flagged", one.flagged))
    return ", ".join(f"{count} {name}" for name, count in counted if count)


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
