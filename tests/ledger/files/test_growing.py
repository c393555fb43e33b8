"""A child reads a file as it grows, to the end that its writer says it has."""

import os
from pathlib import Path

import pytest

from ledger.files.growing import Growth
from ledger.files.isolated import IsolatedProcess


def read_all(path: Path, growth: Growth, size: int) -> bytes:
    """Return what there is in the end, read in the child."""
    growth.begin()
    content = b""
    with path.open("rb", buffering=0) as file:
        reader = growth.reader(file)
        while some := reader.read(size):
            content += some
        return content + reader.read(size)


@pytest.mark.parametrize("size", [1, 7, 1_000_000])
@pytest.mark.parametrize("pieces", [[], [b""], [b"a"], [b"abc"] * 3, [b"x" * 100_000] * 4, [b"ab"] * 200])
def test_a_child_reads_what_is_written_meanwhile(pieces: list[bytes], size: int, tmp_path: Path) -> None:
    """Whatever is written at a time and read at a time; nothing written is nothing read."""
    path, growth = tmp_path / "f", Growth()
    path.touch()
    child = IsolatedProcess(lambda: read_all(path, growth, size), bytes)
    with path.open("ab", buffering=0) as file:
        for piece in pieces:
            file.write(piece)
            growth.grown()
    growth.end()
    assert b"".join(pieces) == child.result()


def test_a_reader_that_is_gone_or_slow_is_not_waited_for(tmp_path: Path) -> None:
    """However much it is told."""
    growth = Growth()
    child = IsolatedProcess(lambda: os._exit(0), bytes)
    for _ in range(70_000):
        growth.grown()
    growth.end()
    with pytest.raises(Exception, match="no word"):
        child.result()
    assert [] == list(tmp_path.iterdir())
