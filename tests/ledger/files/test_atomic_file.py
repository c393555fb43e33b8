"""A file takes its name whole and durable, or leaves nothing."""

import errno
import fcntl
import os
import stat
from pathlib import Path

import pytest

from ledger.errors import DiskFullError, NameTakenError, UnwritableError
from ledger.files.atomic_file import BEGUN_AT_ONCE_BYTES, part_file, write_whole


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


def test_the_disk_begins_with_much_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With each large write, and with nothing else; what was begun anew is begun at its start."""
    begun, much = list[tuple[int, ...]](), bytes(BEGUN_AT_ONCE_BYTES)
    monkeypatch.setattr("os.posix_fadvise", lambda _, *rest: begun.append(rest))
    with part_file(tmp_path / "a") as part:
        for content in (b"head", much, much[1:], memoryview(much + b"!")):
            part.write(content)
        part.empty()
        part.write(much)
        part.publish()
    size, at = len(much), os.POSIX_FADV_DONTNEED
    assert [(4, size, at), (3 + 2 * size, size + 1, at), (0, size, at)] == begun
    assert much == (tmp_path / "a").read_bytes()


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
    with pytest.raises(NameTakenError) as refusal, part_file(tmp_path / "a"):
        pass
    assert f"got a file at {tmp_path / 'a'} already, want a free name" == str(refusal.value)
    with part_file(tmp_path / "a", replace=True) as part:
        part.publish()
    assert b"" == (tmp_path / "a").read_bytes()


@pytest.mark.parametrize(
    ("failure", "want"),
    [
        (OSError(errno.ENOSPC, "full"), "got a full disk at FOLDER, want free space"),
        (OSError(errno.EDQUOT, "full"), "got a full disk at FOLDER, want free space"),
        (OSError(errno.EIO, "broken"), "got 'broken' on writing FOLDER/a, want a writable folder"),
        (OSError("of no number"), "got 'of no number' on writing FOLDER/a, want a writable folder"),
    ],
)
def test_a_failure_is_told_in_our_words(failure: OSError, want: str, tmp_path: Path) -> None:
    """From the block as well; nothing stays."""
    with pytest.raises((DiskFullError, UnwritableError)) as refusal, part_file(tmp_path / "a"):
        raise failure
    assert want.replace("FOLDER", str(tmp_path)) == str(refusal.value)
    assert [] == names(tmp_path)


def test_a_folder_that_is_a_file_is_unwritable(tmp_path: Path) -> None:
    """The path is named."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnwritableError) as refusal, part_file(tmp_path / "file" / "a"):
        pass
    assert tmp_path / "file" == refusal.value.path


def test_two_at_work_on_one_file_do_not_share_it(tmp_path: Path) -> None:
    """The second is refused, and what the first writes stays."""
    with part_file(tmp_path / "a") as part:
        part.write(b"first")
        with pytest.raises(UnwritableError, match="File exists"), part_file(tmp_path / "a"):
            pass
        part.publish()
    assert (["a"], b"first") == (names(tmp_path), (tmp_path / "a").read_bytes())


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_a_file_that_others_are_meant_to_read_is_theirs_as_far_as_the_umask_goes(mask: int, tmp_path: Path) -> None:
    """Unless it is made private; it replaces what was there."""
    before = os.umask(mask)
    try:
        for content in (b"longer", b"new"):
            write_whole(tmp_path / "shared", content)
            write_whole(tmp_path / "private", content, mode=0o600)
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("shared", "private")]
    assert ([0o644 & ~mask, 0o600], b"new") == (modes, (tmp_path / "shared").read_bytes())


def test_each_step_is_durable_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is re-read comes from the disk; the name is given to bytes that are there, and is there itself."""
    steps: list[tuple[object, ...]] = []
    with part_file(tmp_path / "a") as part:
        names_of = {part.fd: "part"}

        def told(name: str) -> None:
            real = getattr(os, name)

            def call(*args: object) -> object:
                steps.append(
                    (name, *(names_of.get(args[0], "folder") if at == 0 else arg for at, arg in enumerate(args)))
                )
                return real(*args)

            monkeypatch.setattr(os, name, call)

        told("fsync")
        told("posix_fadvise")
        part.sync()
        monkeypatch.setattr(os, "rename", lambda *_: steps.append(("rename",)))
        part.publish()
        monkeypatch.undo()
    whole_file = (0, 0, os.POSIX_FADV_DONTNEED)
    assert [
        ("fsync", "part"),
        ("posix_fadvise", "part", *whole_file),
        ("fsync", "part"),
        ("rename",),
        ("fsync", "folder"),
    ] == steps


def test_a_link_to_a_strangers_file_is_not_followed_when_parts_are_swept(tmp_path: Path) -> None:
    """Whoever put it there keeps it; a part that nobody holds goes."""
    (tmp_path / "stranger").write_bytes(b"theirs")
    (tmp_path / ".link.b3-ledger-part").symlink_to(tmp_path / "stranger")
    (tmp_path / ".dead.b3-ledger-part").write_bytes(b"half")
    write_whole(tmp_path / "x", b"whole")
    assert [".link.b3-ledger-part", "stranger", "x"] == names(tmp_path)


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
