"""Whoever only looks at a ledger must not be able to change it."""

from pathlib import Path

import pytest

from ledger.errors import LedgerError
from ledger.store.engine import Engine


def refuse_writing(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Make `module` unable to open a database for writing, in its child processes too."""

    def engine(folder: Path, *, readonly: bool) -> Engine:
        if readonly is not True:
            raise LedgerError(f"got {folder} opened for writing, want it opened for reading")
        return Engine(folder, readonly=True)

    monkeypatch.setattr(f"{module}.Engine", engine)
