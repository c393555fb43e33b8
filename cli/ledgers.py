"""Which ledger a command looks at: the real one, else the sample's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from cli import clock
from cli.settings import Settings
from ledger.errors import NoLedgerError
from ledger.events import LedgerKind
from ledger.home import LedgerHome
from ledger.log import EventLog
from ledger.source import LogSource


class ActiveLedger(msgspec.Struct, frozen=True):
    """The ledger that every command reads now; `folder` is the one that its `CURRENT` names."""

    home: LedgerHome
    folder: Path
    kind: LedgerKind


def active(settings: Settings) -> ActiveLedger:
    """Return the real ledger, and where there never was one, the sample's.

    Raises: NoLedgerError where neither is; NotALedgerError, UnreadableError.
    """
    home = LedgerHome(settings.data_dir)
    if (folder := home.current()) is not None:
        return ActiveLedger(home, folder, "real")
    if (folder := home.sample.current()) is not None:
        return ActiveLedger(home.sample, folder, "sample")
    raise NoLedgerError(settings.data_dir.absolute())


@contextmanager
def reading(settings: Settings) -> Iterator[LogSource]:
    """Give the log that reading commands look at, open for reading only, and close it.

    Raises: as `active` does, and as opening an `EventLog` does.
    """
    home = active(settings).home
    with EventLog(home, now=lambda: clock.now_us(settings, reading=True), readonly=True) as log:
        yield log


def folder_of(log: LogSource) -> Path | None:
    """Return the folder beside which read models of `log` may be stored, None for a log that has none."""
    return log.folder if isinstance(log, EventLog) else None
