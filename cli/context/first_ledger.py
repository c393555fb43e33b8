"""A ledger where there was none: made by whatever records first, and announced."""

from collections.abc import Callable
from pathlib import Path

from cli.app import output, version
from cli.app.settings import Settings
from ledger.events import LedgerKind
from ledger.store.create import create_ledger
from ledger.store.home import LedgerHome


def create(home: LedgerHome, kind: LedgerKind, settings: Settings, now: Callable[[], int]) -> Path | None:
    """Return the absolute folder of the ledger made under `home`, and say so on stderr; None where there is one.

    Of two first runs at once, one made it and says so.

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
    output.say(f"created {'the sample ledger' if kind == 'sample' else 'ledger'} {made.absolute()}")
    return made.absolute()
