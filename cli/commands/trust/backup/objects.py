"""`main backup` with `--to URL` and `--from URL`: copies in object stores."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from cli.app import exits, output
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.app.settings import Settings
from cli.app.supervisor import die_with_parent
from cli.commands.trust.backup import inspect, restore
from cli.commands.trust.backup import row as backup_row
from cli.commands.trust.backup.context import clock_of, watch
from cli.commands.trust.backup.create import made_row, told
from cli.commands.trust.backup.row import ObjectRow
from cli.context import guards, ledgers, places
from ledger import ids
from ledger.backup.archive_log import archive_damaged
from ledger.backup.check import check_backup
from ledger.backup.create import CreatedBackup
from ledger.checkpoint.key_file import read_key
from ledger.checkpoint.published_objects import PublishedObjects
from ledger.checkpoint.signing import Publishing, sign_checkpoint
from ledger.objects import fetch
from ledger.objects.place import ObjectPlace
from ledger.objects.segments import placed
from ledger.objects.upload import upload_backup
from ledger.store.event_log import EventLog

AMISS = frozenset({"gap", "overlap", "foreign"})


def run(found: Settings, action: str, url: str, given: Mapping[str, Any], style: Style) -> Exit:
    """Do with the copies at `url` what the command line asks."""
    if action == "create":
        return create(found, url, verify=given["verify"], style=style)
    if action == "listing":
        return listing(url, style)
    place = places.opened(url)
    with fetch.fetched(place) as path:
        if action == "verify":
            return inspect.verify(found, path, style, shown=place.url)
        options = restore.RestoreOptions(yes=given["yes"], rollback=given["rollback"], dry_run=given["dry_run"])
        return restore.restore(found, path, options, style, shown=place.url)


def prove(place: ObjectPlace, made: CreatedBackup) -> None:
    """Restore aside what the store gives back of a backup just made.

    Raises: ArchiveDamagedError; as `fetched` and `check_backup` do.
    """
    with fetch.fetched(place) as path:
        if flaw := check_backup(path, recorded=made.event, watch=watch).report.first_bad:
            raise archive_damaged(path, flaw)


def create(given: Settings, url: str, *, verify: bool, style: Style) -> Exit:
    """Make a backup of the ledger in use at `url`, prove it where asked, and print it."""
    die_with_parent()
    started = time.perf_counter()
    ledger = ledgers.active(given)
    now, timeout_s = clock_of(ledger.kind, given), given.ingest_lock_timeout_seconds
    key = read_key(given.checkpoint_key) if given.checkpoint_key else None
    place = places.opened(url, create=True)
    with EventLog(ledger.home, now=now, lock_timeout_s=timeout_s, guards=guards.of(ledger.kind)) as log:
        job_id = ids.new_id(now())
        done = upload_backup(log, place, job_id=job_id, watch=watch)
        made, checkpoint = done.made, None
        if key is not None and made.seq is not None:
            # A restore begins another epoch, and the archive here goes on all the same.
            publishing = Publishing(place=PublishedObjects(place), size=made.event.size, across_epochs=True)
            signed = sign_checkpoint(log, key, job_id=job_id, lock_timeout_s=timeout_s, publishing=publishing)
            checkpoint = None if signed.published is None else signed.published.checkpoint_at(signed.statement)
    if verify:
        prove(place, made)
    row = msgspec.structs.replace(
        made_row(made, ledger.kind, checkpoint),
        backup=place.url,
        objects=done.written,
        verified=verify,
        elapsed_sec=round(time.perf_counter() - started, 3),
    )
    return told(made, row, style)


def listing(url: str, style: Style) -> Exit:
    """Print the objects at `url`; 1 when one of them is part of no backup."""
    rows = [
        ObjectRow(
            object=one.name,
            status=one.status,
            bytes=one.size_bytes,
            ledger_id=one.ledger_id or None,
            start=one.start if one.ledger_id else None,
            stop=one.stop if one.ledger_id else None,
        )
        for one in placed(places.opened(url).objects())
        if one.status != "tile"  # thousands of them, which go with the checkpoints
    ]
    output.show(rows, style, text=backup_row.object_text, table=backup_row.OBJECTS)
    amiss = [f"{row.object} is {row.status}" for row in rows if row.status in AMISS]
    return exits.ended(Exit.WARNING if amiss else Exit.OK, ", ".join(amiss))
