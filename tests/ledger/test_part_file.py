"""A file takes its name whole and durable, or leaves nothing."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from ledger.errors import DiskFullError, NameTakenError, UnwritableError
from ledger.part_file import part_file, write_whole


def names(folder: Path) -> list[str]:
    """Return what lies in `folder`."""
    return sorted(path.name for path in folder.iterdir())


def test_what_is_published_has_the_name(tmp_path: Path) -> None:
    """And the part is gone."""
    with part_file(tmp_path / "a") as part:
        part.write(b"con")
        part.write(b"tent")
        assert not (tmp_path / "a").exists()
        part.publish()
    assert (["a"], b"content") == (names(tmp_path), (tmp_path / "a").read_bytes())


def test_what_is_not_published_leaves_nothing(tmp_path: Path) -> None:
    """Whether the block ends or breaks."""
    with part_file(tmp_path / "a") as part:
        part.write(b"content")
    with pytest.raises(KeyboardInterrupt), part_file(tmp_path / "a"):
        raise KeyboardInterrupt
    assert [] == names(tmp_path)


def test_a_taken_name_is_refused_unless_it_may_be_replaced(tmp_path: Path) -> None:
    """A dangling link counts as taken."""
    (tmp_path / "a").symlink_to("nowhere")
    with pytest.raises(NameTakenError), part_file(tmp_path / "a"):
        pass
    with part_file(tmp_path / "a", replace=True) as part:
        part.publish()
    assert b"" == (tmp_path / "a").read_bytes()


@pytest.mark.parametrize(
    ("number", "error"),
    [(errno.ENOSPC, DiskFullError), (errno.EDQUOT, DiskFullError), (errno.EIO, UnwritableError)],
)
def test_a_failure_is_told_in_our_words(number: int, error: type[Exception], tmp_path: Path) -> None:
    """From the block as well; nothing stays."""
    with pytest.raises(error), part_file(tmp_path / "a"):
        raise OSError(number, os.strerror(number))
    assert [] == names(tmp_path)


def test_a_folder_that_is_a_file_is_unwritable(tmp_path: Path) -> None:
    """The path is named."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnwritableError), part_file(tmp_path / "file" / "a"):
        pass


def test_a_part_swept_before_it_was_locked_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweep that comes between opening and locking takes a name away, not a file."""
    real, swept = fcntl.flock, []

    def flock(fd: int, operation: int) -> None:
        if not swept:
            swept.extend(tmp_path.iterdir())
            swept[0].unlink()
        real(fd, operation)

    monkeypatch.setattr("fcntl.flock", flock)
    write_whole(tmp_path / "x", b"whole")
    assert ([tmp_path / "x"], b"whole", 1) == (list(tmp_path.iterdir()), (tmp_path / "x").read_bytes(), len(swept))
