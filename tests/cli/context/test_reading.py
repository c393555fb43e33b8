"""Commands that read leave log, snapshots and backups as they are, and need no permission to write."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.root import COMMANDS
from tests.support.cli import command, environment
from tests.support.sample_ledger import NOW, PETR4_CSV, kept, look

# What each exits with on the sample, in which one ticker had rows rejected. {out} is a name outside the folder.
READING = [
    (["metrics"], 1),
    (["metrics", "--format", "prometheus"], 1),
    (["metrics", "ingest-lag"], 1),
    (["metrics", "last-date", "PETR4"], 0),
    (["logs"], 0),
    (["logs", "--failed", "--format", "json"], 0),
    (["health"], 1),
    (["snapshot", "--ticker", "PETR4"], 0),
    (["snapshot", "--ticker", "PETR4", "--as-of", "3"], 0),
    (["snapshot", "--check"], 0),
    (["snapshot", "--check", f"snapshots/{PETR4_CSV}"], 0),
    (["verify"], 0),
    (["verify", "--structure"], 0),
    (["audit"], 0),
    (["audit", "--since", "2"], 0),
    (["salvage", "--out", "{out}.db"], 0),
    (["replay"], 0),
    (["replay", "--until", "2"], 0),
    (["rebuild", "--check"], 0),
    (["rules"], 0),
    (["prices", "--ticker", "PETR4", "--adjusted"], 0),
    (["returns", "PETR4"], 0),
    (["prices", "--ticker", "PETR4", "--as-of", "3", "--format", "csv"], 0),
    (["revisions", "--ticker", "PETR4"], 0),
    (["diff", "--ticker", "PETR4", "--from", "1", "--to", "3"], 1),
    (["actions", "--ticker", "ITUB4"], 0),
    (["gaps"], 1),
    (["why", "--ticker", "PETR4", "--date", "2026-02-13"], 0),
    (["validation", "--ticker", "ITUB4"], 1),
    (["validate", f"snapshots/{PETR4_CSV}"], 0),
    (["compare", "--ticker", "PETR4"], 3),
    (["market", "--on", "2026-02-13"], 3),
    (["sql", "select count(*) from prices"], 0),
    (["instruments"], 3),
    (["instruments", "--renames"], 0),
    (["options", "--underlying", "PETR4", "--on", "2026-02-13"], 3),
    (["export", "--out", "{out}", "--format", "csv", "--as-of", "3"], 0),
    (["report", "--out", "{out}.html"], 0),
    (["plot", "--ticker", "PETR4", "--out", "{out}.svg"], 0),
    (["events"], 0),
    (["events", "--limit", "2", "--format", "json"], 0),
    (["events", "show", "1"], 0),
    (["events", "show", "1", "--raw"], 0),
    (["prove", "1"], 3),
    (["backup", "--prune", "--keep-daily", "1", "--dry-run"], 0),
    (["backup", "--list"], 0),
    (["config"], 0),
]
WRITING = {"import-cotahist", "import-actions", "retire", "accept-head", "test-conn", "alerts", "key", "checkpoint"}
OF_NO_LEDGER = {"help", "version", "completion"}
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


def to(out: Path, args: list[str]) -> list[str]:
    """Return `args` with `out` where they leave it open."""
    return [word.format(out=out) for word in args]


def words(value: list[str] | int) -> str:
    """Return how a line of the table is called."""
    return " ".join(value) if isinstance(value, list) else ""


def test_every_command_that_reads_is_in_the_table() -> None:
    """One that is added is held to this too."""
    assert {entry.name for entry in COMMANDS} - WRITING - OF_NO_LEDGER == {args[0] for args, _ in READING}


@pytest.mark.parametrize(("args", "code"), READING, ids=words)
def test_reading_changes_nothing(args: list[str], code: int, sample: Path, tmp_path: Path) -> None:
    """Not a byte of log, anchor or snapshot, and no new file."""
    before = kept(sample)
    found = look(*to(tmp_path / "out", args), cwd=sample)
    assert (code, before) == (found.code, kept(sample)), found.err


@pytest.mark.skipif(os.geteuid() == 0 and shutil.which("setpriv") is None, reason="root cannot be kept from writing")
@pytest.mark.parametrize(("args", "code"), READING, ids=words)
def test_reading_needs_no_permission_to_write(args: list[str], code: int, read_only: Path, tmp_path: Path) -> None:
    """Not even a lock file is made."""
    before = everything(read_only)
    line = [*(AS_ANYBODY if os.geteuid() == 0 else []), *command(*to(tmp_path / "out", args))]
    done = subprocess.run(line, cwd=read_only, env=environment(NOW), capture_output=True, check=False)
    assert (code, before) == (done.returncode, everything(read_only)), done.stderr
