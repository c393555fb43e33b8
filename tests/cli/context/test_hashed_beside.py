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
from tests.projections.store.test_likely_archive import forged, halved
from tests.support.archives import archive, put
from tests.support.cli import Result, environment
from tests.support.sample_ledger import FOLDER, NOW

USING = [args for args in SHOWING if args[0] in early_hash.COMMANDS]
# However small the file is.
BESIDE = """
from cli.context import early_hash
early_hash.WORTH_A_PROCESS_BYTES = 0
from cli.entry import main
main()
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


def asked(args: list[str], folder: Path, home: Path) -> Result:
    """Run `main` on `args` of the archive there, beside its hash."""
    words = [sys.executable, "-c", BESIDE, *args, "--ledger", "a.db"]
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


def _removed(folder: Path) -> None:
    for one in folder.iterdir():
        shutil.rmtree(one) if one.is_dir() else one.unlink()
