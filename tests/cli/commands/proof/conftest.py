"""A sample ledger with a key, a checkpoint and what lies beside it."""

from pathlib import Path

import pytest

from tests.support.sample_ledger import look


@pytest.fixture
def signed(copy: Path) -> Path:
    """A working folder whose ledger was signed once: `k.key`, `vkey.txt`, and the folder `out`."""
    assert 0 == look("key", "new", "--out", "k.key", cwd=copy).code
    (copy / "vkey.txt").write_text(look("key", "show", "k.key", cwd=copy).out)
    assert 0 == look("checkpoint", "--key", "k.key", "--out", "out", cwd=copy).code
    return copy
