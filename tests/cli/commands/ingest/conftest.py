"""What commands ingest and import is audited when a test is over."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.oracle import check_audits_below


@pytest.fixture(autouse=True)
def _audited(tmp_path: Path) -> Iterator[None]:
    """Every ledger that a test of runs and imports made."""
    yield
    check_audits_below(tmp_path)
