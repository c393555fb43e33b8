"""`main replay`: what the events alone make of each read model."""

import click
import msgspec

from cli.app import output, settings
from cli.app.exit_codes import Exit
from cli.app.output import Style
from cli.context import ledgers, params, positions
from projections.queries.position import UpTo
from projections.store import replaying
from projections.store.registry import ALL


class ReplayRow(msgspec.Struct, frozen=True, kw_only=True):
    """A projection after the first `events` events; `digest` is BLAKE3 over its rows, the same on any machine."""

    projection: str
    version: int
    events: int
    digest: str


@click.command(
    epilog="""\b
Examples:
  main replay
  main replay --until 120
  main replay --until 2026-02-13 --format json

\b
Exit codes: 0 replayed, 2 a damaged ledger, 3 no ledger, or a time before its first event.
"""
)
@click.option("--until", type=params.UP_TO, help="Replay only so far.  [default: everything]")
@ledgers.archive_option
@output.style_options
def replay(until: UpTo | None, style: Style) -> int:
    """Fold the log into a store of its own, which is gone afterwards, and print each projection's digest."""
    with ledgers.reading(settings.load()) as log, output.still_working("replaying …"):
        stop = positions.reached(log, until)
        digests = replaying.replay(log, stop, places=replaying.places_beside(ledgers.folder_of(log)))
    found = [ReplayRow(projection=one.name, version=one.version, events=stop, digest=digests[one.name]) for one in ALL]
    output.show(found, style, text=lambda one: f"{one.digest}  {one.projection}/{one.version}  {one.events} events")
    return Exit.OK
