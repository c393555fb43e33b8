"""What is written is written whole, however little the kernel takes at a time."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from ledger.files.atomic_file import write_whole
from ledger.files.durable import make_folder, make_private_folder, open_private, put_file

NOBODY = 65534
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.mark.damages("CURRENT names a folder that never was")
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


@NEEDS_ROOT
def test_what_is_new_takes_the_owner_of_its_folder(tmp_path: Path) -> None:
    """Files by every way to make one, and each folder on the way down."""
    os.chown(tmp_path, NOBODY, NOBODY)
    make_private_folder(tmp_path / "a" / "b")
    put_file(tmp_path / "a" / "put", b"x")
    write_whole(tmp_path / "a" / "whole", b"x")
    os.close(open_private(tmp_path / "a" / "lock", os.O_RDWR))
    assert {(NOBODY, NOBODY)} == {(one.lstat().st_uid, one.lstat().st_gid) for one in tmp_path.rglob("*")}


@NEEDS_ROOT
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_what_was_there_keeps_its_owner(link: Callable[[Path, Path], None], tmp_path: Path) -> None:
    """A link, planted by the folder's owner, gives nobody a file of root's; a symbolic one is refused by name."""
    kept, folder = tmp_path / "kept", tmp_path / "theirs"
    kept.write_bytes(b"root's")
    folder.mkdir()
    os.chown(folder, NOBODY, NOBODY)
    link(kept, folder / "lock")
    refused = pytest.raises(OSError, match="Is a symbolic link") if link is os.symlink else nullcontext()
    with refused:
        os.close(open_private(folder / "lock", os.O_RDWR))
    assert (0, b"root's") == (kept.stat().st_uid, kept.read_bytes())


def test_a_link_to_nothing_is_not_followed(tmp_path: Path) -> None:
    """It would make a file wherever the link's maker pleases."""
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="Is a symbolic link"):
        open_private(tmp_path / "lock", os.O_RDWR)
    assert not (tmp_path / "elsewhere").exists()


def test_folders_are_open_to_no_other_writer_whatever_the_umask(tmp_path: Path) -> None:
    """The innermost is private; those that had to be made above it may be read."""
    before = os.umask(0)
    try:
        make_private_folder(tmp_path / "a" / "b")
        make_folder(tmp_path / "c" / "d")
    finally:
        os.umask(before)
    modes = {str(one.relative_to(tmp_path)): one.stat().st_mode & 0o777 for one in tmp_path.rglob("*")}
    assert {"a": 0o755, "a/b": 0o700, "c": 0o755, "c/d": 0o755} == modes
