"""Errors of commands that the exit table needs without importing the commands."""

from datetime import date
from pathlib import Path

from ledger.errors import LedgerError, NothingToShowError
from ledger.urls import masked


class BarsFileError(LedgerError):
    """A file is not a CSV of bars; `line` counts from 1."""

    def __init__(self, path: Path, line: int, *, found: str, wanted: str) -> None:
        super().__init__(f"got {found} on line {line} of {path}, want {wanted}")
        self.path, self.line, self.found, self.wanted = path, line, found, wanted


class NotAnExportError(LedgerError):
    """A folder holds something that no export wrote; nothing in it is changed."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(f"got {found} in {path}, want an empty folder or an export")
        self.path, self.found = path, found


class ForeignObjectError(LedgerError):
    """A place in an object store holds something that no export wrote; nothing there is changed."""

    def __init__(self, url: str, found: str) -> None:
        super().__init__(f"got {found} at {masked(url)}, want an empty place or an export")
        self.url, self.found = masked(url), found


class ExportUnderWayError(LedgerError):
    """Another export took over the place that this one was writing to, and ends it."""

    def __init__(self, url: str) -> None:
        super().__init__(f"got another export at work at {masked(url)}, want one at a time")
        self.url = masked(url)


class NoSuchEventError(NothingToShowError):
    """The log is shorter than the seq that was asked for."""

    def __init__(self, seq: int, *, size: int) -> None:
        super().__init__(f"seq {seq}", wanted=f"one below {size}")
        self.seq, self.size = seq, size


class NotRetiredError(NothingToShowError):
    """A ticker's series has not ended, so that there is no end to take back."""

    def __init__(self, ticker: str) -> None:
        super().__init__(f"no end of {ticker} in force", wanted="one to undo")
        self.ticker = ticker


class NotImportedError(LedgerError):
    """The ledger holds no file of the exchange's that says what was asked for; `period` is what a file would be of."""

    def __init__(self, found: str, *, period: date | None) -> None:
        super().__init__(f"got {found}, want a file of the exchange's that has one")
        self.period = period or "YEAR"


class AlertsLockedError(LedgerError):
    """Another `main alerts` is at work on this ledger."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"got another main alerts at work ({path} is locked), want one at a time")
        self.path = path


class NotSeenError(LedgerError):
    """A newer version wrote this ledger: what cannot be read is neither well nor wrong."""


class TableRefusedError(LedgerError):
    """A Delta table is not one that this ledger can go on with: another's, ahead of the log, or not its prefix."""

    def __init__(self, table: str, found: str, *, wanted: str) -> None:
        super().__init__(f"got {found} at {masked(table)}, want {wanted}")
        self.table, self.found, self.wanted = masked(table), found, wanted
