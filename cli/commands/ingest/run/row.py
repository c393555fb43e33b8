"""What a run prints of each ticker, and the exit code that the rows add up to. Pure."""

from collections.abc import Collection, Sequence

import msgspec
from msgspec import UNSET, UnsetType

from cli.app import exits
from cli.app.exit_codes import Exit
from ledger import ids
from ledger.chain import Head
from ledger.ingest.plan import JobStatus, Outcome
from ledger.ingest.providers.port import ProviderError
from ledger.ingest.rules import catalogue
from projections.models.log_entry import judgement
from projections.models.retirements import Retirement

FAILED = frozenset({"error", "locked"})

Word = str | UnsetType
Trouble = tuple[Word, Word, Word]


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """One ticker's run. `rows` are the snapshot's, `rejected` this job's, `seq` its last event, `head` the log's."""

    job_id: str
    ticker: str
    status: JobStatus
    elapsed_sec: float
    snapshot: str | None
    rows: int
    checksum: str | None  # SHA-256 of the snapshot, hex
    rejected: int
    seq: int | None
    head: str | None
    provider: str
    added: int = 0
    revised: int = 0
    flagged: int = 0
    withdrawn: int = 0
    warned: int = 0
    missing: int = 0  # sessions due in this job's window and not held
    created: bool | UnsetType = UNSET  # true when this run created the ledger, false when there is none yet
    ledger: str | UnsetType = UNSET  # its absolute path, then
    error_kind: str | UnsetType = UNSET
    error_message: str | UnsetType = UNSET
    hint: str | UnsetType = UNSET


class Snapshot(msgspec.Struct, frozen=True):
    """Where a run left a ticker's snapshot."""

    path: str
    rows: int
    sha256: bytes


def row(outcome: Outcome, *, elapsed_s: float, head: Head | None, snapshot: Snapshot | None) -> RunRow:
    """Return what is printed of a job that ended with `outcome`."""
    decision = outcome.decision
    kind, message, hint = _trouble(outcome)
    return RunRow(
        job_id=ids.text(outcome.job_id),
        ticker=outcome.ticker,
        status=outcome.status,
        elapsed_sec=round(elapsed_s, 3),
        snapshot=snapshot.path if snapshot else None,
        rows=snapshot.rows if snapshot else 0,
        checksum=snapshot.sha256.hex() if snapshot else None,
        rejected=sum(finding.date is not None for finding in decision.rejected) if decision else 0,
        seq=outcome.seq,
        head=head.link.hex() if head else None,
        provider=outcome.provider,
        added=decision.added if decision else 0,
        revised=decision.revised if decision else 0,
        flagged=len(decision.flagged) if decision else 0,
        withdrawn=len(decision.withdrawn) if decision else 0,
        warned=len(decision.warned) if decision else 0,
        missing=sum(finding.rule == catalogue.GAP.id for finding in decision.warned) if decision else 0,
        error_kind=kind,
        error_message=message,
        hint=hint,
    )


def exit_code(rows: Sequence[RunRow], *, unable: Collection[str] = ()) -> Exit:
    """Return the exit code of a run: 2 when all failed or one was rejected, 1 when some did or had findings.

    Findings are rows rejected, flagged or withdrawn; what was only warned of is none. 3 when all were locked or are
    among the tickers that this machine was `unable` to work on.
    """
    # A dry run that fails has an error; one whose answer is refused has a refusal too.
    if any(one.status == "rejected" or (one.status == "dry_run" and one.error_kind is not UNSET) for one in rows):
        return Exit.CRITICAL
    if all(one.status in FAILED for one in rows):
        could_not_run = all(one.status == "locked" or one.ticker in unable for one in rows)
        return Exit.UNKNOWN if could_not_run else Exit.CRITICAL
    if any(one.status in FAILED or one.rejected or one.flagged or one.withdrawn for one in rows):
        return Exit.WARNING
    return Exit.OK


