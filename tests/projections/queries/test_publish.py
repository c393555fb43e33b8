"""A snapshot reaches the disk whole, with its checksum, or not at all."""

import os
from pathlib import Path

import pytest

from ledger.errors import DiskFullError, UnwritableError
from projections.queries.publish import publish
from projections.queries.snapshot_csv import Csv, render
from tests.projections.story import bar, day

CSV = render("PETR4.SA", {day(0): bar(0)})
REVISED = render("PETR4.SA", {day(0): bar(0, 11_000_000)})


def files(folder: Path) -> dict[str, bytes]:
    """Return every file in `folder`, hidden ones too."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def both(csv: Csv) -> dict[str, bytes]:
    """Return what a folder with `csv` published holds."""
    return {csv.name: csv.content, f"{csv.name}.checksum": csv.checksum}


def test_publishing_writes_both_files_and_nothing_else(tmp_path: Path) -> None:
    """The folder is made when it is missing; a change replaces both."""
    folder = tmp_path / "a" / "b"
    assert (True, both(CSV)) == (publish(CSV, folder), files(folder))
    assert (True, both(REVISED)) == (publish(REVISED, folder), files(folder))


def test_files_that_are_right_are_not_touched(tmp_path: Path) -> None:
    """Not even their times."""
    publish(CSV, tmp_path)
    before = {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    assert publish(CSV, tmp_path) is False
    assert before == {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in tmp_path.iterdir()}


def test_a_lost_checksum_is_written_again(tmp_path: Path) -> None:
    """As after a crash between the two; the CSV did not change."""
    publish(CSV, tmp_path)
    (tmp_path / f"{CSV.name}.checksum").unlink()
    assert (False, both(CSV)) == (publish(CSV, tmp_path), files(tmp_path))


@pytest.mark.parametrize(("number", "error"), [(28, DiskFullError), (122, DiskFullError), (5, UnwritableError)])
def test_a_failed_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[Exception]
) -> None:
    """No part of the new one, and no temporary file."""
    publish(CSV, tmp_path)

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(error):
            publish(REVISED, tmp_path)
    assert both(CSV) == files(tmp_path)


def test_what_a_killed_run_left_goes_with_the_next(tmp_path: Path) -> None:
    """Half a file under a hidden name is removed, not kept for ever."""
    (tmp_path / f".{CSV.name}.4194305.b3-ledger-part").write_bytes(b"half")
    publish(CSV, tmp_path)
    assert both(CSV) == files(tmp_path)


def test_a_run_looks_for_what_was_left_once(tmp_path: Path) -> None:
    """Its other snapshots leave the folder unread; the next run's first one clears it."""
    left = tmp_path / f".{CSV.name}.4194305.b3-ledger-part"
    left.write_bytes(b"half")
    publish(CSV, tmp_path, sweeping=False)
    assert both(CSV) | {left.name: b"half"} == files(tmp_path)
    publish(REVISED, tmp_path)
    assert both(REVISED) == files(tmp_path)
