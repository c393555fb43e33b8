"""`main backup`: make, check, list, restore and prune backups."""

from typing import Any

import click

from cli.app import group_options, output, settings
from cli.app.output import Style
from cli.context import clock_option, params

# What each action takes besides itself.
TAKES = {
    "create": frozenset({"out", "to", "verify", "full"}),
    "restore": frozenset({"source", "yes", "rollback", "dry_run"}),
    "listing": frozenset({"source", "to"}),
    "verify": frozenset({"source"}),
    "prune": frozenset({"keep_daily", "keep_monthly", "dry_run"}),
}
NEEDS_SOURCE = frozenset({"restore", "verify"})
OPTIONS = ("out", "to", "full", "source", "yes", "rollback", "dry_run", "keep_daily", "keep_monthly")
MOST_KEPT = 100_000

PATH = params.FILE
COPY = params.FILE_OR_URL


@click.command(
    epilog="""\b
Examples:
  main backup --create --verify
  main backup --create --full
  main backup --create --out /mnt/elsewhere/$(date -u +%Y%m%dT%H%M%SZ).db --verify
  main backup --list
  main backup --verify --from backups/backup-20260213T213000Z.db
  main backup --restore --from backups/backup-20260213T213000Z.db --dry-run
  main backup --restore --from backups/backup-20260213T213000Z.db
  main backup --create --to s3://bucket/prices --verify
  main backup --list --from s3://bucket/prices
  main backup --restore --from s3://bucket/prices
  main backup --prune --keep-daily 14 --keep-monthly 12 --dry-run

\b
Exit codes: 0 done, or already contained; 1 checked and whole, but with nothing outside the file to hold it
against, made but not recorded, a file in BACKUP_DIR is not what was recorded of it, or an object is part
of no backup; 2 a damaged backup or ledger, a full disk, a store that does not answer or holds something else;
3 refused, and nothing was changed: no ledger, no such file, a name that is taken, or no --yes.
"""
)
@click.option("--create", is_flag=True, help="Copy the log to a new file, checked before it has its name.")
@click.option("--restore", is_flag=True, help="Put the backup in the place of the ledger; what it replaces stays.")
@click.option("--verify", is_flag=True, help="Restore into a temporary ledger, re-hash, compare checksum and counts.")
@click.option("--list", "listing", is_flag=True, help="List the backups in BACKUP_DIR, or what is at a URL.")
@click.option(
    "--prune",
    is_flag=True,
    help="Remove from BACKUP_DIR what the newest one holds byte for byte; the newest two and those to keep stay.",
)
@click.option("--out", type=PATH, help="The new file.  [default: BACKUP_DIR/backup-YYYYMMDDTHHMMSSZ.db]")
@click.option(
    "--full", is_flag=True, help="Read everything from the log; else the newest backup in the folder is copied first."
)
@click.option(
    "--to",
    type=params.PlaceUrlType(),
    help="Keep the backup in an object store: file:///FOLDER, s3://, gs:// or az://BUCKET/PATH, by the store's own"
    " credentials. What is there is never replaced, what is new is added.",
)
@click.option("--from", "source", type=COPY, help="The backup to restore or verify: a file, or the URL of --to.")
@click.option("--yes", is_flag=True, help="Replace a ledger that is damaged or forked from the backup, unasked.")
@click.option("--rollback", is_flag=True, help="Go back to the backup where the ledger extends it.")
@click.option(
    "--keep-daily",
    type=click.IntRange(1, MOST_KEPT),
    metavar="N",
    help="Keep the newest backup of each of the last N days (UTC) that have one.",
)
@click.option("--keep-monthly", type=click.IntRange(1, MOST_KEPT), metavar="N", help="The same for months.")
@click.option(
    "--dry-run", is_flag=True, help="Check everything, say what --restore or --prune would do, change nothing."
)
@clock_option.option
@output.style_options
@click.pass_context
def backup(context: click.Context, /, *, style: Style, **given: Any) -> int:
    """Make, check, list, restore and prune backups.

    A backup is a plain framed copy of the log: an older one is a byte prefix of a newer one (cmp shows it),
    and it needs no database to be checked. A live ledger may go on ingesting meanwhile.
    """
    action = _action(context, given)
    found = settings.load()
    url = given["to"] or given["source"]
    if isinstance(url, str):
        from cli.commands.trust.backup import objects

        return objects.run(found, action, url, given, style)
    if action == "create":
        from cli.commands.trust.backup import create

        return create.create(found, given["out"], verify=given["verify"], full=given["full"], style=style)
    if action == "restore":
        from cli.commands.trust.backup import restore

        options = restore.RestoreOptions(yes=given["yes"], rollback=given["rollback"], dry_run=given["dry_run"])
        return restore.restore(found, given["source"], options, style)
    if action == "prune":
        from cli.commands.trust.backup import prune
        from ledger.backup.prune import Retention

        retention = Retention(daily=given["keep_daily"] or 0, monthly=given["keep_monthly"] or 0)
        return prune.prune(found, retention, dry_run=given["dry_run"], style=style)
    from cli.commands.trust.backup import inspect

    if action == "listing":
        return inspect.listing(found, style)
    return inspect.verify(found, given["source"], style)


def _action(context: click.Context, given: dict[str, Any]) -> str:
    """Return the one thing that was asked for, once the options go with it."""
    asked = [name for name in ("create", "restore", "listing", "prune") if given[name]] or ["verify"] * given["verify"]
    if len(asked) != 1:
        context.fail("got no single thing to do, want one of --create, --restore, --verify, --list, --prune")
    (action,) = asked
    for name in OPTIONS:
        if group_options.is_given(context, name) and name not in TAKES[action]:
            context.fail(f"got {_flag(name)} with {_flag(action)}, want it left out")
    if given["out"] and given["to"]:
        context.fail("got --out with --to, want one of them")
    if action == "listing" and given["source"] is not None and (given["to"] or not isinstance(given["source"], str)):
        context.fail("got --list with a file or with two places, want one URL after --from or --to")
    if given["verify"] and action not in {"verify", "create"}:
        context.fail(f"got --verify with {_flag(action)}, want one of them")
    if given["full"] and given["to"] is not None:
        context.fail("got --full with --to, want it left out")
    if action in NEEDS_SOURCE and given["source"] is None:
        context.fail(f"got {_flag(action)} without a file, want --from FILE")
    if action == "prune" and given["keep_daily"] is None and given["keep_monthly"] is None:
        context.fail("got --prune without how many to keep, want --keep-daily N, --keep-monthly N or both")
    return action


def _flag(name: str) -> str:
    return {
        "source": "--from",
        "listing": "--list",
    }.get(name, f"--{name.replace('_', '-')}")
