"""A file that a command writes is there whole, or as it was."""

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
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


def test_a_link_is_followed_and_kept(tmp_path: Path) -> None:
    """To a file that is there, and to one that is not yet."""
    for name in ("there", "new"):
        target, link = tmp_path / name, tmp_path / f"link-{name}"
        link.symlink_to(target)
        if name == "there":
            target.write_bytes(b"before")
        out_file.write(link, b"after")
        assert (True, b"after", False) == (link.is_symlink(), target.read_bytes(), target.is_symlink())


def test_a_link_to_itself_is_refused(tmp_path: Path) -> None:
    """It leads nowhere."""
    (tmp_path / "x").symlink_to(tmp_path / "x")
    with pytest.raises(UnwritableError):
        out_file.write(tmp_path / "x", b"after")


@pytest.mark.parametrize("through_a_link", [False, True])
def test_a_pipe_is_written_to_as_it_is(through_a_link: bool, tmp_path: Path) -> None:
    """More than it holds at once, too; afterwards it is still a pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    name = tmp_path / "link"
    name.symlink_to(pipe)
    content = bytes(300_000)
    with ThreadPoolExecutor(1) as executor:
        reading = executor.submit(pipe.read_bytes)
        out_file.write(name if through_a_link else pipe, content)
        assert content == reading.result(20)
    assert (True, True) == (pipe.is_fifo(), name.is_symlink())


def test_a_pipe_that_nobody_reads_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is refused, and left as it was."""
    monkeypatch.setattr(out_file, "READER_S", 0.1)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnwritableError):
        out_file.write(tmp_path / "pipe", b"after")
    assert (tmp_path / "pipe").is_fifo()


def test_a_reader_that_leaves_early_has_seen_enough(tmp_path: Path) -> None:
    """Nothing is said."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with ThreadPoolExecutor(1) as executor:
        writing = executor.submit(out_file.write, pipe, bytes(1_000_000))
        os.set_blocking(reading, True)
        while not os.read(reading, 1) and not writing.done():
            pass  # the writer has not opened it yet
        os.close(reading)
        writing.result(20)


def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    """A terminal of the test's own, behind a link: no rename comes near it."""
    ours, theirs = os.openpty()
    link = tmp_path / "device"
    link.symlink_to(os.ttyname(theirs))
    out_file.write(link, b"after")
    assert (b"after", True) == (os.read(ours, 5), link.is_symlink())
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_nothing_but_a_regular_file_is_ever_replaced(
    kind: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Decided by the kind alone, whoever runs it."""
    path = tmp_path / "x"
    path.write_bytes(b"before")
    inode = path.stat().st_ino
    told = os.stat_result((kind | 0o666, *path.stat()[1:]))
    with monkeypatch.context() as patch:
        patch.setattr(Path, "stat", lambda _self, **_: told)
        out_file.write(path, b"after!")
    assert (b"after!", inode) == (path.read_bytes(), path.stat().st_ino)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    """By its name."""
    with pytest.raises(UnwritableError, match="Is a directory"):
        out_file.write(tmp_path, b"after")
