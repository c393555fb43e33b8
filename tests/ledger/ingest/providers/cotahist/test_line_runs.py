"""Quotes wait in a file without a name, and a disk that takes no more of them is said to be full."""

import errno
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

from ledger.errors import DiskFullError, LedgerError, UnwritableError
from ledger.ingest.providers.cotahist import line_runs
from ledger.ingest.providers.cotahist.line_runs import LineRuns

LINES = np.zeros((3, 4), np.uint8)
SERIES = np.zeros(3, np.int64)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that grows has no name while it is in use: a crash has nothing to leave."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(line_runs, "RUN_BYTES", 1)
    with LineRuns() as runs:
        runs.put(SERIES, LINES, ["ABCD3.SA"])
        held = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
        assert (1, []) == (sum(path.startswith(str(tmp_path)) for path in held), list(tmp_path.iterdir()))
        (batch,) = runs.batches(["ABCD3.SA"])
        assert (["ABCD3.SA"], [0, 3]) == (batch.tickers, batch.bounds)


def test_no_quotes_are_no_batch() -> None:
    """Of a file with nothing that was asked for."""
    with LineRuns() as runs:
        runs.put(SERIES[:0], LINES[:0], [])
        assert [] == list(runs.batches([]))


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, DiskFullError), (errno.EIO, UnwritableError)])
def test_what_the_disk_says_is_said_our_way(
    number: int, kind: type[LedgerError], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether it fills up or fails."""

    def pwrite(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(line_runs, "pwrite_whole", pwrite)
    with LineRuns() as runs:
        runs.put(SERIES, LINES, ["ABCD3.SA"])
        with pytest.raises(kind):
            list(runs.batches(["ABCD3.SA"]))