def text(one: RunRow) -> str:
    """Return the row as a person reads it; the reason why a ticker failed is in its complaint, on stderr."""
    failed = one.error_kind is not UNSET
    changes = {
        "added": one.added,
        "revised": one.revised,
        "rejected": one.rejected,
        "flagged": one.flagged,
        "withdrawn": one.withdrawn,
        "missing": one.missing,
        "warned of": one.warned - one.missing,
    }
    # The kind of trouble, unless the status names it, and the counts; those of nothing only where all went well.
    words = [str(one.error_kind)] if failed and one.error_kind != one.status else []
    words += [
        f"{count} {name}" for name, count in changes.items() if count or (name in {"added", "rejected"} and not failed)
    ]
    changed = f": {', '.join(words)}" if words else ""
    where = f" | {one.snapshot} ({one.rows} rows, sha256 {one.checksum[:12]})" if one.snapshot and one.checksum else ""
    return f"{one.ticker} {one.status}{changed}{where} | {one.provider} | {one.elapsed_sec:g}s"


def complaints(rows: Sequence[RunRow]) -> list[str]:
    """Return the lines that explain why tickers failed or want a look, with hints; what several share is said once."""
    shared: dict[str, list[RunRow]] = {}
    for one in rows:
        if one.error_message is not UNSET and one.hint is not UNSET:
            nameless = str(one.error_message).replace(one.ticker, "").replace(one.ticker.partition(".")[0], "")
            shared.setdefault(nameless, []).append(one)
    lines = []
    for among in shared.values():
        first, names = among[0], [one.ticker for one in among]
        whose = first.ticker if len(names) == 1 else f"{len(names)} tickers ({', '.join(names)})"
        lines += [f"error: {whose}: {first.error_message}", f"hint: {first.hint}"]
    return lines + [
        f"warning: {one.ticker}: {what}: main validation {one.ticker}"
        for one in rows
        if one.error_message is UNSET and (what := _found(one))
    ]


def _found(one: RunRow) -> str:
    """Return in words what a run that did not fail wants a look for; nothing where it wants none."""
    counts = {"rows rejected": one.rejected, "flagged": one.flagged, "withdrawn": one.withdrawn}
    return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def left_out(ended: Sequence[Retirement]) -> str:
    """Return what is said of tickers in a file that are not asked for, since their series ended."""
    names = ", ".join(f"{one.ticker} (ended {one.on})" for one in ended)
    return f"note: not asked for, as retired: {names}; name one with --ticker to ask for it"


def undone(tickers: Sequence[str], at_work: Sequence[str], ended: Sequence[str], *, recorded: bool) -> tuple[str, str]:
    """Return what is said of a run that a person ended: what was done of it, and what was not."""
    waiting = [ticker for ticker in tickers if ticker not in {*at_work, *ended}]
    how = "recorded as interrupted" if recorded else "not recorded, as another process writes"
    parts = [
        f"{len(names)} {what} ({', '.join(names)})"
        for names, what in ((ended, "done"), (at_work, how), (waiting, "not begun"))
        if names
    ]
    again = " ".join(f"--ticker {ticker}" for ticker in tickers if ticker not in ended)
    return f"error: interrupted: {'; '.join(parts)}", f"hint: main {again}" if again else "hint: main logs"


def _trouble(outcome: Outcome) -> Trouble:
    """Return the kind of error, its message, which begins with the kind, and a hint."""
    error = outcome.error
    if error is None:
        found = None if outcome.decision is None else judgement(outcome.decision)
        if found is None or found.error_kind is None or found.error_message is None:
            return UNSET, UNSET, UNSET
        return found.error_kind, found.error_message, f"main validation --ticker {outcome.ticker}"
    hint = exits.describe(error, ("--ticker", outcome.ticker)).hint
    if isinstance(error, ProviderError):
        return error.kind, str(error), hint
    kind = "locked" if outcome.status == "locked" else "internal"
    return kind, f"{kind}: {error}", hint
