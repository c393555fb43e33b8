"""Every command that reads while the file is hashed prints what it prints behind the hash, whatever the cache says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.context import early_hash
from ledger.store.event_log import EventLog
from ledger.store.home import LedgerHome
from tests.cli.context.test_ledger_option import SHOWING
from tests.cli.context.test_reading import everything, to
from tests.projections.store.kept_archives import forged, halved
from tests.support.archives import archive, put
from tests.support.cli import Result, environment
from tests.support.sample_ledger import FOLDER, NOW

USING = [
    *(args for args in SHOWING if args[0] in early_hash.COMMANDS),
    ["prices", "--ticker", "PETR4", "--as-of", "99"],  # which says that there is no such event
    ["actions", "--disputed"],
    ["prices", "--ticker", "VALE3"],  # of which nothing is held
]
# However small the file is.
BESIDE = """
from cli.context import early_hash
early_hash.WORTH_A_PROCESS_BYTES = 0
from cli.entry import main
main()
"""


# The file cannot be read any more once it turns out to be another.
THEN_GONE = """
from ledger.errors import NoArchiveError
from projections.store import archive_cache
def gone(path, *_, **__):
    raise NoArchiveError(path)
archive_cache.read_archive = gone
"""


@pytest.fixture(scope="module")
def auditor(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a backup of the sample's ledger, and no ledger."""
    folder = tmp_path_factory.mktemp("auditor")
    with EventLog(LedgerHome(sample / FOLDER.parent), now=lambda: 0, readonly=True) as log:
        put(folder / "a.db", archive(log.read()))
    shutil.copytree(sample / "snapshots", folder / "snapshots")
    return folder


@pytest.fixture(scope="module")
def lie(auditor: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is kept of a file that is as long, ends alike and has half the rows; beside what is kept of the true one."""
    home = tmp_path_factory.mktemp("home")
    for args in (["prices", "--ticker", "PETR4"], ["logs"], ["metrics"], ["snapshot", "--check"], ["instruments"]):
        asked(args, auditor, home)
    lie = forged(home / "b3-ledger")
    halved(lie)
    return lie


def asked(args: list[str], folder: Path, home: Path, *, first: str = "") -> Result:
    """Run `main` on `args` of the archive there, beside its hash."""
    words = [sys.executable, "-c", f"{first}{BESIDE}", *args, "--ledger", "a.db"]
    env = environment({**NOW, "XDG_CACHE_HOME": str(home)})
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, check=False)
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.parametrize("args", USING, ids=" ".join)
def test_no_byte_is_that_of_a_lie(args: list[str], auditor: Path, lie: Path, tmp_path: Path) -> None:
    """Warm, and over an entry of another file: stdout, stderr, exit code and every file that is written."""
    home, words = lie.parents[1], to(tmp_path / "out", args)
    want, written = asked([*words, "--no-cache"], auditor, home), everything(tmp_path)
    for used_at in (1, 2**32):
        os.utime(lie, (used_at, used_at))
        _removed(tmp_path)
        assert (want, written) == (asked(words, auditor, home), everything(tmp_path))


def test_no_word_is_said_of_a_lie(auditor: Path, lie: Path) -> None:
    """Where the truth is an error: nothing comes before that."""
    os.utime(lie, (2**32, 2**32))
    found = asked(["prices", "--ticker", "PETR4", "--as-of", "99"], auditor, lie.parents[1], first=THEN_GONE)
    assert (3, "") == (found.code, found.out)
    assert found.err.startswith("error: ")


def _removed(folder: Path) -> None:
    for one in folder.iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()
