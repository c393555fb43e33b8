"""Commands that read leave log, snapshots and backups as they are, and need no permission to write."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import command, environment
from tests.support.sample_ledger import NOW, PETR4_CSV, kept, look

# What each exits with on the sample, in which one ticker had rows rejected.
READING = [
    (["metrics"], 1),
    (["metrics", "--format", "prometheus"], 1),
    (["metrics", "ingest-lag"], 1),
    (["metrics", "last-date", "PETR4"], 0),
    (["logs", "--failed"], 0),
    (["verify"], 0),
    (["verify", "--structure"], 0),
    (["replay"], 0),
    (["rebuild", "--check"], 0),
    (["snapshot", "--ticker", "PETR4"], 0),
    (["snapshot", "--check"], 0),
    (["snapshot", "--check", f"snapshots/{PETR4_CSV}"], 0),
    (["health"], 1),
    (["events"], 0),
    (["events", "show", "1", "--raw"], 0),
    (["config"], 0),
]
# Root may write anywhere unless it gives that up.
AS_ANYBODY = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]


@pytest.fixture(scope="module")
def read_only(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the sample's folder in which nobody may write."""
    folder = tmp_path_factory.mktemp("read-only") / "copy"
    shutil.copytree(sample, folder)
    everything = [folder, *folder.rglob("*")]
    for path in everything:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in everything:
        path.chmod(0o755)


def everything(folder: Path) -> dict[str, bytes]:
    """Return every file there is, whole."""
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize(
    ("args", "code"), READING, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_reading_changes_nothing(args: list[str], code: int, sample: Path) -> None:
    """Not a byte of log, anchor or snapshot, and no new file."""
    before = kept(sample)
    look("metrics", cwd=sample)
    assert (code, before) == (look(*args, cwd=sample).code, kept(sample))


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root cannot be kept from writing")
@pytest.mark.parametrize(
    ("args", "code"), READING, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_reading_needs_no_permission_to_write(args: list[str], code: int, read_only: Path) -> None:
    """Not even a lock file is made."""
    before = everything(read_only)
    words = [*(AS_ANYBODY if os.geteuid() == 0 else []), *command(*args)]
    done = subprocess.run(words, cwd=read_only, env=environment(NOW), capture_output=True, check=False)
    assert (code, before) == (done.returncode, everything(read_only)), done.stderr
