"""A map that outgrows memory is a map."""

import os
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from ledger.errors import DiskFullError, LedgerError, UnwritableError
from ledger.files.scratch import ScratchMap, sqlite_errors
from tests.support.cli import REPOSITORY

SPILLING = """
import os
from pathlib import Path
from ledger.files.scratch import ScratchMap
folder = os.environ["SQLITE_TMPDIR"]
with ScratchMap(memory_bytes=100_000) as scratch:
    for number in range(20_000):
        scratch.put(b"%d" % number, bytes(247))
    held = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    print(sum(path.startswith(folder) for path in held), "unnamed")
    print(len(os.listdir(folder)), "named")
"""


@pytest.mark.parametrize("memory_bytes", [0, 60, 1_000, 10**6])
def test_it_answers_as_a_dictionary_does(memory_bytes: int) -> None:
    """Whatever fits into memory; the last value of a key is its value."""
    rng, known = random.Random(memory_bytes), dict[bytes, bytes]()
    with ScratchMap(memory_bytes=memory_bytes) as scratch:
        for _ in range(2_000):
            key = b"%d" % rng.randrange(100)
            if rng.random() < 0.5:
                known[key] = rng.randbytes(rng.randrange(20))
                scratch.put(key, known[key])
            assert known.get(key) == scratch.get(key)
        assert known == {key: scratch.get(key) for key in known}


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """The file that grows has no name while it is in use: a crash has nothing to leave."""
    done = subprocess.run(
        [sys.executable, "-c", SPILLING],
        env={**os.environ, "SQLITE_TMPDIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ["1 unnamed", "0 named"] == done.stdout.splitlines()


@pytest.mark.parametrize(
    ("reason", "kind"), [("database or disk is full", DiskFullError), ("disk I/O error", UnwritableError)]
)
def test_what_it_lacks_says_nothing_of_a_ledger(
    reason: str, kind: type[LedgerError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are surroundings: no verdict comes of them."""

    def refuse(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError(reason)

    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    monkeypatch.setattr("sqlite3.connect", refuse)
    with ScratchMap(memory_bytes=10) as scratch, pytest.raises(kind, match=str(tmp_path)):
        scratch.put(b"key", bytes(20))


def test_an_error_that_is_not_sqlites_passes() -> None:
    """As it came."""
    with pytest.raises(ValueError, match="mine"), sqlite_errors():
        raise ValueError("mine")
