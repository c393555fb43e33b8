"""What is written is written whole, however little the kernel takes at a time."""

import os
from pathlib import Path

import pytest

from ledger.files.durable import put_file


def test_a_file_is_whole_when_the_kernel_takes_one_byte_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count that was not looked at once left half a name in CURRENT."""
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, content, at: real(fd, content[:1], at))
    put_file(tmp_path / "CURRENT", b"ledger-12\n")
    assert b"ledger-12\n" == (tmp_path / "CURRENT").read_bytes()
    assert 0o600 == (tmp_path / "CURRENT").stat().st_mode & 0o777


def test_what_was_there_is_replaced(tmp_path: Path) -> None:
    """Nothing of a longer content stays."""
    put_file(tmp_path / "a", b"longer")
    put_file(tmp_path / "a", b"new")
    assert b"new" == (tmp_path / "a").read_bytes()
