"""A store without a name: it holds what a fold puts into it, and no end of its process leaves anything of it."""

import fcntl
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ledger.chain import EMPTY_HEAD
from ledger.errors import UnwritableError
from projections.fold.digest import digest
from projections.store import unnamed
from projections.store.registry import ALL
from projections.store.replaying import replay
from projections.store.runner import folded
from projections.store.store import Model
from projections.store.unnamed import PREFIX, locked_folder, unnamed_store
from tests.projections.story import told

LOG = told(list(range(60)))


def test_it_holds_what_a_fold_puts_into_it_and_has_no_name(tmp_path: Path) -> None:
    """While it is open nothing of it is in the folder."""
    with unnamed_store(tmp_path, ALL) as store:
        assert LOG.head() == folded(LOG, store, ALL, EMPTY_HEAD, LOG.head().size)
        with store.view() as view:
            assert replay(LOG) == {name: digest(tables).hex() for name, tables in view.state.items()}
        assert [] == list(tmp_path.iterdir())
    assert [] == list(tmp_path.iterdir())


def test_a_killed_process_leaves_nothing(tmp_path: Path) -> None:
    """Killed while it folds."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        with unnamed_store(tmp_path, ALL) as store:
            folded(LOG, store, ALL, EMPTY_HEAD, 30)
            os.write(writing, b"x")
            signal.pause()
        os._exit(0)
    os.read(reading, 1)
    assert [] == list(tmp_path.iterdir())
    os.kill(pid, signal.SIGKILL)
    assert signal.SIGKILL == os.WTERMSIG(os.waitpid(pid, 0)[1])
    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("step", ["mkdir", "open", "flock"])
def test_a_folder_that_another_process_sweeps_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """At any step: to whoever sweeps it is what a crash left, until it is locked."""
    module = fcntl if step == "flock" else os
    made, swept = getattr(module, step), []

    def done(*words: Any, **options: Any) -> Any:
        result = made(*words, **options)
        if not swept and (left := [one for one in tmp_path.iterdir() if one.name.startswith(PREFIX)]):
            swept.extend(left)
            shutil.rmtree(left[0])
        return result

    monkeypatch.setattr(module, step, done)
    fd, folder = locked_folder(tmp_path)
    assert 1 == len(swept)
    assert [folder] == list(tmp_path.iterdir())
    os.close(fd)


def test_a_place_that_goes_away_meanwhile_is_told(tmp_path: Path) -> None:
    """It is the place that is gone, and nothing is tried again."""
    with pytest.raises(UnwritableError, match="No such file"):
        locked_folder(tmp_path / "gone")


def test_what_a_kill_left_before_its_name_was_gone_is_removed_by_the_next(tmp_path: Path) -> None:
    """But not what another process has just made, and holds locked; nor what only looks like it."""
    left, ours, other = (tmp_path / name for name in (f"{PREFIX}left", f"{PREFIX}ours", "b3-ledger"))
    for folder in (left, ours, other):
        folder.mkdir()
        (folder / "data.mdb").write_bytes(b"x")
    fd = os.open(ours, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    with unnamed_store(tmp_path, ALL):
        assert {ours, other} == set(tmp_path.iterdir())
    os.close(fd)


def test_nobody_takes_a_store_that_is_being_made_for_one_that_a_kill_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another fold that begins in the same folder just then sweeps it, and both are whole."""
    create, crossed = unnamed.create, list[Path]()

    def crossing(folder: Path, models: Mapping[str, Model]) -> None:
        if not crossed:
            crossed.append(folder)
            with unnamed_store(tmp_path, ALL) as other:
                assert LOG.head() == folded(LOG, other, ALL, EMPTY_HEAD, LOG.head().size)
            assert crossed == list(tmp_path.iterdir())
        create(folder, models)

    monkeypatch.setattr(unnamed, "create", crossing)
    with unnamed_store(tmp_path, ALL) as store:
        assert LOG.head() == folded(LOG, store, ALL, EMPTY_HEAD, LOG.head().size)
    assert (1, []) == (len(crossed), list(tmp_path.iterdir()))


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """`TMPDIR` may name anything."""
    with (
        pytest.raises(UnwritableError, match="got 'No such file or directory' on writing"),
        unnamed_store(tmp_path / "gone", ALL),
    ):
        pass
    assert [] == list(tmp_path.iterdir())
