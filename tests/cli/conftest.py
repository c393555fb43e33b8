"""Ledgers that the reading commands look at."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import retelling
from tests.support import sample_ledger


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder with the sample's ledger in it, to be read only: whatever else changed shows at the end."""
    folder = tmp_path_factory.mktemp("sample")
    sample_ledger.make(folder)
    before = sample_ledger.kept(folder)
    yield folder
    assert before == sample_ledger.kept(folder)


@pytest.fixture(scope="session")
def retold(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working folder whose ledger holds a series told twice, to be read only."""
    folder = tmp_path_factory.mktemp("retold")
    retelling.retell(folder)
    before = sample_ledger.kept(folder)
    yield folder
    assert before == sample_ledger.kept(folder)


@pytest.fixture
def copy(sample: Path, tmp_path: Path) -> Path:
    """A working folder of its own, like `sample`, that a test may damage."""
    folder = tmp_path / "copy"
    shutil.copytree(sample, folder)
    return folder
