"""Which ledger a command looks at: the real one, else the sample's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from cli.app import clock
from cli.app.settings import Settings
from ledger.errors import NoLedgerError
from ledger.events import LedgerKind
from ledger.log_source import LogSource
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.store.runner import open_view
from projections.store.store import View

F = TypeVar("F", bound=Callable[..., object])

_ARCHIVE = f"{__name__}.archive"


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


def archive_option(command: F) -> F:
    """Give `command` the option `--ledger`: then `reading` gives it that file, and `chosen_archive` its path."""
    return click.option(
        "--ledger",
        "archive",
        type=click.Path(path_type=Path, dir_okay=False),
        expose_value=False,
        callback=_keep_archive,
        help="Read this backup file instead of the ledger in use.",
    )(command)


def chosen_archive() -> Path | None:
    """Return the file that `--ledger` names on this command line, None for the ledger in use."""
    context = click.get_current_context(silent=True)
    archive: Path | None = context.meta.get(_ARCHIVE) if context else None
    return archive


def _keep_archive(context: click.Context, _parameter: click.Parameter, value: Path | None) -> None:
    if value is not None:
        context.meta[_ARCHIVE] = value


@contextmanager
def reading(settings: Settings) -> Iterator[LogSource]:
    """Give the log that reading commands look at, open for reading only, and close it.

    With `--ledger`, that file, once all of it holds; no ledger is looked at then.

    Raises: as `active` does, and as opening an `EventLog` does; as `archive_log` does.
    """
    if (archive := chosen_archive()) is not None:
        # Imported here: only who names a file pays for its reader.
        from ledger.backup.archive_log import archive_log

        yield archive_log(archive)
        return
    home = active(settings).home
    with EventLog(home, now=lambda: clock.now_us(settings, reading=True), readonly=True) as log:
        yield log


def folder_of(log: LogSource) -> Path | None:
    """Return the folder beside which read models of `log` may be stored, None for a log that has none."""
    return log.folder if isinstance(log, EventLog) else None


@contextmanager
def viewing(settings: Settings) -> Iterator[View]:
    """Give the read models of the log in use, as of its head; see `view_of`.

    Raises: as `reading` and `projections.store.runner.open_view` do.
    """
    with reading(settings) as log, view_of(log) as view:
        yield view


@contextmanager
def view_of(log: LogSource) -> Iterator[View]:
    """Give the read models of `log` as of its head: stored ones where it has a place for them, else in memory."""
    with open_view(log, folder_of(log)) as view:
        yield view
