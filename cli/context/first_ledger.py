"""The first ledger of a data folder: created by whichever command records first, and announced."""

from collections.abc import Callable
from pathlib import Path

from cli.app import output, version
from cli.app.settings import Settings
from ledger.store.create import create_ledger
from ledger.store.home import LedgerHome
from ledger.values import LedgerKind


def create(home: LedgerHome, kind: LedgerKind, settings: Settings, now: Callable[[], int]) -> Path | None:
    """Create a ledger under `home`, announce it on stderr and return its absolute folder; None where one exists.

    Of two first runs at once, one creates it and announces it.

    Raises: as `ledger.store.create.create_ledger` does.
    """
    made = create_ledger(
        home,
        kind=kind,
        software=f"{version.PACKAGE} {version.installed()}",
        now=now,
        lock_timeout_s=settings.ingest_lock_timeout_seconds,
    )
    if made is None:
        return None
    output.say(f"created {'the sample ledger' if kind == 'sample' else 'ledger'} {made.absolute()}", explains=False)
    return made.absolute()
