"""A backup and a home without a ledger, for whatever restores."""

from pathlib import Path

import pytest

from ledger.backup.archive_log import ArchiveLog, archive_log
from ledger.store.home import LedgerHome
from tests.ledger.restoring import OURS
from tests.support.archives import archive, put


@pytest.fixture
def backup(tmp_path: Path) -> ArchiveLog:
    """An archive of six events."""
    return archive_log(put(tmp_path / "a.db", archive(OURS), checksum=True))


@pytest.fixture
def empty(tmp_path: Path) -> LedgerHome:
    """A home without a ledger."""
    return LedgerHome(tmp_path / "dados")
