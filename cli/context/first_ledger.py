"""The first ledger of a data folder: created by whichever command records first, and announced."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

from cli.app import clock, output, version
from cli.app.settings import Settings
from cli.context import guards
from ledger.errors import NoLedgerError
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from ledger.values import LedgerKind
from projections.store.runner import open_view, view_at
from projections.store.store import View


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


class CommandLedger:
    """The ledger that a command records in: the one that is there, or the one that it makes once it has what for.

    `log` is None while there is none; `created` is the folder of one that this command made.
    """

    def __init__(
        self, home: LedgerHome, kind: LedgerKind, settings: Settings, *, now: Callable[[], int], readonly: bool
    ) -> None:
        """`readonly` is a dry run, which makes nothing."""
        self.now = now
        self.log: EventLog | None = None
        self.created: Path | None = None
        self._home = home
        self._kind = kind
        self._settings = settings
        self._readonly = readonly
        self._held = ExitStack()

    def open(self) -> EventLog:
        """Open the ledger that is there, and return its log.

        Raises: what opening a ledger raises.
        """
        timeout_s = self._settings.ingest_lock_timeout_seconds
        log = EventLog(
            self._home,
            now=self.now,
            readonly=self._readonly,
            lock_timeout_s=timeout_s,
            guards=guards.of(self._kind),
        )
        self.log = self._held.enter_context(log)
        return self.log

    def make(self) -> EventLog:
        """Create the ledger, open it and return its log; where another process was first, that one's.

        Raises: what creating and opening a ledger raises.
        """
        self.created = create(self._home, self._kind, self._settings, self.now) or self.created
        return self.open()

    def needed(self) -> EventLog | None:
        """Return the log to append to, made if need be; None in a dry run where there is none.

        Raises: what creating and opening a ledger raises.
        """
        if self.log is None and not self._readonly:
            return self.make()
        return self.log

    @property
    def is_lacking(self) -> bool:
        """Whether there is no ledger though there might be: nothing was fit for one so far."""
        return self.log is None and not self._readonly

    @contextmanager
    def view(self) -> Iterator[View | None]:
        """Give the read models as of now, None where there is no ledger."""
        log = self.log
        if log is None:
            yield None
        elif log.readonly:
            # A dry run writes nothing at all, not even read models.
            yield view_at(log, log.head().size)
        else:
            with open_view(log, log.folder) as view:
                yield view

    def close(self) -> None:
        """Close the log, where one is open."""
        self._held.close()


@contextmanager
def opened(
    home: LedgerHome,
    kind: LedgerKind,
    settings: Settings,
    *,
    now: Callable[[], int],
    dry_run: bool,
    must_exist: bool,
) -> Iterator[CommandLedger]:
    """Give the ledger in `home`, open where it is there.

    Raises: NoLedgerError with `must_exist`; ClockRefusedError; what opening a ledger raises.
    """
    now()  # a clock that is refused is refused before anything is made
    with closing(CommandLedger(home, kind, settings, now=now, readonly=dry_run)) as ledger:
        if home.current() is not None:
            ledger.open()
        elif must_exist:
            raise NoLedgerError(home.root)
        yield ledger


@contextmanager
def importing(settings: Settings, *, dry_run: bool, must_exist: bool) -> Iterator[CommandLedger]:
    """Give the real ledger, which files are imported into.

    Raises: as `opened` does.
    """
    home, now = LedgerHome(settings.data_dir), partial(clock.now_us, settings)
    with opened(home, "real", settings, now=now, dry_run=dry_run, must_exist=must_exist) as ledger:
        yield ledger
