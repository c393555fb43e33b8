"""What the imports of files have in common: what a row says of its run and its failure, and the exit code. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from cli.app.exit_codes import Exit
from ledger import ids
from ledger.chain import Head
from ledger.errors import LedgerError

FAILED = frozenset({"error", "locked"})


class FileRow(Protocol):
    """What is printed of a file, whatever is in it."""

    @property
    def file(self) -> str:
        """Its name."""

    @property
    def status(self) -> str:
        """How its import ended."""

    @property
    def error_message(self) -> str | UnsetType:
        """Why it failed."""

    @property
    def hint(self) -> str | UnsetType:
        """What to do about that."""


Row = TypeVar("Row", bound=FileRow)


class FileRun(msgspec.Struct, frozen=True, kw_only=True):
    """What every row says besides its file: whose job, how long it took, the head of the log, and how it was made."""

    job_id: bytes
    elapsed_s: float
    head: Head | None
    dry_run: bool = False
    created: Path | None = None  # the ledger that the command created
    missing: bool = False  # there is none, nothing having been brought to begin one with

    def fields(self) -> dict[str, Any]:
        """Return the fields of a row that say so."""
        return {
            "elapsed_sec": round(self.elapsed_s, 3),
            "job_id": ids.text(self.job_id),
            "head": self.head.link.hex() if self.head else None,
            "created": True if self.created else UNSET,
            "ledger": str(self.created) if self.created else UNSET,
        }

    def failed(self, kind: str, error: LedgerError, *, hint: str) -> dict[str, Any]:
        """Return the fields of the row of a file that `error` of that `kind` kept from being imported."""
        lacking = {"created": False} if self.missing and not self.created else {}
        return (
            self.fields()
            | lacking
            | {
                "status": "locked" if kind == "locked" else "error",
                "error_kind": kind,
                "error_message": f"{kind}: {error}",
                "hint": hint,
            }
        )


def kind_of(error: LedgerError, kinds: Mapping[type[LedgerError], str]) -> str:
    """Return the kind that `kinds` gives an error of its class, `internal` for any other."""
    return next((kind for cls, kind in kinds.items() if isinstance(error, cls)), "internal")


def exit_code(rows: Sequence[Row], *, unable: Collection[str], looks_due: Callable[[Row], str]) -> Exit:
    """Return the exit code of an import: 2 when all files failed or one was rejected, 1 when one did or a look is due.

    `looks_due` says why, of a file that did not fail; nothing where none is.

    3 when all were locked or are among the files that this machine was `unable` to work on.
    """
    if any(one.status == "rejected" for one in rows):
        return Exit.CRITICAL
    if all(one.status in FAILED for one in rows):
        could_not_run = all(one.status == "locked" or one.file in unable for one in rows)
        return Exit.UNKNOWN if could_not_run else Exit.CRITICAL
    return Exit.WARNING if any(one.status in FAILED or looks_due(one) for one in rows) else Exit.OK


def complaint(one: Row, looks_due: Callable[[Row], str]) -> tuple[str, ...]:
    """Return the line that says why the file failed, and its hint, or why a look is due; none where it went well."""
    if one.error_message is not UNSET and one.hint is not UNSET:
        return f"error: {one.file}: {one.error_message}", f"hint: {one.hint}"
    why = looks_due(one)
    kind = "critical" if one.status == "rejected" else "warning"
    return (f"{kind}: {one.file}: {why}",) if why else ()
