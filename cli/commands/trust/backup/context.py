"""The ledger and the clock of a command that makes or restores a backup."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from cli.app import clock, output
from cli.app.settings import Settings
from ledger.backup.scan import Advance
from ledger.values import LedgerKind


def clock_of(kind: LedgerKind, given: Settings) -> Callable[[], int]:
    """Return the clock that stamps events of a ledger of this kind, once it is known to be allowed there.

    Raises: ClockRefusedError.
    """

    def now() -> int:
        return clock.now_us(given, sample=kind == "sample")

    now()
    return now


def watch(doing: str, events: int | None) -> AbstractContextManager[Advance | None]:
    """Watch a pass over events on the terminal, if there is one."""
    return output.meter(doing, events)
