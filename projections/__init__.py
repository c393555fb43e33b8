"""The read side: folds over the log, and `open_ledger` for notebooks.

Every type that a ledger returns and every error that it raises can be imported from here. Each is imported from its
room when it is first asked for: commands pay for what they use of this package, and for nothing else.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    from ledger import (
        AnchorDamagedError,
        ArchiveDamagedError,
        ChecksumDamagedError,
        ClosedLedgerError,
        DamagedError,
        ForkedError,
        Head,
        LedgerError,
        LedgerKind,
        NewerFormatError,
        NoArchiveError,
        NoLedgerError,
        NotALedgerError,
        NotAnArchiveError,
        NothingToShowError,
        RolledBackError,
        Series,
        StorageError,
        TickerError,
        UnknownEventError,
        UnreadableError,
    )
    from projections.api.columns import Columns
    from projections.api.comparing import CompareRow
    from projections.api.days import Day, Tickers
    from projections.api.disputes import DisputedAction
    from projections.api.extras import MissingExtraError, SqlRefusedError
    from projections.api.ledger import Ledger
    from projections.api.rows import (
        AdjustedPrice,
        Change,
        CorporateAction,
        DiffRow,
        Instrument,
        LogEntry,
        MarketPrice,
        MissingSession,
        OptionPrice,
        Price,
    )
    from projections.api.why import WhyRow
    from projections.queries.position import AsOf
    from projections.relations.disputed import disputed_actions
    from projections.relations.sql import sql, table

__all__ = [
    "AdjustedPrice",
    "AnchorDamagedError",
    "ArchiveDamagedError",
    "AsOf",
    "Change",
    "ChecksumDamagedError",
    "ClosedLedgerError",
    "Columns",
    "CompareRow",
    "CorporateAction",
    "DamagedError",
    "Day",
    "DiffRow",
    "DisputedAction",
    "ForkedError",
    "Head",
    "Instrument",
    "Ledger",
    "LedgerError",
    "LedgerKind",
    "LogEntry",
    "MarketPrice",
    "MissingExtraError",
    "MissingSession",
    "NewerFormatError",
    "NoArchiveError",
    "NoLedgerError",
    "NotALedgerError",
    "NotAnArchiveError",
    "NothingToShowError",
    "OptionPrice",
    "Price",
    "RolledBackError",
    "Series",
    "SqlRefusedError",
    "StorageError",
    "TickerError",
    "Tickers",
    "UnknownEventError",
    "UnreadableError",
    "WhyRow",
    "disputed_actions",
    "open_ledger",
    "sql",
    "table",
]

# Where the public names are defined, the cheapest module first.
_HOMES = (
    "ledger",
    "projections.api.extras",
    "projections.api.columns",
    "projections.api.comparing",
    "projections.api.days",
    "projections.queries.position",
    "projections.api.rows",
    "projections.api.why",
    "projections.api.ledger",
    "projections.api.disputes",
    "projections.relations.disputed",
    "projections.relations.sql",
)


def open_ledger(path: "str | os.PathLike[str] | None" = None) -> "Ledger":
    """Return the ledger in the data folder or backup file `path`, for reading: nothing is ever written there.

    Without a path, the one that commands read: DATA_DIR of the environment or `.env`, else `./dados`; the sample's,
    where there is no real one. It stays as it was when opened; close it, or use it in a `with` block.

    Raises: a LedgerError. Of a folder NoLedgerError, NotALedgerError, NewerFormatError, UnreadableError, StorageError;
    DamagedError, UnknownEventError; RolledBackError, ForkedError, AnchorDamagedError when a witness contradicts the
    log. Of a file NoArchiveError, NotAnArchiveError, NewerFormatError, ArchiveDamagedError, ChecksumDamagedError.
    """
    from pathlib import Path

    from projections.api import ledger, locate

    return ledger.Ledger.opened(locate.data_dir() if path is None else Path(path))


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
