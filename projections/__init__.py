"""The read side: folds over the log, and `open_ledger` for notebooks."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os

    from projections.api.ledger import Ledger

__all__ = ["open_ledger"]


def open_ledger(path: "str | os.PathLike[str] | None" = None) -> "Ledger":
    """Return the ledger in the data folder or backup file `path`, for reading: nothing is ever written there.

    Without a path, the one that commands read: DATA_DIR of the environment or `.env`, else `./dados`; the sample's,
    where there is no real one. It stays as it was when opened; close it, or use it in a `with` block.

    Raises: NoLedgerError; what opening a log or an archive does.
    """
    # Imported here: commands pay for what they use of this package, and for nothing else.
    from pathlib import Path

    from projections.api import ledger, locate

    return ledger.Ledger.opened(locate.data_dir() if path is None else Path(path))
