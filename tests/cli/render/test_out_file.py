"""A file that a command writes is there whole, or as it was."""

import errno
import os
from pathlib import Path

import pytest

from cli.render import out_file
from ledger.errors import DiskFullError, LedgerError, UnwritableError


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """Nothing is left beside it."""
    path = tmp_path / "x"
    path.write_bytes(b"before, and longer")
    out_file.write(path, b"after")
    assert (b"after", [path]) == (path.read_bytes(), list(tmp_path.iterdir()))


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, DiskFullError), (errno.EIO, UnwritableError)])
def test_a_failure_leaves_the_file_as_it_was(
    number: int, error: type[LedgerError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the disk says."""

    def refuse(_fd: int) -> None:
        raise OSError(number, os.strerror(number))

    path = tmp_path / "x"
    path.write_bytes(b"before")
    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(error):
        out_file.write(path, b"after")
    assert (b"before", [path]) == (path.read_bytes(), list(tmp_path.iterdir()))
