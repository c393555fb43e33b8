"""A ledger where there was none: made by whatever records first, and announced."""

from collections.abc import Callable
from pathlib import Path

from cli import output, version
from cli.settings import Settings
from ledger.creation import create_ledger
from ledger.events import LedgerKind
from ledger.home import LedgerHome


def create(home: LedgerHome, kind: LedgerKind, settings: Settings, now: Callable[[], int]) -> Path:
    """Return the absolute folder of the ledger under `home`, made now if there is none, and say so on stderr.

    Raises: as `ledger.creation.create_ledger` does.
    """
    folder = create_ledger(
        home,
        kind=kind,
        software=f"{version.PACKAGE} {version.installed()}",
        now=now,
        lock_timeout_s=settings.ingest_lock_timeout_seconds,
    ).absolute()
    output.say(f"created {'the sample ledger' if kind == 'sample' else 'ledger'} {folder}")
    return folder
