"""The read models that a reading command looks at."""

from collections.abc import Iterator
from contextlib import contextmanager

from cli import ledgers
from cli.settings import Settings
from ledger.log_source import LogSource
from projections.store.runner import open_view
from projections.store.store import View


@contextmanager
def viewing(settings: Settings) -> Iterator[View]:
    """Give the read models of the log in use, as of its head; see `of`.

    Raises: as `ledgers.reading` and `projections.store.runner.open_view` do.
    """
    with ledgers.reading(settings) as log, of(log) as view:
        yield view


@contextmanager
def of(log: LogSource) -> Iterator[View]:
    """Give the read models of `log` as of its head: stored ones where it has a place for them, else in memory."""
    with open_view(log, ledgers.folder_of(log)) as view:
        yield view
