"""An archive and where what is kept of it is to be."""

from pathlib import Path

import pytest

from tests.projections.store.kept_archives import WHOLE
from tests.support.archives import put


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An archive, nothing of it cached yet."""
    return put(tmp_path / "a.db", WHOLE)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where the cache is to be."""
    return tmp_path / "home" / "b3-ledger"
