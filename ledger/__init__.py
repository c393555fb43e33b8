"""The write side: the log and all that appends to it.

Every error that this software raises can be imported from here, and the few types that the errors and `projections`
speak of. Each is imported from its room when it is first asked for: importing `ledger` alone costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ledger.chain import Head
    from ledger.claims import OtherLogError
    from ledger.errors import (
        AnchorDamagedError,
        AppendIdError,
        ArchiveDamagedError,
        BodyTooLargeError,
        ChecksumDamagedError,
        ClosedLedgerError,
        ConflictError,
        CotahistError,
        DamagedError,
        DiskFullError,
        ForkedError,
        HandleShortageError,
        KilledError,
        LedgerError,
        LedgerReplacedError,
        MemoryShortageError,
        NameTakenError,
        NewerFormatError,
        NoArchiveError,
        NoLedgerError,
        NotALedgerError,
        NotAnArchiveError,
        NothingToSalvageError,
        NothingToShowError,
        ProcessShortageError,
        ProviderClockError,
        ReaderShortageError,
        RestoreRefusedError,
        RollbackRefusedError,
        RolledBackError,
        ShortageError,
        StorageError,
        TickerLockError,
        UnknownEventError,
        UnreadableError,
        UnwritableError,
        WriterLockError,
        WrongKindError,
    )
    from ledger.market.series import Series
    from ledger.market.ticker import TickerError
    from ledger.values import LedgerKind

__all__ = [
    "AnchorDamagedError",
    "AppendIdError",
    "ArchiveDamagedError",
    "BodyTooLargeError",
    "ChecksumDamagedError",
    "ClosedLedgerError",
    "ConflictError",
    "CotahistError",
    "DamagedError",
    "DiskFullError",
    "ForkedError",
    "HandleShortageError",
    "Head",
    "KilledError",
    "LedgerError",
    "LedgerKind",
    "LedgerReplacedError",
    "MemoryShortageError",
    "NameTakenError",
    "NewerFormatError",
    "NoArchiveError",
    "NoLedgerError",
    "NotALedgerError",
    "NotAnArchiveError",
    "NothingToSalvageError",
    "NothingToShowError",
    "OtherLogError",
    "ProcessShortageError",
    "ProviderClockError",
    "ReaderShortageError",
    "RestoreRefusedError",
    "RollbackRefusedError",
    "RolledBackError",
    "Series",
    "ShortageError",
    "StorageError",
    "TickerError",
    "TickerLockError",
    "UnknownEventError",
    "UnreadableError",
    "UnwritableError",
    "WriterLockError",
    "WrongKindError",
]

# Where the public names are defined, the cheapest module first.
_HOMES = (
    "ledger.errors",
    "ledger.market.ticker",
    "ledger.market.series",
    "ledger.chain",
    "ledger.events",
    "ledger.claims",
)

# Hidden from type checkers: to them a module with `__getattr__` has every name, misspelled ones too.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        if name in __all__:
            for home in _HOMES:
                if (found := getattr(import_module(home), name, None)) is not None:
                    globals()[name] = found
                    return found
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
