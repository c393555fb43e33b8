"""The first ledger of a data folder: created by whichever command records first, and announced."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from cli.app import clock, output, version
from cli.app.settings import Settings
from cli.context import guards
from ledger.errors import NoLedgerError
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
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


class ImportLedger:
    """The real ledger of an import: the one that is there, or one that the first file fit for it makes.

    `log` is None while there is none; `created` is the folder of one that this command made.
    """

    def __init__(
        self, log: EventLog | None, *, make: Callable[[], tuple[EventLog, Path | None]] | None, now: Callable[[], int]
    ) -> None:
        """`make` is None in a dry run, which makes nothing."""
        self.log = log
        self.created: Path | None = None
        self.now = now
        self._make = make

    def needed(self) -> EventLog | None:
        """Return the log to append to, made if need be; None in a dry run where there is none.

        Raises: what creating and opening a ledger raises.
        """
        if self.log is None and self._make is not None:
            self.log, self.created = self._make()
        return self.log

    @property
    def is_lacking(self) -> bool:
        """Whether there is no ledger though there might be: nothing was fit for one so far."""
        return self.log is None and self._make is not None


@contextmanager
def importing(settings: Settings, *, dry_run: bool, must_exist: bool) -> Iterator[ImportLedger]:
    """Give the ledger that files are imported into.

    Raises: NoLedgerError with `must_exist`; ClockRefusedError; what opening a ledger raises.
    """

    def now() -> int:
        return clock.now_us(settings)

    now()  # a clock that is refused is refused before anything is made
    home = LedgerHome(settings.data_dir)
    with ExitStack() as held:

        def opened() -> EventLog:
            timeout_s = settings.ingest_lock_timeout_seconds
            return held.enter_context(
                EventLog(home, now=now, readonly=dry_run, lock_timeout_s=timeout_s, guards=guards.of("real"))
            )

        def make() -> tuple[EventLog, Path | None]:
            created = create(home, "real", settings, now)
            return opened(), created

        log = None if home.current() is None else opened()
        if log is None and must_exist:
            raise NoLedgerError(home.root)
        yield ImportLedger(log, make=None if dry_run else make, now=now)
