"""What a writer of this program heeds, beside the anchor, before it appends anything."""

from cli.app import output
from cli.context import clock_option, witnesses
from ledger.store.ceiling import Ceiling
from ledger.store.event_log import Guards
from ledger.values import LedgerKind


def of(kind: LedgerKind) -> Guards:
    """Return the guards of a ledger of this kind; the sample's clock stands still, so nothing bounds it."""
    ceiling = None
    if kind == "real":
        ceiling = Ceiling(allowed=clock_option.is_allowed(), say=lambda words: output.say(f"note: {words}"))
    return Guards(witnesses=witnesses.projections, ceiling=ceiling)
