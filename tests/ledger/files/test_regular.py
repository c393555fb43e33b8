"""A file is regular or refused, and no pipe or device is waited for."""

import os
from pathlib import Path

import pytest

from ledger.files.regular import open_own, read_regular


def test_a_regular_file_is_read_whole_to_its_bound(tmp_path: Path) -> None:
    """One byte more is refused, by its path."""
    path = tmp_path / "x"
    path.write_bytes(b"four")
    assert b"four" == read_regular(path, limit_bytes=4)
    with pytest.raises(OSError, match="File too long") as refused:
        read_regular(path, limit_bytes=3)
    assert str(path) == refused.value.filename


@pytest.mark.parametrize("follow", [True, False])
def test_a_pipe_and_a_folder_are_refused_at_once(follow: bool, tmp_path: Path) -> None:
    """Opening the pipe would block for ever."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="Not a regular file"):
        read_regular(tmp_path / "pipe", limit_bytes=1, follow=follow)
    with pytest.raises(IsADirectoryError):
        read_regular(tmp_path, limit_bytes=1, follow=follow)


def test_a_device_is_refused(tmp_path: Path) -> None:
    """Behind a link too: it has no end."""
    (tmp_path / "link").symlink_to("/dev/zero")
    with pytest.raises(OSError, match="Not a regular file"):
        read_regular(tmp_path / "link", limit_bytes=1)


def test_a_link_is_followed_or_refused_by_name(tmp_path: Path) -> None:
    """A person's file may be a link, one of the ledger's own may not: what it leads to stays as it was."""
    target, link = tmp_path / "x", tmp_path / "link"
    target.write_bytes(b"mine")
    link.symlink_to(target)
    assert b"mine" == read_regular(link, limit_bytes=4)
    with pytest.raises(OSError, match="Is a symbolic link") as refused:
        read_regular(link, limit_bytes=4, follow=False)
    with pytest.raises(OSError, match="Is a symbolic link"):
        open_own(link, os.O_WRONLY | os.O_TRUNC)
    assert (str(link), b"mine") == (refused.value.filename, target.read_bytes())
