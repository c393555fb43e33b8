"""What `main backup` and `main salvage` print. Pure."""

from typing import Literal

import msgspec

from cli.app.exit_codes import Exit
from cli.commands.trust.verify.row import flaw_text
from cli.render.table import TableColumn
from ledger.audit.flaw import Flaw
from ledger.audit.verify import VerifyVerdict
from ledger.backup.listing import ListedStatus
from ledger.backup.prune import Kept
from ledger.backup.restore_plan import Action, Relation
from ledger.objects.segments import PlacedStatus
from ledger.values import EventCount, LedgerKind


class CreatedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A backup that was made. `seq` is that of the event that tells of it, null where the log took none (`unrecorded`).

    `verified` when it was restored as well.

    `incremental` when it begins with a copy of `copied_from`, an earlier backup in its folder, instead of reading all
    from the log: the bytes are the same. `not_copied` says what was wrong with the earlier one, where that was so.

    `checkpoint` is the file beside it that holds the signed checkpoint of its events, where CHECKPOINT_KEY is set.
    `objects` is how many objects were written for it, null for a file.
    """

    status: Literal["created", "unrecorded"] = "created"
    backup: str
    checksum: str  # SHA-256 of the file, hex
    bytes: int
    events: int
    head_seq: int
    head: str
    kind: LedgerKind
    types: dict[str, int]
    tickers: dict[str, int]
    providers: dict[str, int]
    streams: int
    seq: int | None
    verified: bool
    elapsed_sec: float
    checkpoint: str | None = None
    objects: int | None = None
    incremental: bool
    copied_from: str | None
    not_copied: str | None


class CheckedRow(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a backup holds. `restored` when a temporary ledger made from it re-hashed to the same head.

    `recorded_seq` is that of the event in the ledger in use that tells of it, null where there is none.
    """

    verdict: VerifyVerdict
    backup: str
    checksum: str | None  # SHA-256 of the file, hex
    bytes: int | None
    events: int
    head_seq: int | None
    head: str | None
    kind: LedgerKind | None
    first_bad: Flaw | None
    last_good_seq: int | None
    witnesses: tuple[str, ...]
    restored: bool
    types: dict[str, int] | None
    tickers: dict[str, int] | None
    providers: dict[str, int] | None
    streams: int | None
    recorded_seq: int | None
    elapsed_sec: float


class ListedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A file in BACKUP_DIR; null for what only the ledger knows and does not tell."""

    backup: str
    status: ListedStatus
    bytes: int
    kind: LedgerKind | None
    has_checksum: bool
    events: int | None
    head: str | None
    created_at: str | None
    seq: int | None


class ObjectRow(msgspec.Struct, frozen=True, kw_only=True):
    """An object at a place of copies, and what it is: `gap` where events before it, or up to it, are not there.

    `overlap` where all of its events are in another segment too, and `foreign` where it is none of ours.
    Its events are those of [`start`, `stop`), null where it is about none.
    """

    object: str
    status: PlacedStatus
    bytes: int
    ledger_id: str | None
    start: int | None
    stop: int | None


class PrunedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file in BACKUP_DIR, or with `dry_run` would: it goes where the reason is `held`, by `keeper`.

    `seq` is that of the event that records what goes, null in a dry run; `checksum` and `created_at` are as recorded.
    """

    backup: str
    removed: bool
    dry_run: bool
    reason: Kept | Literal["held"]
    bytes: int
    checksum: str | None  # SHA-256 of the file, hex
    created_at: str | None
    keeper: str | None
    seq: int | None


class ReplacedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger that a restore replaced, or would: its folder stays."""

    ledger: str
    verdict: VerifyVerdict
    events: int | None
    head: str | None


class RestoredRow(msgspec.Struct, frozen=True, kw_only=True):
    """How a restore ended, or with `dry_run` would: `action` says what it comes to.

    `relation` is how the ledger stood to the backup; `lacking_events` of its readable events, from seq
    `lacking_from_seq` on, are not in the backup (null: it could not be read).
    `replaced` null where nothing was.
    """

    status: Literal["restored", "already_contained", "dry_run"]
    backup: str
    checksum: str
    action: Action
    already_contained: bool
    dry_run: bool
    relation: Relation
    events: int
    head_seq: int
    head: str
    kind: LedgerKind
    ledger: str | None
    replaced: ReplacedRow | None
    lacking_events: int | None
    lacking_from_seq: int | None
    rollback: bool
    elapsed_sec: float


class SalvagedRow(msgspec.Struct, frozen=True, kw_only=True):
    """What was saved of a damaged log, and what is lost of it (null: nobody can say how much)."""

    status: Literal["intact", "salvaged"]
    source: str
    verdict: VerifyVerdict
    first_bad: Flaw | None
    backup: str
    checksum: str
    bytes: int
    events: int
    head_seq: int
    head: str
    lost_events: int | None
    elapsed_sec: float


RELATIONS: dict[Relation, str] = {
    "absent": "is not there",
    "prefix": "is a prefix of it",
    "contains": "extends it",
    "forked": "is forked from it",
    "damaged": "is damaged",
}


STAYS: dict[str, str] = {
    "newest": "one of the newest two that hold",
    "daily": "the newest of its day",
    "monthly": "the newest of its month",
    "unrecorded": "the ledger in use has no record of it",
    "differs": "it is not what was recorded of it",
    "unreadable": "it is no file of a backup that can be read",
    "not held": "the newest one does not begin with it",
}


def counted(counts: tuple[EventCount, ...]) -> dict[str, int]:
    """Return counts by name."""
    return {count.name: count.events for count in counts}


def created_text(row: CreatedRow) -> str:
    """Return the line for a person."""
    proof = "verified by restoring it" if row.verified else "re-read and checked"
    size = f"{row.events} events, {row.bytes} bytes"
    return f"created {row.backup}: {size}, {proof}; head {row.head}, sha256 {row.checksum}"


def checked_text(row: CheckedRow) -> str:
    """Return the line for a person."""
    if row.first_bad is not None:
        bad = row.first_bad
        place = "" if bad.seq is None else f" at seq {bad.seq}"
        good = "no event holds" if row.last_good_seq is None else f"events 0 to {row.last_good_seq} hold"
        return f"{row.backup}: {row.verdict}{place}: {flaw_text(bad)}; {good}"
    held = f"held against {', '.join(row.witnesses)}" if row.witnesses else "nothing outside it to hold it against"
    done = "restored into a temporary ledger, re-hashed and counted" if row.restored else "re-hashed"
    return f"{row.backup}: intact: {row.events} events, {done}, {held}; head {row.head}"


def checked_exit(row: CheckedRow) -> Exit:
    """Return 2 for every bad verdict, 1 for a backup that nothing outside it vouches for."""
    if row.verdict != "intact":
        return Exit.CRITICAL
    return Exit.OK if row.witnesses else Exit.WARNING


def listed_text(row: ListedRow) -> str:
    """Return the line for a person."""
    events = "-" if row.events is None else f"{row.events} events"
    checksum = "checksum" if row.has_checksum else "no checksum"
    return f"{row.backup}  {row.status}  {row.created_at or '-'}  {events}  {row.bytes} bytes  {checksum}"


def object_text(row: ObjectRow) -> str:
    """Return the line for a person."""
    events = "-" if row.start is None else f"events {row.start} to {row.stop} (not included)"
    return f"{row.object}  {row.status}  {events}  {row.bytes} bytes"


def pruned_text(row: PrunedRow) -> str:
    """Return the line for a person."""
    made = f"{row.created_at or '-'}  {row.bytes} bytes"
    if row.reason != "held":
        return f"{row.backup}  stays  {made}  {STAYS[row.reason]}"
    return f"{row.backup}  {'removed' if row.removed else 'would go'}  {made}  held by {row.keeper}"


LISTED: tuple[TableColumn[ListedRow], ...] = (
    TableColumn("BACKUP", lambda row: row.backup),
    TableColumn("STATUS", lambda row: row.status),
    TableColumn("CREATED", lambda row: row.created_at or "-"),
    TableColumn("EVENTS", lambda row: "-" if row.events is None else row.events, is_number=True),
    TableColumn("BYTES", lambda row: row.bytes, is_number=True),
    TableColumn("CHECKSUM", lambda row: "yes" if row.has_checksum else "no"),
    TableColumn("LEDGER", lambda row: row.kind or "-"),
)
OBJECTS: tuple[TableColumn[ObjectRow], ...] = (
    TableColumn("OBJECT", lambda row: row.object),
    TableColumn("STATUS", lambda row: row.status),
    TableColumn("FROM", lambda row: "-" if row.start is None else row.start, is_number=True),
    TableColumn("TO", lambda row: "-" if row.stop is None else row.stop, is_number=True),
    TableColumn("BYTES", lambda row: row.bytes, is_number=True),
)
PRUNED: tuple[TableColumn[PrunedRow], ...] = (
    TableColumn("BACKUP", lambda row: row.backup),
    TableColumn("DONE", lambda row: "removed" if row.removed else "would go" if row.reason == "held" else "stays"),
    TableColumn("WHY", lambda row: row.reason),
    TableColumn("CREATED", lambda row: row.created_at or "-"),
    TableColumn("BYTES", lambda row: row.bytes, is_number=True),
)


def restored_text(row: RestoredRow) -> str:
    """Return the line for a person."""
    backup = f"{row.backup} ({row.events} events, head {row.head})"
    if row.status == "already_contained":
        return f"already contained: the ledger in {row.ledger} holds all of {backup}; nothing was replaced"
    if row.status == "dry_run":
        if row.action == "keep":
            return f"dry run: {backup} is whole; the ledger in {row.ledger} contains it already"
        now = "there is no ledger yet"
        if row.replaced:
            now = f"the ledger in {row.replaced.ledger} {RELATIONS[row.relation]}"
        lost = f", {row.lacking_events} of its readable events are not in the backup" if row.lacking_events else ""
        would = "it would be restored" if row.action == "restore" else "--yes would replace it"
        return f"dry run: {backup} is whole; {now}{lost}; {would}"
    kept = f"; the one before stays in {row.replaced.ledger}" if row.replaced else ""
    return f"restored {backup} into {row.ledger}{kept}"


def salvaged_text(row: SalvagedRow) -> str:
    """Return the line for a person."""
    lost = {None: "how many are lost nobody can say", 0: "nothing is lost"}.get(
        row.lost_events, f"{row.lost_events} events are lost"
    )
    return f"saved events 0 to {row.head_seq} of {row.source} ({row.verdict}) in {row.backup}; {lost}; head {row.head}"
