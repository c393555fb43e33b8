"""`main rebuild`: the stored read models built again from the log, or compared with it."""

from pathlib import Path
from typing import Literal

import click
import msgspec

from cli.app import exits, output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers
from ledger.chain import Head
from ledger.errors import NothingToShowError
from projections.store import replaying, runner
from projections.store.folder import Shelf
from projections.store.registry import ALL
from projections.store.replaying import StoredDifference
from projections.store.store import models_of


class RebuildRow(msgspec.Struct, frozen=True, kw_only=True):
    """The stored projections that were built or checked, and how many events they stand at.

    `differences` names, for each projection whose stored state is not what the log says, the first table and key
    (hex) where they part.
    """

    verdict: Literal["rebuilt", "same", "different"]
    projections: tuple[str, ...]
    events: int
    head: str
    differences: tuple[StoredDifference, ...] = ()


@click.command(
    epilog="""\b
Examples:
  main rebuild
  main rebuild --projection prices
  main rebuild --check

\b
Exit codes: 0 rebuilt, or the same; 2 --check found a difference, or the log is not the one that it
was; 3 no ledger, nothing stored to check, or no permission to write.
"""
)
@click.option("--projection", type=click.Choice([one.name for one in ALL]), help="Only this one.  [default: all]")
@click.option("--check", is_flag=True, help="Change nothing: compare what is stored with a full replay.")
@output.style_options
@click.pass_context
def rebuild(context: click.Context, /, projection: str | None, *, check: bool, style: Style) -> int:
    """Drop the stored projections and build them again from the log."""
    chosen = tuple(one.name for one in ALL if projection in {None, one.name})
    with ledgers.reading(settings.load()) as log:
        folder = ledgers.folder_of(log)
        if folder is None:
            context.fail("got a log that has no stored projections, want the ledger itself")
        differences: tuple[StoredDifference, ...] = ()
        with output.still_working("replaying …"):
            if check:
                head = _stored_head(folder)
                wanted = [one for one in ALL if one.name in chosen]
                differences = tuple(replaying.compare(log, folder, wanted, places=replaying.places_beside(folder)))
            else:
                head = runner.rebuild(log, folder, chosen)
    verdict: Literal["rebuilt", "same", "different"] = "different" if differences else "same" if check else "rebuilt"
    row = RebuildRow(
        verdict=verdict, projections=chosen, events=head.size, head=head.link.hex(), differences=differences
    )
    lines = [f"{verdict}: {', '.join(chosen)} at {head.size} events"]
    for apart in differences:
        lines.append(f"  {apart.projection}: table {apart.table}, key {apart.key}")
        lines.append(f"    stored {apart.stored}, replayed {apart.replayed}")
    output.report([row], style, text=lambda _: "\n".join(lines))
    apart_in = ", ".join(sorted({apart.projection for apart in differences}))
    return exits.ended(Exit.CRITICAL if differences else Exit.OK, f"stored and replayed rows differ: {apart_in}")


def _stored_head(folder: Path) -> Head:
    """Return the head that the stored projections have read to, if they are those of this version.

    Raises: NothingToShowError; ShortageError.
    """
    with Shelf(folder).stored(needed=True) as store:
        if store is None or store.models != models_of(ALL):
            raise NothingToShowError("no stored projections of this version", wanted="some to compare: main rebuild")
        return store.head()
