"""Quotes go in by days and come out by tickers."""

import os
import sqlite3
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.errors import DiskFullError, LedgerError, StorageError
from ledger.ingest.providers.cotahist.identity import identity
from ledger.ingest.providers.cotahist.spool import Spool, SpoolRow
from tests.support.cli import REPOSITORY
from tests.support.cotahist import quotes

SPOOLING = """
import os
from pathlib import Path
from ledger.ingest.providers.cotahist.spool import Spool
folder = os.environ["SQLITE_TMPDIR"]
with Spool() as spool:
    spool.put(("ABCD3.SA", number, bytes(247)) for number in range(20_000))
    held = [os.readlink(path) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()]
    print(sum(path.startswith(folder) for path in held), "unnamed")
    print(len(os.listdir(folder)), "named")
"""


def test_each_ticker_comes_once_with_its_lines_in_order() -> None:
    """Held to a dictionary of lists."""
    rows = [(ticker, number, quote) for number, quote in enumerate(quotes(records=5_000, year=2025, seed=2))
            if isinstance(ticker := identity(quote), str)]  # fmt: skip
    expected = defaultdict(list)
    for ticker, _, quote in rows:
        expected[ticker].append(quote)
    with Spool() as spool:
        spool.put(rows[::2])
        spool.put(rows[1::2])
        assert sorted(expected.items()) == list(spool.tickers())


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """The file that grows has no name while it is in use: a crash has nothing to leave."""
    done = subprocess.run(
        [sys.executable, "-c", SPOOLING],
        env={**os.environ, "SQLITE_TMPDIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ["1 unnamed", "0 named"] == done.stdout.splitlines()


@pytest.mark.parametrize(
    ("reason", "kind"), [("database or disk is full", DiskFullError), ("disk I/O error", StorageError)]
)
def test_what_sqlite_says_is_said_our_way(reason: str, kind: type[LedgerError], tmp_path: Path,
                                          monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """With the folder that it happened in."""

    def rows() -> Iterator[SpoolRow]:
        raise sqlite3.OperationalError(reason)
        yield

    monkeypatch.setenv("SQLITE_TMPDIR", str(tmp_path))
    with Spool() as spool, pytest.raises(kind, match=str(tmp_path)):
        spool.put(rows())
