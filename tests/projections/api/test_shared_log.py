"""However many read a ledger in one process, it is open once."""

from pathlib import Path

import pytest

from ledger.errors import NoLedgerError, StorageError
from ledger.store.create import create_ledger
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from projections.api.shared_log import shared_log


def test_those_who_read_at_once_share_one_log(home: LedgerHome) -> None:
    """It is closed with the last of them, in whatever order they go; then it can be opened by others."""
    first, second = shared_log(home), shared_log(home)
    log = first.__enter__()
    assert log is second.__enter__()
    first.__exit__(None, None, None)
    assert 1 == log.head().size
    with pytest.raises(StorageError, match="already open in this process"):
        EventLog(home, now=lambda: 0, readonly=True)
    second.__exit__(None, None, None)
    EventLog(home, now=lambda: 0, readonly=True).close()


def test_a_failure_is_not_shared(tmp_path: Path) -> None:
    """A ledger that is made after it was asked for in vain is found."""
    home = LedgerHome(tmp_path)
    with pytest.raises(NoLedgerError), shared_log(home):
        pass
    create_ledger(home, kind="real", software="test", now=lambda: 0, lock_timeout_s=5)
    with shared_log(home) as log:
        assert 1 == log.head().size
