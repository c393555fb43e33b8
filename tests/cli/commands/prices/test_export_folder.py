"""An export is there whole or not at all, and takes the place of nothing but an export."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from cli.app.errors import NotAnExportError
from cli.commands.prices.export.folder import SUFFIX, fresh_folder, put_manifest
from cli.commands.prices.export.row import FORMAT, ExportedFile, Manifest
from ledger.errors import UnwritableError


def write(path: Path, *names: str, format_: str = FORMAT) -> None:
    """Make an export of `names` at `path`."""
    files = [ExportedFile(path=name, rows=0, sha256="") for name in names]
    with fresh_folder(path) as folder:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text("x")
        put_manifest(
            folder,
            Manifest(
                format=format_, file_format="csv", kind="real", position=1, head="", software="", series=[], files=files
            ),
        )


def found(folder: Path) -> list[str]:
    """Return every file below `folder`."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_new_export_takes_its_name(tmp_path: Path) -> None:
    """Folders above it are made; an empty folder there is as good as none."""
    (tmp_path / "empty").mkdir()
    for name in ("a/b", "empty"):
        write(tmp_path / name, "prices/one")
    assert ["a/b/manifest.json", "a/b/prices/one", "empty/manifest.json", "empty/prices/one"] == found(tmp_path)


def test_an_export_is_replaced_whole(tmp_path: Path) -> None:
    """What only the one before it had is gone."""
    write(tmp_path / "a", "one", "two")
    write(tmp_path / "a", "three")
    assert ["a/manifest.json", "a/three"] == found(tmp_path)


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    """And nothing of its own."""
    write(tmp_path / "a", "one")

    def fail() -> None:
        with fresh_folder(tmp_path / "a") as folder:
            (folder / "half").write_text("x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert ["a/manifest.json", "a/one"] == found(tmp_path)
    assert [tmp_path / "a"] == list(tmp_path.iterdir())


def in_child(body: Callable[[], object]) -> int:
    """Run `body` in a process of its own and return its wait status."""
    if pid := os.fork():
        return os.waitpid(pid, 0)[1]
    try:
        body()
    finally:
        os._exit(0)


@pytest.mark.parametrize(
    ("renames", "left"),
    [
        (1, ["a", "new"]),  # the manifest has its name; the export before it goes aside next
        (2, ["new", "old"]),
    ],
)
def test_what_a_killed_export_left_is_cleared_by_the_next(
    renames: int, left: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before its folder takes the name, or after it took the name from the one before."""
    write(tmp_path / "a", "one")
    todo = [Path.rename] * renames
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", lambda *args: todo.pop()(*args) if todo else signal.raise_signal(signal.SIGKILL))
        assert signal.SIGKILL == in_child(lambda: write(tmp_path / "a", "half"))
    assert left == sorted(path.name.removesuffix(SUFFIX).split(".")[-1] for path in tmp_path.iterdir())
    write(tmp_path / "a", "two")
    assert ["a/manifest.json", "a/two"] == found(tmp_path)
    assert [tmp_path / "a"] == list(tmp_path.iterdir())


def test_an_export_under_way_is_nobodys_to_clear(tmp_path: Path) -> None:
    """Nor is one of another name."""
    (tmp_path / ".ab.1.new.b3-ledger-export").mkdir()
    with fresh_folder(tmp_path / "a") as folder:
        assert 0 == in_child(lambda: write(tmp_path / "a", "theirs"))
        assert ["a/manifest.json", "a/theirs"] == found(tmp_path)
        (folder / "mine").write_text("x")
    assert ["a/mine"] == found(tmp_path)
    assert {"a", ".ab.1.new.b3-ledger-export"} == {one.name for one in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: (path / "notes.txt").write_text("mine"), "got notes.txt in"),
        (lambda path: (path / "below").mkdir() or (path / "below" / "x").write_text("mine"), "got below/x in"),
        (lambda path: (path / "link").symlink_to(path / "one"), "got link in"),
        (lambda path: (path / "manifest.json").unlink(), "got one in"),
        (lambda path: (path / "manifest.json").write_text("{}"), "got manifest.json in"),
    ],
)
def test_a_folder_with_anything_else_is_left_alone(spoil: object, message: str, tmp_path: Path) -> None:
    """Whatever somebody put there by hand."""
    write(tmp_path / "a", "one")
    assert callable(spoil)
    spoil(tmp_path / "a")
    before = found(tmp_path)
    with pytest.raises(NotAnExportError, match=message):
        write(tmp_path / "a", "two")
    assert before == found(tmp_path)


def test_an_export_of_another_format_is_left_alone(tmp_path: Path) -> None:
    """Of a later version, say."""
    write(tmp_path / "a", "one", format_="b3-ledger export 4")
    with pytest.raises(NotAnExportError, match="want an empty folder or an export"):
        write(tmp_path / "a", "two")


def test_a_file_and_a_link_are_left_alone(tmp_path: Path) -> None:
    """Neither is a folder."""
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path)
    for name in ("file", "link"):
        with pytest.raises(NotAnExportError, match="got no folder in"):
            write(tmp_path / name, "one")


def test_a_place_that_takes_no_folder_is_told_by_the_name_that_was_given() -> None:
    """The hidden name beside it says nothing to anybody."""
    with (
        pytest.raises(UnwritableError, match=r"on writing /proc/export, want a writable folder$"),
        fresh_folder(Path("/proc/export")),
    ):
        pytest.fail("there is no such folder")
