"""Key files: 0600, never replaced, never shown."""

from pathlib import Path

import pytest

from ledger.checkpoint.errors import KeyFileError
from ledger.checkpoint.key_file import read_key, write_key
from ledger.checkpoint.note import new_key
from ledger.errors import NameTakenError, UnreadableError


def test_there_and_back(tmp_path: Path) -> None:
    """One line, readable by its owner alone."""
    key = new_key("b3-ledger/test")
    write_key(tmp_path / "key", key)
    assert 0o600 == (tmp_path / "key").stat().st_mode & 0o777
    assert 1 == (tmp_path / "key").read_text().count("\n")
    assert key == read_key(tmp_path / "key")


def test_a_key_is_never_replaced(tmp_path: Path) -> None:
    """Nor is any other file."""
    (tmp_path / "key").write_text("mine")
    with pytest.raises(NameTakenError):
        write_key(tmp_path / "key", new_key("a"))
    assert "mine" == (tmp_path / "key").read_text()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_key_that_others_may_read(tmp_path: Path, mode: int) -> None:
    """Is refused, with what would mend it."""
    write_key(tmp_path / "key", new_key("a"))
    (tmp_path / "key").chmod(mode)
    with pytest.raises(KeyFileError, match=f"got mode {mode:04o}"):
        read_key(tmp_path / "key")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff", b"a+00000000+AA==", b"PRIVATE+KEY+a+00000000+AA=="])
def test_what_is_no_key(tmp_path: Path, content: bytes) -> None:
    """No message shows what is in the file."""
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="got no signing key at"):
        read_key(path)


def test_no_file(tmp_path: Path) -> None:
    """Is said as such."""
    with pytest.raises(UnreadableError):
        read_key(tmp_path / "none")
